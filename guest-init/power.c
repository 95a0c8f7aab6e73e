#include "power.h"

#include <signal.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYNC_SECONDS 10

// In a child: a file system whose server on the host is gone never comes back from it.
static void sync_bounded(void) {
  pid_t pid = fork();
  if (pid == 0) {
    sync();
    _exit(0);
  }
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const struct timespec limit = {.tv_sec = SYNC_SECONDS};
  // Every other process was killed just now and has a SIGCHLD, too.
  while (pid > 0 && waitpid(pid, NULL, WNOHANG) == 0 && sigtimedwait(&child, NULL, &limit) > 0)
    ;
}

void power_off(bool orderly) {
  kill(-1, SIGKILL);
  if (orderly)
    sync_bounded();
  // QEMU runs with -no-reboot: this ends it, without ACPI.
  for (;;) {
    reboot(RB_AUTOBOOT);
    pause();
  }
}
