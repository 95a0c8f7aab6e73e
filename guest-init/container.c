#include "container.h"

#include <stdlib.h>
#include <string.h>

static struct container *containers;

static bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool container_id_is_valid(const char *id) {
  size_t length = strlen(id);
  if (length < 1 || length > CONTAINER_ID_MAX || !is_alphanumeric(id[0]))
    return false;
  for (size_t i = 0; i < length; i++)
    if (!is_alphanumeric(id[i]) && !strchr("_.-", id[i]))
      return false;
  return true;
}

struct container *container_find(const char *id) {
  struct container *at = containers;
  while (at && strcmp(at->id, id) != 0)
    at = at->next;
  return at;
}

struct container *container_find_pid(pid_t pid) {
  struct container *at = containers;
  while (at && at->pid != pid)
    at = at->next;
  return at;
}

struct container *container_find_oom_watch(int watch) {
  struct container *at = containers;
  while (at && at->oom_watch != watch)
    at = at->next;
  return at;
}

bool container_has_stream(uint32_t stream) {
  for (struct container *at = containers; at; at = at->next)
    if (at->streams[0] == stream || at->streams[1] == stream || at->streams[2] == stream)
      return true;
  return false;
}

struct container *container_add(const char *id) {
  struct container *container = calloc(1, sizeof *container);
  if (!container)
    return NULL;
  strcpy(container->id, id);
  container->oom_watch = -1;
  container->next = containers;
  containers = container;
  return container;
}

void container_remove(struct container *container) {
  for (struct container **at = &containers; *at; at = &(*at)->next) {
    if (*at == container) {
      *at = container->next;
      break;
    }
  }
  free(container->cgroup);
  free(container);
}

const char *container_state_name(enum container_state state) {
  switch (state) {
  case CONTAINER_CREATING:
    return "being created";
  case CONTAINER_CREATED:
    return "created";
  case CONTAINER_RUNNING:
    return "running";
  case CONTAINER_STOPPED:
    return "stopped";
  case CONTAINER_DELETING:
    return "being deleted";
  }
  return "unknown";
}
