#include "job.h"

#include "fd.h"
#include "passfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static struct job *jobs;

static void finish(struct job *job, struct job_result *result) {
  for (struct job **at = &jobs; *at; at = &(*at)->next) {
    if (*at == job) {
      *at = job->next;
      break;
    }
  }
  loop_remove(&job->source);
  close_and_reset(&job->source.fd);
  job->done(job, result);
}

// Whether the result was there.
static bool settle(struct job *job) {
  struct job_result result;
  int fd = -1;
  if (receive_with_fd(job->source.fd, &result, sizeof result, &fd) != sizeof result)
    return false;
  result.fd = fd;
  result.text[sizeof result.text - 1] = 0;
  finish(job, &result);
  return true;
}

static int on_ready(struct source *source) {
  settle(container_of(source, struct job, source));
  return 0;
}

void jobs_settle(void) {
  struct job *next;
  for (struct job *job = jobs; job; job = next) {
    next = job->next;
    settle(job);
  }
}

bool job_exited(pid_t pid, int status) {
  struct job *job = jobs;
  while (job && job->pid != pid)
    job = job->next;
  if (!job)
    return false;
  struct job_result result = {.error = -EIO, .fd = -1};
  if (WIFSIGNALED(status))
    snprintf(result.text, sizeof result.text, "the runtime was ended by signal %d", WTERMSIG(status));
  else
    snprintf(result.text, sizeof result.text, "the runtime ended with status %d", WEXITSTATUS(status));
  finish(job, &result);
  return true;
}

// A process like any other: guest-init's own dispositions, mask and descriptors stay behind.
static void become_child(const int stdio[3], int result_fd) {
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
  for (int i = 0; stdio && i < 3; i++)
    if (stdio[i] >= 0)
      dup2(stdio[i], i);
  // stdio's descriptors are above 3, so this overwrites none that is still needed.
  dup3(result_fd, 3, O_CLOEXEC);
  close_range(4, ~0U, 0);
}

static void child(struct job *job, const int stdio[3], int result_fd) {
  become_child(stdio, result_fd);
  struct job_result result = {.fd = -1};
  job->work(job, &result);
  send_with_fd(3, &result, sizeof result, result.fd);
  _exit(0);
}

int job_start(struct job *job, const int stdio[3]) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
    return -errno;
  cleanup_fd int ours = pair[0], theirs = pair[1];
  job->source = (struct source){.fd = ours, .on_ready = on_ready};
  int result = loop_add(&job->source, EPOLLIN);
  if (result < 0)
    return result;
  job->pid = fork();
  if (job->pid < 0) {
    result = -errno;
    loop_remove(&job->source);
    return result;
  }
  if (job->pid == 0)
    child(job, stdio, theirs);
  take_fd(&ours);
  job->next = jobs;
  jobs = job;
  return 0;
}
