#include "service.h"

#include "clock.h"
#include "create.h"
#include "delete.h"
#include "dial.h"
#include "events.h"
#include "exec.h"
#include "freeze.h"
#include "guest.pb-c.h"
#include "lookup.h"
#include "network.h"
#include "oci.h"
#include "pids.h"
#include "resize.h"
#include "setup.h"
#include "signaling.h"
#include "stats.h"
#include "template.h"
#include "update.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define PROTOCOL_VERSION 1

static bool shut_down;

bool service_shut_down(void) {
  return shut_down;
}

static void hello(uint32_t call, const ProtobufCMessage *message) {
  uint32_t version = ((const Microvm__Guest__V1__HelloRequest *)message)->version;
  if (version != PROTOCOL_VERSION)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "version %u of the protocol is not spoken, but %d", version,
                    PROTOCOL_VERSION);
  struct utsname names;
  uname(&names);
  struct timespec uptime;
  clock_gettime(CLOCK_BOOTTIME, &uptime);
  Microvm__Guest__V1__HelloResponse response = MICROVM__GUEST__V1__HELLO_RESPONSE__INIT;
  response.version = PROTOCOL_VERSION;
  response.kernel = names.release;
  response.uptime_ns = (uint64_t)uptime.tv_sec * 1000000000 + uptime.tv_nsec;
  rpc_answer(call, &response.base);
}

static void events(uint32_t call, const ProtobufCMessage *message) {
  (void)message;
  if (!events_subscribe(call))
    rpc_fail(call, TTRPC_ALREADY_EXISTS, "events are sent to another call");
}

static void start(uint32_t call, const ProtobufCMessage *message) {
  const char *id = ((const Microvm__Guest__V1__StartRequest *)message)->container_id;
  struct container *container = lookup_container(call, id);
  if (!container)
    return;
  if (container->state != CONTAINER_CREATED)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot start: container %s is %s", id,
                    container_state_name(container->state));
  int result = oci_start(id);
  // It died while it waited, and its end is about to be reaped.
  if (result == -ESRCH)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot start: container %s is stopped", id);
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot start container %s: %s", id, strerror(-result));
  container->state = CONTAINER_RUNNING;
  Microvm__Guest__V1__StartResponse response = MICROVM__GUEST__V1__START_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}

static void shutdown(uint32_t call, const ProtobufCMessage *message) {
  (void)message;
  Microvm__Guest__V1__ShutdownResponse response = MICROVM__GUEST__V1__SHUTDOWN_RESPONSE__INIT;
  rpc_answer(call, &response.base);
  shut_down = true;
}

const char service_name[] = "microvm.guest.v1.Guest";

const struct rpc_method service_methods[] = {
    {"Hello", &microvm__guest__v1__hello_request__descriptor, hello},
    {"Setup", &microvm__guest__v1__setup_request__descriptor, setup_handle},
    {"Events", &microvm__guest__v1__events_request__descriptor, events},
    {"Create", &microvm__guest__v1__create_request__descriptor, create_handle},
    {"Start", &microvm__guest__v1__start_request__descriptor, start},
    {"Signal", &microvm__guest__v1__signal_request__descriptor, signaling_handle},
    {"Exec", &microvm__guest__v1__exec_request__descriptor, exec_handle},
    {"Pids", &microvm__guest__v1__pids_request__descriptor, pids_handle},
    {"Resize", &microvm__guest__v1__resize_request__descriptor, resize_handle},
    {"Stats", &microvm__guest__v1__stats_request__descriptor, stats_handle},
    {"Update", &microvm__guest__v1__update_request__descriptor, update_handle},
    {"Freeze", &microvm__guest__v1__freeze_request__descriptor, freeze_handle},
    {"SetClock", &microvm__guest__v1__set_clock_request__descriptor, clock_handle},
    {"Network", &microvm__guest__v1__network_request__descriptor, network_handle},
    {"Dial", &microvm__guest__v1__dial_request__descriptor, dial_handle},
    {"Delete", &microvm__guest__v1__delete_request__descriptor, delete_handle},
    {"Template", &microvm__guest__v1__template_request__descriptor, template_handle},
    {"Shutdown", &microvm__guest__v1__shutdown_request__descriptor, shutdown},
    {0},
};
