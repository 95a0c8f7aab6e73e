#include "cgroup_file.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

int cgroup_open(const char *path, const char *name, int flags) {
  char full[4096 + 96];
  snprintf(full, sizeof full, CGROUP_ROOT "%s/%s", path, name);
  int fd = open(full, flags | O_CLOEXEC);
  return fd < 0 ? -errno : fd;
}

FILE *cgroup_read(const char *path, const char *name) {
  int fd = cgroup_open(path, name, O_RDONLY);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  if (!file)
    close_fdp(&fd);
  return file;
}

int cgroup_write(const char *path, const char *name, const char *text) {
  cleanup_fd int fd = cgroup_open(path, name, O_WRONLY);
  if (fd < 0)
    return fd;
  return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

uint64_t cgroup_value(const char *path, const char *name) {
  FILE *file = cgroup_read(path, name);
  char text[32] = {0};
  if (!file)
    return 0;
  char *line = fgets(text, sizeof text, file);
  fclose(file);
  return line && strcmp(text, "max\n") == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

void cgroup_each_key(const char *path, const char *name, void (*each)(const char *, uint64_t, void *),
                     void *context) {
  FILE *file = cgroup_read(path, name);
  char key[64];
  uint64_t value;
  while (file && fscanf(file, "%63s %" SCNu64, key, &value) == 2)
    each(key, value, context);
  if (file)
    fclose(file);
}

struct wanted {
  const char *key;
  uint64_t value;
};

static void compare(const char *key, uint64_t value, void *context) {
  struct wanted *wanted = context;
  if (strcmp(key, wanted->key) == 0)
    wanted->value = value;
}

uint64_t cgroup_key(const char *path, const char *name, const char *key) {
  struct wanted wanted = {.key = key};
  cgroup_each_key(path, name, compare, &wanted);
  return wanted.value;
}
