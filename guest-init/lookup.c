#include "lookup.h"

#include "rpc.h"

struct container *lookup_container(uint32_t call, const char *id) {
  struct container *container = container_find(id);
  if (!container)
    rpc_fail(call, TTRPC_NOT_FOUND, "no container %.80s", id);
  return container;
}

struct process *lookup_process(uint32_t call, const char *id, const char *exec_id) {
  struct container *container = lookup_container(call, id);
  if (!container)
    return NULL;
  // An exec is forgotten when it has ended.
  struct process *process = container_find_process(container, exec_id);
  if (!process)
    rpc_fail(call, TTRPC_NOT_FOUND, "no process %.80s in container %s", exec_id, id);
  return process;
}
