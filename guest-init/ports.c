#include "ports.h"

#include "fd.h"
#include "log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CLASS "/sys/class/virtio-ports"
#define COMPLAIN_AFTER_MS 5000

// What the kernel tells of its devices.
static int open_uevents(void) {
  cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
    return -errno;
  return take_fd(&fd);
}

static bool has_name(const char *port, const char *name) {
  char path[512], text[64];
  snprintf(path, sizeof path, CLASS "/%s/name", port);
  FILE *file = fopen(path, "re");
  bool same = file && fgets(text, sizeof text, file) && strcspn(text, "\n") == strlen(name) &&
              strncmp(text, name, strlen(name)) == 0;
  if (file)
    fclose(file);
  return same;
}

static int open_port(const char *name) {
  DIR *ports = opendir(CLASS);
  if (!ports)
    return -1;
  int fd = -1;
  for (struct dirent *entry; fd < 0 && (entry = readdir(ports));) {
    char path[512];
    if (entry->d_name[0] == '.' || !has_name(entry->d_name, name))
      continue;
    snprintf(path, sizeof path, "/dev/%s", entry->d_name);
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  }
  closedir(ports);
  return fd;
}

static void wait_for_uevent(int uevents) {
  struct pollfd poll_fd = {.fd = uevents, .events = POLLIN};
  if (poll(&poll_fd, 1, COMPLAIN_AFTER_MS) == 0)
    log_error("still no virtio-serial port by its name");
  char event[4096];
  while (recv(uevents, event, sizeof event, 0) > 0)
    ;
}

int ports_open(const char *const names[], int fds[], size_t count) {
  // Before the first look: no port can come unseen between it and the wait.
  cleanup_fd int uevents = open_uevents();
  if (uevents < 0)
    return uevents;
  for (size_t i = 0; i < count;) {
    fds[i] = open_port(names[i]);
    if (fds[i] < 0)
      wait_for_uevent(uevents);
    else
      i++;
  }
  return 0;
}
