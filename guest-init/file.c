#include "file.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int file_write(const char *path, const char *text) {
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}
