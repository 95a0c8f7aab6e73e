// Makes connections within a network namespace connections to the guest: those
// that a process there makes to 127.0.0.1, ::1 or an address of the namespace's
// own. Nothing of it lies in the namespace; it ends with this process.
//
//   microvm-loopback NAMESPACE UID up|as-it-is
//
// The kernel asks a program of ours for the listener of each such connection.
// It holds the connection's first segment back until the parent, which is asked
// on standard output and answers on standard input, knows whether the guest
// takes it. Then the segment comes in again: for the listener that the parent
// has, or as if this were not here, so that the connection is refused. A
// question is a `struct key`, an answer one and a 32-bit `enum verdict`.
//
// The parent is a Node process with a channel as descriptor 3, on which it gets
// the listeners. The end of standard input ends the process.
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHANNEL 3
#define PENDING_MAX 1024

// Connections that the parent was asked for.
static struct pending {
  bool used;
  struct key key;
  struct segment segment;
} pending[PENDING_MAX];

_Noreturn void fail(const char *what) {
  fprintf(stderr, "microvm-loopback: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void raise_loopback(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
    fail("lo");
  close(fd);
}

// Of all capabilities one stays: older kernels want it for each decision.
static void drop_privileges(uid_t uid) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0}};
  data[CAP_TO_INDEX(CAP_BPF)].permitted = CAP_TO_MASK(CAP_BPF);
  data[CAP_TO_INDEX(CAP_BPF)].effective = CAP_TO_MASK(CAP_BPF);
  for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
      setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0 ||
      syscall(SYS_capset, &header, data) < 0 ||
      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    fail("privileges");
}

static struct pending *find(const struct key *key) {
  for (struct pending *at = pending; at < pending + PENDING_MAX; at++)
    if (at->used && memcmp(&at->key, key, sizeof *key) == 0)
      return at;
  return NULL;
}

static struct pending *find_unused(void) {
  for (struct pending *at = pending; at < pending + PENDING_MAX; at++)
    if (!at->used)
      return at;
  return NULL;
}

static void ask(int watch) {
  struct pending new = {.used = true};
  if (!segment_take(watch, &new.segment, &new.key) ||
      !steer_concerns(&new.key) || find(&new.key))
    return;
  struct pending *at = find_unused();
  // It comes again.
  if (!at)
    return;
  *at = new;
  if (write(STDOUT_FILENO, &new.key, sizeof new.key) != sizeof new.key)
    exit(0);
}

static void take_answer(void) {
  struct {
    struct key key;
    uint32_t verdict;
  } answer;
  for (size_t have = 0; have < sizeof answer;) {
    ssize_t count =
        read(STDIN_FILENO, (char *)&answer + have, sizeof answer - have);
    if (count <= 0)
      exit(0);
    have += count;
  }
  struct pending *at = find(&answer.key);
  if (!at)
    return;
  steer_decide(&at->key, answer.verdict);
  segment_repeat(&at->segment, &at->key);
  at->used = false;
}

static void enter(const char *namespace) {
  int fd = open(namespace, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
    fail(namespace);
  close(fd);
}

static void close_all(const struct listeners *listeners) {
  close(listeners->ipv4);
  if (listeners->ipv6 >= 0)
    close(listeners->ipv6);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: %s NAMESPACE UID up|as-it-is\n", argv[0]);
    return 2;
  }
  enter(argv[1]);
  if (strcmp(argv[3], "up") == 0)
    raise_loopback();
  const struct listeners accepting = listener_open(), holding = listener_open();
  listener_hold(&holding);
  segment_open();
  int watch = segment_watch();
  steer_open(&accepting, &holding);
  drop_privileges(strtoul(argv[2], NULL, 10));
  // After the change of user, which takes it away.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  listener_hand_over(&accepting, CHANNEL);
  close_all(&accepting);
  struct pollfd polled[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = watch, .events = POLLIN}};
  while (poll(polled, 2, -1) > 0 || errno == EINTR) {
    if (polled[0].revents)
      take_answer();
    if (polled[1].revents)
      ask(watch);
  }
  fail("poll");
}
