// The life of a container: Create, Start, Signal, Delete and what is told of it.
#include "host.h"

#include "fake_oci.h"
#include "frame.h"
#include "loop.h"
#include "ttrpc.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void life_of_a_container(void) {
  host_subscribe();
  CHECK(host_answer(host_send_create("a", "echo out; echo err >&2; exit 42", 0, 1, 2)) == 0);
  CHECK(host_start("a") == 0);
  CHECK(host_exit("a", "") == 42);
  uint8_t bytes[256];
  // The output is there before the exit.
  ssize_t length = read(host.io, bytes, sizeof bytes);
  struct frame frame;
  CHECK(frame_decode(bytes, length, &frame) == FRAME_HEADER + 4);
  CHECK(frame.stream == 1 && memcmp(frame.payload, "out\n", 4) == 0);
  CHECK(host_signal("a", "", SIGTERM) == TTRPC_FAILED_PRECONDITION);
  CHECK(host_start("a") == TTRPC_FAILED_PRECONDITION);
  CHECK(host_delete("a") == 0);
  CHECK(host_delete("a") == TTRPC_NOT_FOUND);
}

static void signals(void) {
  host_subscribe();
  CHECK(host_answer(host_send_create("a", "exec sleep 100", 0, 0, 0)) == 0);
  CHECK(host_start("a") == 0);
  CHECK(host_delete("a") == TTRPC_FAILED_PRECONDITION);
  CHECK(host_signal("b", "", SIGTERM) == TTRPC_NOT_FOUND);
  CHECK(host_signal("a", "", 0) == 0 && host_signal("a", "", 65) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_signal("a", "", SIGTERM) == 0);
  CHECK(host_exit("a", "") == 128 + SIGTERM);
  CHECK(host_delete("a") == 0);
}

static void never_started(void) {
  host_subscribe();
  CHECK(host_answer(host_send_create("a", "true", 3, 4, 5)) == 0);
  CHECK(host_answer(host_send_create("a", "true", 0, 0, 0)) == TTRPC_ALREADY_EXISTS);
  CHECK(host_answer(host_send_create("b", "true", 0, 4, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_answer(host_send_create("b", "true", 0, 6, 6)) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_answer(host_send_create("/", "true", 0, 0, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_answer(host_send_create("b", "", 0, 0, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_delete("a") == 0);
  CHECK(host_exit("a", "") == 128 + SIGKILL);
}

static void failed_create(void) {
  CHECK(host_answer(host_send_create("a", FAKE_FAILURE "because", 1, 2, 3)) == TTRPC_INTERNAL);
  CHECK(strcmp(host.message, "because") == 0);
  CHECK(host_answer(host_send_create("a", FAKE_CRASH, 1, 2, 3)) == TTRPC_INTERNAL);
  CHECK(strcmp(host.message, "the runtime ended with status 3") == 0);
  // Its id and its streams are free again.
  CHECK(host_answer(host_send_create("a", "true", 1, 2, 3)) == 0);
  CHECK(host_delete("a") == 0);
}

static void many_at_once(void) {
  char id[16], command[32];
  uint32_t calls[10];
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    snprintf(command, sizeof command, "exit %d", i);
    calls[i] = host_send_create(id, command, 0, 0, 0);
  }
  for (int i = 9; i >= 0; i--)
    CHECK(host_answer(calls[i]) == 0);
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    CHECK(host_start(id) == 0);
  }
  // Exits without a subscription are kept.
  for (int i = 0; i < 50; i++)
    loop_turn(2);
  host_subscribe();
  int sum = 0;
  for (int i = 0; i < 10; i++) {
    Microvm__Guest__V1__Event *event = host_event();
    CHECK(event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT);
    sum += event->exit->exit_status;
    microvm__guest__v1__event__free_unpacked(event, NULL);
  }
  CHECK(sum == 45);
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    CHECK(host_delete(id) == 0);
  }
}

WITH_HOST(life_of_a_container)
WITH_HOST(signals)
WITH_HOST(never_started)
WITH_HOST(failed_create)
WITH_HOST(many_at_once)

const struct test life_tests[] = {
    {"life: of a container", life_of_a_container_with_host},
    {"life: signals", signals_with_host},
    {"life: a container that is never started", never_started_with_host},
    {"life: a Create that fails", failed_create_with_host},
    {"life: many at once", many_at_once_with_host},
    {0},
};
