// Processes added to a container.
#include "host.h"

#include "fake_oci.h"
#include "frame.h"
#include "ttrpc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t send_exec(const char *id, const char *exec_id, const char *command, uint32_t out) {
  Microvm__Guest__V1__Stdio stdio = MICROVM__GUEST__V1__STDIO__INIT;
  stdio.stdout = out;
  Microvm__Guest__V1__ExecRequest request = MICROVM__GUEST__V1__EXEC_REQUEST__INIT;
  request.container_id = (char *)id;
  request.exec_id = (char *)exec_id;
  request.process.data = (uint8_t *)command;
  request.process.len = strlen(command);
  request.stdio = &stdio;
  return host_send("Exec", &request.base);
}

static int exec_process(const char *id, const char *exec_id, const char *command) {
  return host_answer(send_exec(id, exec_id, command, 0));
}

static void output_and_status(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(host_answer(send_exec("a", "x", "echo out; exit 42", 7)) == 0);
  Microvm__Guest__V1__ExecResponse *response =
      microvm__guest__v1__exec_response__unpack(NULL, host.payload_length, host.payload);
  CHECK(response && response->pid > 1);
  microvm__guest__v1__exec_response__free_unpacked(response, NULL);
  CHECK(host_exit("a", "x") == 42);
  uint8_t bytes[256];
  ssize_t length = read(host.io, bytes, sizeof bytes);
  struct frame frame;
  CHECK(frame_decode(bytes, length, &frame) == FRAME_HEADER + 4);
  CHECK(frame.stream == 7 && memcmp(frame.payload, "out\n", 4) == 0);
  // Its id is free again.
  CHECK(exec_process("a", "x", "exit 3") == 0);
  CHECK(host_exit("a", "x") == 3);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(host_delete("a") == 0);
}

static void only_where_something_runs(void) {
  host_subscribe();
  CHECK(exec_process("a", "x", "true") == TTRPC_NOT_FOUND);
  CHECK(host_answer(host_send_create("a", "true", 0, 0, 0)) == 0);
  CHECK(exec_process("a", "x", "true") == TTRPC_FAILED_PRECONDITION);
  CHECK(host_start("a") == 0 && host_exit("a", "") == 0);
  CHECK(exec_process("a", "x", "true") == TTRPC_FAILED_PRECONDITION);
  CHECK(strcmp(host.message, "cannot exec: container a is stopped") == 0);
  CHECK(host_delete("a") == 0);
}

static void bad_requests(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(exec_process("a", "", "true") == TTRPC_INVALID_ARGUMENT);
  CHECK(exec_process("a", "../x", "true") == TTRPC_INVALID_ARGUMENT);
  CHECK(exec_process("a", "x", "") == TTRPC_INVALID_ARGUMENT);
  CHECK(host_answer(send_exec("a", "x", "exec sleep 100", 7)) == 0);
  CHECK(exec_process("a", "x", "true") == TTRPC_ALREADY_EXISTS);
  CHECK(host_answer(send_exec("a", "y", "true", 7)) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_call("Exec", NULL) == TTRPC_NOT_FOUND);
  CHECK(host_signal("a", "x", SIGKILL) == 0 && host_exit("a", "x") == 128 + SIGKILL);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(host_delete("a") == 0);
}

static void failure_leaves_nothing(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(host_answer(send_exec("a", "x", FAKE_FAILURE "be\ncause", 7)) == TTRPC_INTERNAL);
  CHECK(strcmp(host.message, "be cause") == 0);
  CHECK(host_answer(send_exec("a", "x", FAKE_CRASH, 7)) == TTRPC_INTERNAL);
  CHECK(host_signal("a", "x", SIGKILL) == TTRPC_NOT_FOUND);
  CHECK(host_answer(send_exec("a", "x", "exit 1", 7)) == 0 && host_exit("a", "x") == 1);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(host_delete("a") == 0);
}

static void signals_only_its_process(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(exec_process("a", "x", "exec sleep 100") == 0);
  CHECK(host_signal("a", "y", SIGTERM) == TTRPC_NOT_FOUND);
  CHECK(host_signal("a", "x", 0) == 0);
  CHECK(host_signal("a", "x", 64) == 0 && host_exit("a", "x") == 128 + 64);
  CHECK(host_signal("a", "x", SIGTERM) == TTRPC_NOT_FOUND);
  CHECK(host_signal("a", "", SIGTERM) == 0 && host_exit("a", "") == 128 + SIGTERM);
  CHECK(host_delete("a") == 0);
}

