#include "console.h"

#include "fd.h"
#include "passfd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int console_listen(const char *path) {
  cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
    return -errno;
  return take_fd(&fd);
}

int console_receive(int listener) {
  cleanup_fd int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    return -errno;
  char byte;
  int fd;
  ssize_t count = receive_with_fd(connection, &byte, sizeof byte, &fd);
  if (count < 0)
    return count;
  return fd < 0 ? -ENOENT : fd;
}
