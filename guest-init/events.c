#include "events.h"

#include "guest.pb-c.h"
#include "log.h"
#include "rpc.h"

#include <stdlib.h>

struct kept {
  struct kept *next;
  Microvm__Guest__V1__Event *event;
};

static uint32_t subscriber;
static struct kept *kept;

// A copy by way of its own encoding: the only one that protobuf-c has.
static void keep(const Microvm__Guest__V1__Event *event) {
  struct kept *entry = calloc(1, sizeof *entry);
  size_t length = microvm__guest__v1__event__get_packed_size(event);
  uint8_t *bytes = malloc(length + 1);
  if (!entry || !bytes)
    fatal("no event");
  microvm__guest__v1__event__pack(event, bytes);
  entry->event = microvm__guest__v1__event__unpack(NULL, length, bytes);
  free(bytes);
  struct kept **at = &kept;
  while (*at)
    at = &(*at)->next;
  *at = entry;
}

static void send_or_keep(const Microvm__Guest__V1__Event *event) {
  if (subscriber)
    rpc_send(subscriber, &event->base);
  else
    keep(event);
}

static struct kept *take_kept(void) {
  struct kept *entry = kept;
  if (entry)
    kept = entry->next;
  return entry;
}

bool events_subscribe(uint32_t call) {
  if (subscriber)
    return false;
  subscriber = call;
  for (struct kept *entry; (entry = take_kept()); free(entry)) {
    rpc_send(call, &entry->event->base);
    microvm__guest__v1__event__free_unpacked(entry->event, NULL);
  }
  return true;
}

void events_exit(const char *container_id, const char *exec_id, uint32_t status) {
  Microvm__Guest__V1__Exit exit = MICROVM__GUEST__V1__EXIT__INIT;
  exit.container_id = (char *)container_id;
  exit.exec_id = (char *)exec_id;
  exit.exit_status = status;
  Microvm__Guest__V1__Event event = MICROVM__GUEST__V1__EVENT__INIT;
  event.event_case = MICROVM__GUEST__V1__EVENT__EVENT_EXIT;
  event.exit = &exit;
  send_or_keep(&event);
}

void events_oom(const char *container_id) {
  Microvm__Guest__V1__Oom oom = MICROVM__GUEST__V1__OOM__INIT;
  oom.container_id = (char *)container_id;
  Microvm__Guest__V1__Event event = MICROVM__GUEST__V1__EVENT__INIT;
  event.event_case = MICROVM__GUEST__V1__EVENT__EVENT_OOM;
  event.oom = &oom;
  send_or_keep(&event);
}

void events_close(void) {
  subscriber = 0;
  for (struct kept *entry; (entry = take_kept()); free(entry))
    microvm__guest__v1__event__free_unpacked(entry->event, NULL);
}
