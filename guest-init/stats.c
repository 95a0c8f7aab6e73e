#include "stats.h"

#include "cgroup_file.h"
#include "guest.pb-c.h"
#include "log.h"
#include "lookup.h"
#include "rpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Microvm__Guest__V1__StatsResponse Response;
typedef Microvm__Guest__V1__StatsResponse__MemoryStatEntry MemoryStat;
typedef Microvm__Guest__V1__StatsResponse__MemoryEventsEntry MemoryEvents;
typedef Microvm__Guest__V1__DeviceIo DeviceIo;

// The list with one more element, which is uninitialised and `size` long.
static void *append(void *list, size_t *count, size_t size) {
  void **longer = realloc(*(void ***)list, (*count + 1) * sizeof *longer);
  void *element = malloc(size);
  if (!longer || !element)
    fatal("no statistics");
  longer[(*count)++] = element;
  *(void ***)list = longer;
  return element;
}

static char *copy(const char *text) {
  char *copied = strdup(text);
  if (!copied)
    fatal("no statistics");
  return copied;
}

static void add_cpu(const char *key, uint64_t value, void *context) {
  Response *response = context;
  const struct {
    const char *key;
    uint64_t *field;
  } fields[] = {
      {"usage_usec", &response->cpu_usage_usec},     {"user_usec", &response->cpu_user_usec},
      {"system_usec", &response->cpu_system_usec},   {"nr_periods", &response->cpu_nr_periods},
      {"nr_throttled", &response->cpu_nr_throttled}, {"throttled_usec", &response->cpu_throttled_usec},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    if (strcmp(fields[i].key, key) == 0)
      *fields[i].field = value;
}

static void add_memory_stat(const char *key, uint64_t value, void *context) {
  Response *response = context;
  MemoryStat *entry = append(&response->memory_stat, &response->n_memory_stat, sizeof *entry);
  microvm__guest__v1__stats_response__memory_stat_entry__init(entry);
  entry->key = copy(key);
  entry->value = value;
}

static void add_memory_event(const char *key, uint64_t value, void *context) {
  Response *response = context;
  MemoryEvents *entry = append(&response->memory_events, &response->n_memory_events, sizeof *entry);
  microvm__guest__v1__stats_response__memory_events_entry__init(entry);
  entry->key = copy(key);
  entry->value = value;
}

// A line of io.stat: MAJOR:MINOR, then KEY=VALUE each.
static void add_device(char *line, Response *response) {
  DeviceIo io = MICROVM__GUEST__V1__DEVICE_IO__INIT;
  const struct {
    const char *key;
    uint64_t *field;
  } fields[] = {{"rbytes", &io.rbytes}, {"wbytes", &io.wbytes}, {"rios", &io.rios}, {"wios", &io.wios}};
  char *rest, *word = strtok_r(line, " \n", &rest);
  if (!word || sscanf(word, "%u:%u", &io.major, &io.minor) != 2)
    return;
  while ((word = strtok_r(NULL, " \n", &rest))) {
    char *value = strchr(word, '=');
    for (size_t i = 0; value && i < sizeof fields / sizeof *fields; i++)
      if (strncmp(word, fields[i].key, value - word) == 0)
        *fields[i].field = strtoull(value + 1, NULL, 10);
  }
  memcpy(append(&response->io, &response->n_io, sizeof io), &io, sizeof io);
}

static void add_devices(const char *cgroup, Response *response) {
  FILE *file = cgroup_read(cgroup, "io.stat");
  char *line = NULL;
  size_t capacity = 0;
  while (file && getline(&line, &capacity, file) > 0)
    add_device(line, response);
  free(line);
  if (file)
    fclose(file);
}

static uint64_t guest_memory_usage(void) {
  FILE *file = fopen("/proc/meminfo", "re");
  char key[64];
  uint64_t value, total = 0, available = 0;
  while (file && fscanf(file, "%63[^:]: %" SCNu64 "%*[^\n]\n", key, &value) == 2) {
    if (strcmp(key, "MemTotal") == 0)
      total = value;
    else if (strcmp(key, "MemAvailable") == 0)
      available = value;
  }
  if (file)
    fclose(file);
  return available < total ? (total - available) * 1024 : 0;
}

static void fill(const char *cgroup, Response *response) {
  cgroup_each_key(cgroup, "cpu.stat", add_cpu, response);
  cgroup_each_key(cgroup, "memory.stat", add_memory_stat, response);
  cgroup_each_key(cgroup, "memory.events", add_memory_event, response);
  response->memory_usage = cgroup_value(cgroup, "memory.current");
  response->memory_limit = cgroup_value(cgroup, "memory.max");
  response->memory_peak = cgroup_value(cgroup, "memory.peak");
  response->swap_usage = cgroup_value(cgroup, "memory.swap.current");
  response->swap_limit = cgroup_value(cgroup, "memory.swap.max");
  response->pids_current = cgroup_value(cgroup, "pids.current");
  response->pids_limit = cgroup_value(cgroup, "pids.max");
  add_devices(cgroup, response);
  response->guest_memory_usage = guest_memory_usage();
}

void stats_handle(uint32_t call, const ProtobufCMessage *message) {
  const char *id = ((const Microvm__Guest__V1__StatsRequest *)message)->container_id;
  const struct container *container = lookup_container(call, id);
  if (!container)
    return;
  if (!container->cgroup)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "container %s has no cgroup", id);
  Response *response = malloc(sizeof *response);
  if (!response)
    fatal("no statistics");
  microvm__guest__v1__stats_response__init(response);
  fill(container->cgroup, response);
  rpc_answer(call, &response->base);
  microvm__guest__v1__stats_response__free_unpacked(response, NULL);
}
