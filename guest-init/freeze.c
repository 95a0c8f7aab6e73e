#include "freeze.h"

#include "cgroup_file.h"
#include "fd.h"
#include "guest.pb-c.h"
#include "log.h"
#include "lookup.h"
#include "loop.h"
#include "rpc.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/timerfd.h>

// A process that waits for a device stops only after that.
#define LIMIT_SECONDS 10

// A Freeze that waits for the last processes to stop.
struct freezing {
  struct freezing *next;
  // Wakes when cgroup.events changes.
  struct source events;
  struct source limit;
  uint32_t call;
  struct container *container;
};

static struct freezing *freezings;

static bool is_frozen(const struct container *container) {
  return cgroup_key(container->cgroup, "cgroup.events", "frozen") == 1;
}

static int set(struct container *container, bool frozen) {
  int result = cgroup_write(container->cgroup, "cgroup.freeze", frozen ? "1" : "0");
  if (result < 0)
    return result;
  container->frozen = frozen;
  spawn_go_on(container);
  return 0;
}

static void succeed(uint32_t call) {
  Microvm__Guest__V1__FreezeResponse response = MICROVM__GUEST__V1__FREEZE_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}

static void fail(uint32_t call, const struct container *container, int error) {
  rpc_fail(call, TTRPC_INTERNAL, "cannot freeze container %s: %s", container->id, strerror(-error));
}

static void release(struct freezing *freezing) {
  for (struct freezing **at = &freezings; *at; at = &(*at)->next) {
    if (*at == freezing) {
      *at = freezing->next;
      break;
    }
  }
  loop_remove(&freezing->events);
  loop_remove(&freezing->limit);
  close_fdp(&freezing->events.fd);
  close_fdp(&freezing->limit.fd);
  free(freezing);
}

static int on_event(struct source *source) {
  struct freezing *freezing = container_of(source, struct freezing, events);
  if (is_frozen(freezing->container)) {
    succeed(freezing->call);
    release(freezing);
  }
  return 0;
}

// What has stopped goes on: half a freeze is none.
static int on_limit(struct source *source) {
  struct freezing *freezing = container_of(source, struct freezing, limit);
  set(freezing->container, false);
  rpc_fail(freezing->call, TTRPC_INTERNAL, "container %s did not freeze within %d s", freezing->container->id,
           LIMIT_SECONDS);
  release(freezing);
  return 0;
}

// Adds both sources, or leaves nothing.
static int await(struct freezing *freezing) {
  const struct itimerspec limit = {.it_value.tv_sec = LIMIT_SECONDS};
  int events = cgroup_open(freezing->container->cgroup, "cgroup.events", O_RDONLY);
  freezing->events = (struct source){.fd = events, .on_ready = on_event};
  freezing->limit = (struct source){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
                                    .on_ready = on_limit};
  if (events < 0)
    return events;
  if (freezing->limit.fd < 0 || timerfd_settime(freezing->limit.fd, 0, &limit, NULL) < 0)
    return -errno;
  int result = loop_add(&freezing->events, EPOLLPRI);
  return result == 0 ? loop_add(&freezing->limit, EPOLLIN) : result;
}

static void freeze(uint32_t call, struct container *container) {
  struct freezing *freezing = calloc(1, sizeof *freezing);
  if (!freezing)
    fatal("no freezing");
  freezing->call = call;
  freezing->container = container;
  freezing->next = freezings;
  freezings = freezing;
  // Watched first: no change is missed.
  int result = await(freezing);
  if (result == 0)
    result = set(container, true);
  if (result < 0)
    fail(call, container, result);
  else if (is_frozen(container))
    succeed(call);
  else
    return;
  release(freezing);
}

void freeze_give_up(const struct container *container) {
  struct freezing *next;
  for (struct freezing *at = freezings; at; at = next) {
    next = at->next;
    if (at->container != container)
      continue;
    rpc_fail(at->call, TTRPC_FAILED_PRECONDITION, "container %s does not freeze any more", container->id);
    release(at);
  }
}

static void thaw(uint32_t call, struct container *container) {
  freeze_give_up(container);
  int result = set(container, false);
  if (result < 0)
    fail(call, container, result);
  else
    succeed(call);
}

void freeze_handle(uint32_t call, const ProtobufCMessage *message) {
  const Microvm__Guest__V1__FreezeRequest *request = (const Microvm__Guest__V1__FreezeRequest *)message;
  struct container *container = lookup_container(call, request->container_id);
  if (!container)
    return;
  if (container->state != CONTAINER_CREATED && container->state != CONTAINER_RUNNING)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot freeze: container %s is %s", container->id,
                    container_state_name(container->state));
  if (!container->cgroup)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "container %s has no cgroup", container->id);
  if (request->frozen)
    freeze(call, container);
  else
    thaw(call, container);
}
