// The files of a container's cgroup. Paths begin with / and are below the cgroup2 mount.
#ifndef CGROUP_FILE_H
#define CGROUP_FILE_H

#include <stdint.h>
#include <stdio.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

// A descriptor or a negative errno; `flags` as for open.
int cgroup_open(const char *path, const char *name, int flags);
// NULL if there is none.
FILE *cgroup_read(const char *path, const char *name);
int cgroup_write(const char *path, const char *name, const char *text);
// The number in the file; "max" is UINT64_MAX, and 0 what cannot be read.
uint64_t cgroup_value(const char *path, const char *name);
// Calls back for every line of a name and a number.
void cgroup_each_key(const char *path, const char *name,
                     void (*each)(const char *key, uint64_t value, void *context), void *context);
// That of a line of such a file; 0 without it.
uint64_t cgroup_key(const char *path, const char *name, const char *key);

#endif
