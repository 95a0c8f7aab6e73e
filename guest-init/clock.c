#include "clock.h"

#include "guest.pb-c.h"
#include "rpc.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define NANOSECONDS 1000000000

int clock_set(uint64_t nanoseconds) {
  struct timespec now = {.tv_sec = nanoseconds / NANOSECONDS, .tv_nsec = nanoseconds % NANOSECONDS};
  return clock_settime(CLOCK_REALTIME, &now) < 0 ? -errno : 0;
}

void clock_handle(uint32_t call, const ProtobufCMessage *message) {
  int result = clock_set(((const Microvm__Guest__V1__SetClockRequest *)message)->clock_ns);
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot set the clock: %s", strerror(-result));
  Microvm__Guest__V1__SetClockResponse response = MICROVM__GUEST__V1__SET_CLOCK_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}
