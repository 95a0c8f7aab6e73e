// The containers that there are, from the request to create one to the end of its Delete.
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTAINER_ID_MAX 76

enum container_state {
  CONTAINER_CREATING,
  // Its init waits for Start.
  CONTAINER_CREATED,
  CONTAINER_RUNNING,
  CONTAINER_STOPPED,
  CONTAINER_DELETING,
};

struct container {
  struct container *next;
  char id[CONTAINER_ID_MAX + 1];
  enum container_state state;
  // The init process; 0 when there is none (any more).
  pid_t pid;
  // Numbers of stdin, stdout and stderr on the io port; 0 for none.
  uint32_t streams[3];
  // Where the kernel counts and limits it; NULL if that is not known.
  char *cgroup;
  // Watches the cgroup for want of memory; -1 for none.
  int oom_watch;
  uint64_t oom_kills;
  // The Delete that waits for the init's end; 0 for none.
  uint32_t delete_call;
};

bool container_id_is_valid(const char *id);
struct container *container_find(const char *id);
struct container *container_find_pid(pid_t pid);
struct container *container_find_oom_watch(int watch);
// Whether any container has that stream.
bool container_has_stream(uint32_t stream);
// The id must be valid and new. NULL without memory.
struct container *container_add(const char *id);
void container_remove(struct container *container);
const char *container_state_name(enum container_state state);

#endif
