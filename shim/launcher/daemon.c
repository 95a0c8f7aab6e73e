#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Descriptors of the daemon.
#define CHANNEL_FD 3
#define INPUT_FD 4
// Above all that are in use.
#define SPARE_FD 16

// When memory runs out the kernel should take a shim before it takes
// containerd. Not permitted everywhere, and never worth failing for.
static void raise_oom_score(int containerd) {
  FILE *file = fopen("/proc/self/oom_score_adj", "we");
  if (!file)
    return;
  fprintf(file, "%d", containerd < 1000 ? containerd + 1 : 1000);
  fclose(file);
}

// Of the daemon to be: tells why it cannot.
_Noreturn static void give_up(const char *what) {
  char text[PATH_MAX + 256];
  int length =
      snprintf(text, sizeof text, "%c%s: %s\n", ERROR, what, strerror(errno));
  _exit(write(CHANNEL_FD, text, length) == length ? 1 : 2);
}

static void arrange_descriptors(int channel) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int input = fcntl(0, F_DUPFD, SPARE_FD);
  channel = fcntl(channel, F_DUPFD, SPARE_FD);
  dup2(channel, CHANNEL_FD);
  dup2(input < 0 ? null : input, INPUT_FD);
  for (int fd = 0; fd < CHANNEL_FD; fd++)
    if (dup2(null, fd) < 0)
      give_up("/dev/null");
  close_range(INPUT_FD + 1, ~0U, 0);
}

void become_daemon(const char *shim, int argc, char **argv, int channel,
                   int containerd) {
  raise_oom_score(containerd);
  arrange_descriptors(channel);
  setsid();
  // glibc's malloc takes memory for each thread otherwise, a megabyte of a
  // daemon whose other threads hardly work; and keeps what is free at its end.
  setenv("MALLOC_ARENA_MAX", "1", 1);
  setenv("MALLOC_TRIM_THRESHOLD_", "16384", 1);
  setenv("MALLOC_TOP_PAD_", "0", 1);
  setenv("MICROVM_DAEMON", "1", 1);
  // As other shims show which container is theirs; the action comes first.
  char *daemon[argc + 1];
  daemon[0] = argv[0];
  daemon[1] = "daemon";
  memcpy(daemon + 2, argv + 1, (argc - 2) * sizeof *argv);
  daemon[argc] = NULL;
  execv(shim, daemon);
  give_up(shim);
}