// No cgroup ends these here: the init's Exit waits for theirs, and so does Delete.
static void init_is_told_last(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(exec_process("a", "x", "exec sleep 100") == 0 && exec_process("a", "y", "exec sleep 100") == 0);
  CHECK(host_signal("a", "", SIGKILL) == 0);
  while (host_signal("a", "", 0) == 0)
    ;
  CHECK(host.code == TTRPC_FAILED_PRECONDITION);
  CHECK(host_delete("a") == TTRPC_FAILED_PRECONDITION);
  CHECK(exec_process("a", "z", "true") == TTRPC_FAILED_PRECONDITION);
  CHECK(host_signal("a", "x", SIGTERM) == 0 && host_exit("a", "x") == 128 + SIGTERM);
  CHECK(host_signal("a", "y", SIGINT) == 0 && host_exit("a", "y") == 128 + SIGINT);
  CHECK(host_exit("a", "") == 128 + SIGKILL);
  CHECK(host_delete("a") == 0);
}

static void many_at_once(void) {
  char id[16], command[32];
  uint32_t calls[100];
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  for (int i = 0; i < 100; i++) {
    snprintf(id, sizeof id, "x%d", i);
    snprintf(command, sizeof command, "exit %d", i);
    calls[i] = send_exec("a", id, command, 1 + i);
  }
  int sum = 0;
  for (int i = 0; i < 100; i++)
    CHECK(host_answer(calls[i]) == 0);
  for (int i = 0; i < 100; i++) {
    Microvm__Guest__V1__Event *event = host_event();
    CHECK(event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT);
    sum += atoi(event->exit->exec_id + 1) == (int)event->exit->exit_status;
    microvm__guest__v1__event__free_unpacked(event, NULL);
  }
  CHECK(sum == 100);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(host_delete("a") == 0);
}

// Those whose turn has not come fail when the init ends, and hold nothing back.
static void many_at_the_end(void) {
  char id[16];
  uint32_t calls[40];
  // As many as guest-init begins at once.
  enum { begun = 8 };
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  for (int i = 0; i < 40; i++) {
    snprintf(id, sizeof id, "x%d", i);
    calls[i] = send_exec("a", id, FAKE_HOLD "exec sleep 100", 0);
  }
  // Until it is known that it has ended.
  while (host_signal("a", "", SIGKILL) == 0)
    ;
  fake_oci_release();
  for (int i = 0; i < 40; i++)
    CHECK(host_answer(calls[i]) == (i < begun ? 0 : TTRPC_FAILED_PRECONDITION));
  // No cgroup ends these here.
  for (int i = 0; i < begun; i++) {
    snprintf(id, sizeof id, "x%d", i);
    host_signal("a", id, SIGKILL);
  }
  for (int i = 0; i <= begun; i++) {
    Microvm__Guest__V1__Event *event = host_event();
    CHECK(event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT);
    CHECK(event->exit->exit_status == 128 + SIGKILL && !event->exit->exec_id[0] == (i == begun));
    microvm__guest__v1__event__free_unpacked(event, NULL);
  }
  CHECK(host_delete("a") == 0);
}

WITH_HOST(output_and_status)
WITH_HOST(only_where_something_runs)
WITH_HOST(bad_requests)
WITH_HOST(failure_leaves_nothing)
WITH_HOST(signals_only_its_process)
WITH_HOST(init_is_told_last)
WITH_HOST(many_at_once)
WITH_HOST(many_at_the_end)

const struct test exec_tests[] = {
    {"exec: output and status", output_and_status_with_host},
    {"exec: only where something runs", only_where_something_runs_with_host},
    {"exec: bad requests", bad_requests_with_host},
    {"exec: a failure leaves nothing", failure_leaves_nothing_with_host},
    {"exec: signals only its process", signals_only_its_process_with_host},
    {"exec: the init is told last", init_is_told_last_with_host},
    {"exec: many at once", many_at_once_with_host},
    {"exec: many when the init ends", many_at_the_end_with_host},
    {0},
};
