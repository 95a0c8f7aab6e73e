#include "cgroup.h"

#include "cgroup_file.h"
#include "fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

char *cgroup_of(pid_t pid) {
  char name[64];
  snprintf(name, sizeof name, "/proc/%d/cgroup", pid);
  FILE *file = fopen(name, "re");
  if (!file)
    return NULL;
  char *line = NULL, *path = NULL;
  size_t capacity = 0;
  // Version 2 is the hierarchy 0 and has no name.
  while (!path && getline(&line, &capacity, file) > 0)
    if (strncmp(line, "0::/", 4) == 0)
      path = strndup(line + 3, strcspn(line + 3, "\n"));
  free(line);
  fclose(file);
  // The root is never a container's: guest-init itself is in it.
  if (path && path[1] == 0) {
    free(path);
    return NULL;
  }
  return path;
}

static int each_in(int directory, void (*each)(pid_t, void *), void *context) {
  cleanup_fd int fd = openat(directory, "cgroup.procs", O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file)
    return -errno;
  take_fd(&fd);
  int pid;
  while (fscanf(file, "%d", &pid) == 1)
    each(pid, context);
  fclose(file);
  return 0;
}

// A cgroup that vanishes during the walk has no processes.
static int walk(int directory, void (*each)(pid_t, void *), void *context) {
  DIR *entries = fdopendir(directory);
  if (!entries) {
    close(directory);
    return -errno;
  }
  int result = each_in(directory, each, context);
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
      continue;
    int below = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below >= 0)
      walk(below, each, context);
  }
  closedir(entries);
  return result;
}

int cgroup_each(const char *path, void (*each)(pid_t, void *), void *context) {
  int directory = cgroup_open(path, "", O_RDONLY | O_DIRECTORY);
  return directory < 0 ? directory : walk(directory, each, context);
}

static void send_signal(pid_t pid, void *context) {
  // A pid that cannot be seen from here reads as 0, which would be guest-init's own group.
  if (pid > 1)
    kill(pid, *(int *)context);
}

int cgroup_signal(const char *path, int signal) {
  // The kernel's own way reaches what is forked meanwhile.
  if (signal == SIGKILL && cgroup_write(path, "cgroup.kill", "1") == 0)
    return 0;
  return cgroup_each(path, send_signal, &signal);
}
