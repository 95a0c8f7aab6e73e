#include "boot.h"

#include "fd.h"
#include "file.h"
#include "log.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PLAIN (MS_NOSUID | MS_NODEV | MS_NOEXEC)
// What containerd's own service has, and so what a container has elsewhere that asks for no limit.
#define OPEN_FILES 1048576

static const struct {
  const char *type, *path, *options;
  unsigned long flags;
} mounts[] = {
    {"proc", "/proc", NULL, PLAIN},
    {"sysfs", "/sys", NULL, PLAIN},
    {"cgroup2", "/sys/fs/cgroup", "nsdelegate,memory_recursiveprot", PLAIN},
    {"devtmpfs", "/dev", "mode=0755", MS_NOSUID},
    {"devpts", "/dev/pts", "mode=0620,gid=5,ptmxmode=0666", MS_NOSUID | MS_NOEXEC},
    {"tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV},
    {"mqueue", "/dev/mqueue", NULL, PLAIN},
    {"tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV},
};

static int fail(const char *what) {
  int error = errno;
  log_error("%s: %s", what, strerror(error));
  return -error;
}

static int write_or_log(const char *path, const char *text) {
  int result = file_write(path, text);
  if (result < 0)
    log_error("%s: %s", path, strerror(-result));
  return result;
}

// The root that the kernel unpacked the initramfs into cannot be left by pivot_root, which is how a
// container enters its own. A bind mount of it can.
static int make_root_pivotable(void) {
  if (mkdir("/nr", 0700) < 0 && errno != EEXIST)
    return fail("mkdir /nr");
  if (mount("/", "/nr", NULL, MS_BIND, NULL) < 0 || chdir("/nr") < 0)
    return fail("bind the root");
  if (mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0)
    return fail("move the root");
  return 0;
}

static int mount_all(void) {
  for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
    if (mkdir(mounts[i].path, 0755) < 0 && errno != EEXIST)
      return fail(mounts[i].path);
    if (mount(mounts[i].type, mounts[i].path, mounts[i].type, mounts[i].flags, mounts[i].options) < 0)
      return fail(mounts[i].path);
  }
  return 0;
}

// Containers get every controller that the kernel has.
static int enable_controllers(void) {
  FILE *file = fopen("/sys/fs/cgroup/cgroup.controllers", "re");
  char name[64], list[1024];
  size_t length = 0;
  if (!file)
    return fail("cgroup.controllers");
  while (fscanf(file, "%62s", name) == 1 && length < sizeof list - sizeof name)
    length += snprintf(list + length, sizeof list - length, "+%s ", name);
  fclose(file);
  return length ? write_or_log("/sys/fs/cgroup/cgroup.subtree_control", list) : 0;
}

static int loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  cleanup_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
    return fail("loopback");
  return 0;
}

static int raise_limits(void) {
  const struct rlimit files = {OPEN_FILES, OPEN_FILES};
  const struct rlimit processes = {RLIM_INFINITY, RLIM_INFINITY};
  if (setrlimit(RLIMIT_NOFILE, &files) < 0 || setrlimit(RLIMIT_NPROC, &processes) < 0)
    return fail("setrlimit");
  return 0;
}

int boot(void) {
  int result = make_root_pivotable();
  if (result == 0)
    result = mount_all();
  // Without this the kernel drops messages of an init that has much to say.
  if (result == 0)
    result = write_or_log("/proc/sys/kernel/printk_devkmsg", "on\n");
  // As on a host, where memory that is asked for and not used costs nothing: the VM is hardly larger than the
  // container's limit, and the kernel would refuse at once what is larger than itself.
  if (result == 0)
    result = write_or_log("/proc/sys/vm/overcommit_memory", "1\n");
  if (result == 0)
    result = enable_controllers();
  if (result == 0)
    result = loopback_up();
  return result == 0 ? raise_limits() : result;
}
