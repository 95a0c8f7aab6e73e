#include "network_sysctl.h"

#include "file.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

void network_sysctl_set(const Microvm__Guest__V1__Sysctl *sysctl) {
  char path[256];
  snprintf(path, sizeof path, "/proc/sys/net/%s", sysctl->name);
  // An empty value is a line without anything: a write of nothing would not be one.
  char line[300];
  snprintf(line, sizeof line, "%s\n", sysctl->value);
  int result = file_write(path, line);
  if (result < 0)
    log_info("sysctl %s: %s", sysctl->name, strerror(-result));
}
