#include "container.h"

#include <stdlib.h>
#include <string.h>

static struct container *containers;

bool container_any(void) {
  return containers != NULL;
}

struct container *container_find(const char *id) {
  struct container *at = containers;
  while (at && strcmp(at->id, id) != 0)
    at = at->next;
  return at;
}

struct container *container_find_oom_watch(int watch) {
  struct container *at = containers;
  while (at && at->oom_watch != watch)
    at = at->next;
  return at;
}

struct process *container_find_process(struct container *container, const char *exec_id) {
  if (!exec_id[0])
    return &container->init;
  struct process *at = container->execs;
  while (at && strcmp(at->id, exec_id) != 0)
    at = at->next;
  return at;
}

// The first process that is so.
static struct process *find(bool (*is_so)(const struct process *, uint32_t), uint32_t value) {
  for (struct container *container = containers; container; container = container->next) {
    if (is_so(&container->init, value))
      return &container->init;
    for (struct process *exec = container->execs; exec; exec = exec->next)
      if (is_so(exec, value))
        return exec;
  }
  return NULL;
}

static bool has_pid(const struct process *process, uint32_t pid) {
  return process->pid == (pid_t)pid;
}

static bool has_stream(const struct process *process, uint32_t stream) {
  const uint32_t *streams = process->streams;
  return streams[0] == stream || streams[1] == stream || streams[2] == stream;
}

struct process *container_find_pid(pid_t pid) {
  return find(has_pid, pid);
}

bool container_has_stream(uint32_t stream) {
  return find(has_stream, stream) != NULL;
}

struct container *container_add(const char *id) {
  struct container *container = calloc(1, sizeof *container);
  if (!container)
    return NULL;
  strcpy(container->id, id);
  container->init.container = container;
  container->oom_watch = -1;
  container->next = containers;
  containers = container;
  return container;
}

void container_remove(struct container *container) {
  struct container **at = &containers;
  while (*at != container)
    at = &(*at)->next;
  *at = container->next;
  free(container->cgroup);
  free(container);
}

struct process *container_add_exec(struct container *container, const char *id) {
  struct process *exec = calloc(1, sizeof *exec);
  if (!exec)
    return NULL;
  strcpy(exec->id, id);
  exec->container = container;
  exec->next = container->execs;
  container->execs = exec;
  return exec;
}

void container_remove_exec(struct process *exec) {
  struct process **at = &exec->container->execs;
  while (*at != exec)
    at = &(*at)->next;
  *at = exec->next;
  free(exec);
}

const char *container_state_name(enum container_state state) {
  switch (state) {
  case CONTAINER_CREATING:
    return "being created";
  case CONTAINER_CREATED:
    return "created";
  case CONTAINER_RUNNING:
    return "running";
  case CONTAINER_ENDING:
    return "ending";
  case CONTAINER_STOPPED:
    return "stopped";
  case CONTAINER_DELETING:
    return "being deleted";
  }
  return "unknown";
}
