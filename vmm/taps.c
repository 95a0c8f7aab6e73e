// Opens tap devices in the network namespace that it is in, and runs a program
// that has them as descriptors: QEMU has neither the right to open them nor a
// way into that namespace later.
//
//   microvm-taps COUNT FIRST-DESCRIPTOR end|stay PROGRAM [ARG...]
//
// They end with their last descriptor, which whoever closes it waits for, some
// 25 ms for each of them; or they stay until their namespace ends, which nobody
// waits for.
//
// The devices are named lo-microvm0, lo-microvm1 and so on: nerdctl and
// cAdvisor leave out what begins with "lo" when they add up what interfaces
// have carried, and what goes through these has been counted before. They are
// down, and nothing comes from them or goes to them. Their indices are the last
// ones, so that others get theirs as they would without, and are listed first:
// clients take the first interface that is up for the container's own.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void fail(const char *what) {
  fprintf(stderr, "microvm-taps: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void open_tap(unsigned char index, int descriptor, bool stays) {
  int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  if (fd < 0)
    fail("/dev/net/tun");
  // The header carries what is left to do, checksums and segments, from one
  // kernel to the other.
  int last = INT_MAX - 255 + index;
  if (ioctl(fd, TUNSETIFINDEX, &last) < 0)
    fail("TUNSETIFINDEX");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
  snprintf(request.ifr_name, sizeof request.ifr_name, "lo-microvm%u", index);
  if (ioctl(fd, TUNSETIFF, &request) < 0)
    fail(errno == EBUSY ? "the network namespace has another VM, which has all "
                          "of its packets"
                        : request.ifr_name);
  if (stays && ioctl(fd, TUNSETPERSIST, 1) < 0)
    fail("TUNSETPERSIST");
  if (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
    fail("O_NONBLOCK");
  // It may be the wanted one already.
  if (fd == descriptor ? fcntl(fd, F_SETFD, 0) < 0
                       : dup2(fd, descriptor) < 0 || close(fd) < 0)
    fail("dup2");
}

int main(int argc, char **argv) {
  bool stay = argc > 3 && strcmp(argv[3], "stay") == 0;
  if (argc < 5 || (!stay && strcmp(argv[3], "end") != 0)) {
    fprintf(stderr,
            "usage: %s COUNT FIRST-DESCRIPTOR end|stay PROGRAM [ARG...]\n",
            argv[0]);
    return 2;
  }
  int count = atoi(argv[1]), first = atoi(argv[2]);
  for (int i = 0; i < count; i++)
    open_tap(i, first + i, stay);
  execvp(argv[4], argv + 4);
  fail(argv[4]);
}
