#include "caches.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int caches_drop(void) {
  sync();
  cleanup_fd int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
  return fd < 0 || write(fd, "3", 1) < 0 ? -errno : 0;
}
