#include "reap.h"

#include "container.h"
#include "delete.h"
#include "events.h"
#include "fd.h"
#include "job.h"
#include "loop.h"
#include "mux.h"
#include "oom.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static int on_ready(struct source *source);
static struct source children = {.fd = -1, .on_ready = on_ready};

static int container_exited(struct container *container, int status) {
  container->pid = 0;
  // Its last output goes first, as far as the host takes it: a reader that stalls does not keep the end from
  // being told.
  for (int i = 1; i < 3; i++) {
    int result = mux_poll(container->streams[i]);
    if (result < 0)
      return result;
  }
  oom_check(container);
  events_exit(container->id, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  if (container->state == CONTAINER_DELETING)
    delete_resume(container);
  else
    container->state = CONTAINER_STOPPED;
  return 0;
}

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
    struct container *container = container_find_pid(info.si_pid);
    int result = container ? container_exited(container, status) : 0;
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
