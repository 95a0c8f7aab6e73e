// The files of a cgroup, and what is told of them. The cgroup is a directory with files: its path leads
// there.
#include "cgroup_file.h"
#include "container.h"
#include "host.h"
#include "ttrpc.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/guest-init-cgroup.XXXXXX", cgroup[64];

static void write_file(const char *name, const char *text) {
  char path[128];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  FILE *file = fopen(path, "we");
  if (!file || fputs(text, file) < 0 || fclose(file) != 0)
    test_failed = true;
}

static void set_up(void) {
  strcpy(directory + sizeof directory - 7, "XXXXXX");
  if (!mkdtemp(directory))
    test_failed = true;
  // There is a /sys/fs/cgroup wherever containers are.
  snprintf(cgroup, sizeof cgroup, "/../../..%s", directory);
  write_file("memory.current", "4096\n");
  write_file("memory.max", "max\n");
  write_file("memory.peak", "nonsense\n");
  write_file("pids.current", "");
  write_file("pids.max", "18446744073709551616\n");
  write_file("cpu.stat", "usage_usec 5000000000\nnew_key 3\nuser_usec 2\nnr_throttled 7\n");
  write_file("memory.stat", "anon 1\nfile 2\n");
  write_file("memory.events", "low 0\noom_kill 3\nunfinished");
  write_file("io.stat",
             "254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=9 dios=8\nnonsense\n8:16\n9:1 rbytes wbytes=\n");
}

static void tear_down(void) {
  static const char *const names[] = {"memory.current", "memory.max",    "memory.peak",  "pids.current",
                                      "pids.max",       "cpu.stat",      "memory.stat",  "io.stat",
                                      "memory.events",  "cgroup.events", "cgroup.freeze"};
  char path[128];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    unlink(path);
  }
  rmdir(directory);
}

static void values(void) {
  set_up();
  CHECK(cgroup_value(cgroup, "memory.current") == 4096);
  CHECK(cgroup_value(cgroup, "memory.max") == UINT64_MAX);
  CHECK(cgroup_value(cgroup, "memory.peak") == 0 && cgroup_value(cgroup, "pids.current") == 0);
  CHECK(cgroup_value(cgroup, "memory.nonesuch") == 0);
  CHECK(cgroup_key(cgroup, "memory.events", "oom_kill") == 3);
  CHECK(cgroup_key(cgroup, "memory.events", "oom") == 0 && cgroup_key(cgroup, "nonesuch", "low") == 0);
  CHECK(cgroup_write(cgroup, "memory.current", "1\n") == 0 && cgroup_value(cgroup, "memory.current") == 1);
  CHECK(cgroup_write(cgroup, "nonesuch", "1") < 0 && cgroup_write("/nonesuch", "x", "1") < 0);
  tear_down();
}

static int call_stats(const char *id) {
  Microvm__Guest__V1__StatsRequest request = MICROVM__GUEST__V1__STATS_REQUEST__INIT;
  request.container_id = (char *)id;
  return host_call("Stats", &request.base);
}

static void stats(void) {
  CHECK(call_stats("a") == TTRPC_NOT_FOUND);
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  struct container *container = container_find("a");
  free(container->cgroup);
  container->cgroup = NULL;
  CHECK(call_stats("a") == TTRPC_FAILED_PRECONDITION);
  container->cgroup = strdup(cgroup);
  CHECK(call_stats("a") == 0);
  Microvm__Guest__V1__StatsResponse *response =
      microvm__guest__v1__stats_response__unpack(NULL, host.payload_length, host.payload);
  CHECK(response && response->cpu_usage_usec == 5000000000 && response->cpu_user_usec == 2);
  CHECK(response->cpu_nr_throttled == 7 && response->memory_usage == 4096);
  CHECK(response->memory_limit == UINT64_MAX && response->pids_limit == UINT64_MAX);
  CHECK(response->n_memory_stat == 2 && strcmp(response->memory_stat[1]->key, "file") == 0);
  CHECK(response->memory_stat[1]->value == 2 && response->n_memory_events == 2);
  CHECK(response->n_io == 3 && response->io[0]->major == 254 && response->io[0]->wbytes == 20);
  CHECK(response->io[0]->rios == 1 && response->io[1]->minor == 16 && response->io[2]->rbytes == 0);
  CHECK(response->guest_memory_usage > 1 << 20);
  microvm__guest__v1__stats_response__free_unpacked(response, NULL);
  CHECK(host_signal("a", "", SIGKILL) == 0);
  Microvm__Guest__V1__Event *event = host_event();
  CHECK(event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_OOM);
  microvm__guest__v1__event__free_unpacked(event, NULL);
  CHECK(host_exit("a", "") == 128 + SIGKILL && host_delete("a") == 0);
}

static int freeze(const char *id, bool frozen) {
  Microvm__Guest__V1__FreezeRequest request = MICROVM__GUEST__V1__FREEZE_REQUEST__INIT;
  request.container_id = (char *)id;
  request.frozen = frozen;
  return host_call("Freeze", &request.base);
}

static void freezing(void) {
  CHECK(freeze("a", true) == TTRPC_NOT_FOUND);
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  struct container *container = container_find("a");
  free(container->cgroup);
  container->cgroup = NULL;
  CHECK(freeze("a", true) == TTRPC_FAILED_PRECONDITION);
  container->cgroup = strdup(cgroup);
  // Without its files, nothing is frozen, and nothing waits.
  CHECK(freeze("a", true) == TTRPC_INTERNAL && freeze("a", false) == TTRPC_INTERNAL);
  CHECK(!container->frozen);
  write_file("cgroup.freeze", "1\n");
  write_file("memory.events", "");
  CHECK(freeze("a", false) == 0 && cgroup_value(cgroup, "cgroup.freeze") == 0);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL);
  CHECK(freeze("a", true) == TTRPC_FAILED_PRECONDITION);
  CHECK(host_delete("a") == 0);
}

#define WITH_FILES(test)                                                                                     \
  static void test##_with_files(void) {                                                                      \
    set_up();                                                                                                \
    host_set_up();                                                                                           \
    test();                                                                                                  \
    host_tear_down();                                                                                        \
    tear_down();                                                                                             \
  }
WITH_FILES(stats)
WITH_FILES(freezing)

const struct test cgroup_tests[] = {
    {"cgroup: values", values},
    {"cgroup: Stats", stats_with_files},
    {"cgroup: Freeze", freezing_with_files},
    {0},
};
