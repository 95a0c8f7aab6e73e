// The processes of a container, found by its cgroup. Paths begin with / and are below the cgroup2 mount.
#ifndef CGROUP_H
#define CGROUP_H

#include <stdint.h>
#include <sys/types.h>

// Where a process is; NULL if it is nowhere but in the root, or if it is gone. To be freed.
char *cgroup_of(pid_t pid);
// Calls back for every process in the cgroup and below it.
int cgroup_each(const char *path, void (*each)(pid_t pid, void *context), void *context);
int cgroup_signal(const char *path, int signal);

#endif
