#include "network_sysctl.h"

#include "fd.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void network_sysctl_set(const Microvm__Guest__V1__Sysctl *sysctl) {
  char path[256];
  snprintf(path, sizeof path, "/proc/sys/net/%s", sysctl->name);
  cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
  // An empty value is a line without anything: a write of nothing would not be one.
  char line[300];
  int length = snprintf(line, sizeof line, "%s\n", sysctl->value);
  if (fd < 0 || write(fd, line, length) < 0)
    log_info("sysctl %s: %s", sysctl->name, strerror(errno));
}
