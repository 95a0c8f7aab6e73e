#include "reap.h"

#include "ending.h"
#include "fd.h"
#include "job.h"
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static int on_ready(struct source *source);
static struct source children = {.fd = -1, .on_ready = on_ready};

static int on_ready(struct source *source) {
  struct signalfd_siginfo signals;
  while (read(source->fd, &signals, sizeof signals) > 0)
    ;
  // One SIGCHLD may stand for many ends.
  for (;;) {
    siginfo_t info = {0};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
      return 0;
    // Looked at first, taken away afterwards: what the process is may be in a result not read yet.
    jobs_settle();
    int status;
    if (waitpid(info.si_pid, &status, 0) < 0 || job_exited(info.si_pid, status))
      continue;
    struct process *process = container_find_pid(info.si_pid);
    int result = process ? ending_exited(process, status) : 0;
    if (result < 0)
      return result;
  }
}

int reap_open(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  children.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  return children.fd < 0 ? -errno : loop_add(&children, EPOLLIN);
}

void reap_close(void) {
  loop_remove(&children);
  close_and_reset(&children.fd);
}
