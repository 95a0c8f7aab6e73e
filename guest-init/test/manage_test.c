// What is asked of a container that runs: Pids, Update, Resize.
#include "host.h"

#include "fake_oci.h"
#include "frame.h"
#include "ttrpc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static Microvm__Guest__V1__PidsResponse *call_pids(const char *id) {
  Microvm__Guest__V1__PidsRequest request = MICROVM__GUEST__V1__PIDS_REQUEST__INIT;
  request.container_id = (char *)id;
  if (host_call("Pids", &request.base) != 0)
    return NULL;
  return microvm__guest__v1__pids_response__unpack(NULL, host.payload_length, host.payload);
}

static bool ends(const char *id) {
  return host_signal(id, "", SIGKILL) == 0 && host_exit(id, "") == 128 + SIGKILL && host_delete(id) == 0;
}

// No cgroup here: only the init is known.
static void pids(void) {
  CHECK(!call_pids("a") && host.code == TTRPC_NOT_FOUND);
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  Microvm__Guest__V1__PidsResponse *response;
  for (int i = 0; i < PATIENCE; i++) {
    response = call_pids("a");
    CHECK(response && response->n_processes == 1);
    // It is a shell at first.
    if (response->processes[0]->command.len == 10)
      break;
    microvm__guest__v1__pids_response__free_unpacked(response, NULL);
  }
  const Microvm__Guest__V1__Process *process = response->processes[0];
  CHECK(process->pid > 1 && process->uid == geteuid() && !process->exec_id[0]);
  CHECK(process->command.len == 10 && memcmp(process->command.data,
                                             "sleep\0"
                                             "100\0",
                                             10) == 0);
  microvm__guest__v1__pids_response__free_unpacked(response, NULL);
  CHECK(ends("a"));
}

static int update(const char *id, const char *resources) {
  Microvm__Guest__V1__UpdateRequest request = MICROVM__GUEST__V1__UPDATE_REQUEST__INIT;
  request.container_id = (char *)id;
  request.resources.data = (uint8_t *)resources;
  request.resources.len = strlen(resources);
  return host_call("Update", &request.base);
}

static void updates(void) {
  CHECK(update("a", "{}") == TTRPC_NOT_FOUND);
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(update("a", "") == TTRPC_INVALID_ARGUMENT);
  CHECK(update("a", "{}") == 0);
  CHECK(update("a", FAKE_FAILURE "because") == TTRPC_INTERNAL && strcmp(host.message, "because") == 0);
  CHECK(update("a", FAKE_CRASH) == TTRPC_INTERNAL);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(update("a", "{}") == TTRPC_FAILED_PRECONDITION);
  CHECK(host_delete("a") == 0);
}

static int resize(const char *id, const char *exec_id, uint32_t columns, uint32_t rows) {
  Microvm__Guest__V1__ResizeRequest request = MICROVM__GUEST__V1__RESIZE_REQUEST__INIT;
  request.container_id = (char *)id;
  request.exec_id = (char *)exec_id;
  request.columns = columns;
  request.rows = rows;
  return host_call("Resize", &request.base);
}

// Its size is set while it waits for Start.
static void terminals(void) {
  host_subscribe();
  Microvm__Guest__V1__Stdio stdio = MICROVM__GUEST__V1__STDIO__INIT;
  stdio.stdout = 1;
  stdio.terminal = true;
  Microvm__Guest__V1__CreateRequest request = MICROVM__GUEST__V1__CREATE_REQUEST__INIT;
  request.container_id = "a";
  request.spec = (ProtobufCBinaryData){.data = (uint8_t *)"stty size", .len = 9};
  request.stdio = &stdio;
  CHECK(host_call("Create", &request.base) == 0);
  CHECK(resize("a", "", 101, 33) == 0);
  CHECK(host_start("a") == 0 && host_exit("a", "") == 0);
  uint8_t bytes[256];
  ssize_t length = read(host.io, bytes, sizeof bytes);
  struct frame frame;
  CHECK(frame_decode(bytes, length, &frame) == FRAME_HEADER + 8);
  CHECK(memcmp(frame.payload, "33 101\r\n", 8) == 0);
  CHECK(resize("a", "", 1, 1) == 0);
  CHECK(host_delete("a") == 0);
}

static void resizes(void) {
  CHECK(resize("a", "", 1, 1) == TTRPC_NOT_FOUND);
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(resize("a", "", 0, 65535) == 0);
  CHECK(resize("a", "x", 1, 1) == TTRPC_NOT_FOUND);
  CHECK(resize("a", "", 65536, 1) == TTRPC_INVALID_ARGUMENT);
  CHECK(resize("a", "", 1, UINT32_MAX) == TTRPC_INVALID_ARGUMENT);
  CHECK(ends("a"));
}

WITH_HOST(pids)
WITH_HOST(updates)
WITH_HOST(terminals)
WITH_HOST(resizes)

const struct test manage_tests[] = {
    {"manage: Pids", pids_with_host},
    {"manage: Update", updates_with_host},
    {"manage: the size of a terminal", terminals_with_host},
    {"manage: Resize where there is none", resizes_with_host},
    {0},
};
