// A process of the host that stands for one in a guest: clients know a
// container's processes by pids of the host, look at /proc/PID and signal them.
// It has the arguments, the user and the network namespace of what it stands
// for, and does nothing but hand on the signals that it gets.
//
//   microvm-stand-in NETWORK-NAMESPACE UID ARG0 [ARG...]
//
// Standard input: new arguments, each time a 16-bit length (big-endian) and
// that many bytes, every argument ended by a zero byte; its end ends the
// process. Standard output: a zero byte when it is ready,
// and a byte with the number of each signal.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define MARKER "MICROVM_STAND_IN=1"
#define ARGUMENTS_MAX 8192
// This program, for there is no path to it below the container's root.
#define PROGRAM_FD 3

static void fail(const char *what) {
  fprintf(stderr, "microvm-stand-in: %s: %s\n", what, strerror(errno));
  exit(1);
}

// The same program once more: only an exec gives a process new arguments.
static void become(char **argv) {
  char *environment[] = {MARKER, NULL};
  execveat(PROGRAM_FD, "", argv, environment, AT_EMPTY_PATH);
  fail("execveat");
}

static void drop_privileges(uid_t uid) {
  // With an empty bounding set the exec gives no capability to root either.
  for (int capability = 0; capability <= CAP_LAST_CAP; capability++)
    prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
  if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 ||
      setresuid(uid, uid, uid) < 0)
    fail("setresuid");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    fail("PR_SET_NO_NEW_PRIVS");
}

static void enter(char **argv) {
  int namespace = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
    fail(argv[1]);
  int program = open("/proc/self/exe", O_PATH);
  if (program < 0 || (program != PROGRAM_FD && dup2(program, PROGRAM_FD) < 0))
    fail("/proc/self/exe");
  close_range(PROGRAM_FD + 1, ~0U, 0);
  if (chroot(argv[2]) < 0 || chdir("/") < 0)
    fail(argv[2]);
  drop_privileges(strtoul(argv[3], NULL, 10));
  become(argv + 4);
}

static int read_exactly(void *buffer, size_t size) {
  for (size_t have = 0; have < size;) {
    ssize_t count = read(0, (char *)buffer + have, size - have);
    if (count <= 0)
      return -1;
    have += count;
  }
  return 0;
}

static void take_arguments(void) {
  static char text[ARGUMENTS_MAX + 1];
  static char *argv[ARGUMENTS_MAX + 1];
  uint8_t header[2];
  if (read_exactly(header, sizeof header) < 0)
    exit(0);
  size_t length = header[0] << 8 | header[1];
  if (length == 0 || length > ARGUMENTS_MAX || read_exactly(text, length) < 0)
    exit(1);
  int count = 0;
  for (char *at = text; at < text + length; at += strlen(at) + 1)
    argv[count++] = at;
  become(argv);
}

static void stand_in(char **argv) {
  // The parent may have ended before: then the end of standard input tells.
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  const char *slash = strrchr(argv[0], '/');
  prctl(PR_SET_NAME, slash ? slash + 1 : argv[0], 0, 0, 0);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, NULL);
  // Ready: it is what it stands for, and no signal is lost.
  if (write(1, "", 1) < 0)
    exit(1);
  struct pollfd polled[2] = {
      {.fd = 0, .events = POLLIN},
      {.fd = signalfd(-1, &all, SFD_CLOEXEC), .events = POLLIN}};
  while (poll(polled, 2, -1) > 0 || errno == EINTR) {
    if (polled[0].revents)
      take_arguments();
    struct signalfd_siginfo info;
    if (polled[1].revents &&
        read(polled[1].fd, &info, sizeof info) == sizeof info) {
      uint8_t number = info.ssi_signo;
      if (write(1, &number, 1) < 0)
        exit(1);
    }
  }
  fail("poll");
}

int main(int argc, char **argv) {
  const char *marker = getenv("MICROVM_STAND_IN");
  if (marker && argc > 0)
    stand_in(argv);
  if (argc < 5) {
    fprintf(stderr, "usage: %s NETWORK-NAMESPACE ROOT UID ARG0 [ARG...]\n",
            argv[0]);
    return 2;
  }
  enter(argv);
}
