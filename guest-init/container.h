// The containers that there are, from the request to create one to the end of its Delete.
#ifndef CONTAINER_H
#define CONTAINER_H

#include "process.h"

struct spawn;

enum container_state {
  CONTAINER_CREATING,
  // Its init waits for Start.
  CONTAINER_CREATED,
  CONTAINER_RUNNING,
  // Its init has ended, but not every exec has.
  CONTAINER_ENDING,
  CONTAINER_STOPPED,
  CONTAINER_DELETING,
};

struct container {
  struct container *next;
  char id[ID_MAX + 1];
  enum container_state state;
  struct process init;
  // What Exec added, until it has ended.
  struct process *execs;
  // Of the init, once that has ended.
  uint32_t exit_status;
  // Where the kernel counts and limits it; NULL if that is not known.
  char *cgroup;
  // Watches the cgroup for want of memory; -1 for none.
  int oom_watch;
  uint64_t oom_kills;
  bool frozen;
  // Processes that are being made, and those whose turn has not come.
  int spawns_running;
  struct spawn *spawns_waiting;
  // The Delete that waits for the init's end; 0 for none.
  uint32_t delete_call;
};

// Whether there is any.
bool container_any(void);
struct container *container_find(const char *id);
struct container *container_find_oom_watch(int watch);
// The init for an empty id, else an exec; NULL if there is none.
struct process *container_find_process(struct container *container, const char *exec_id);
// Of any container.
struct process *container_find_pid(pid_t pid);
// Whether a process of any container has that stream.
bool container_has_stream(uint32_t stream);
// The id must be valid and new. NULL without memory.
struct container *container_add(const char *id);
// It must have no execs any more.
void container_remove(struct container *container);
// The id must be valid and new in the container. NULL without memory.
struct process *container_add_exec(struct container *container, const char *id);
void container_remove_exec(struct process *exec);
const char *container_state_name(enum container_state state);

#endif
