// Work that may block or leave traces in its process is done in a forked child, which reports once.
#ifndef JOB_H
#define JOB_H

#include "loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct job_result {
  // 0 or a negative errno.
  int error;
  // Of the process that the job made, if it made one.
  pid_t pid;
  // A descriptor that comes with the result, or -1: the reader owns it.
  int fd;
  // Why it failed, for people.
  char text[1024];
};

struct job {
  struct source source;
  struct job *next;
  pid_t pid;
  // In the child.
  void (*work)(struct job *, struct job_result *);
  // In guest-init, exactly once. The job is freed afterwards by what it does here.
  void (*done)(struct job *, const struct job_result *);
};

// Forks. `stdio` are the child's descriptors 0, 1 and 2, or NULL for guest-init's own; -1 in it likewise.
int job_start(struct job *job, const int stdio[3]);
// Takes in the results that are there. What a job made can die only after the job has reported it:
// called before a death is looked at, every process is known by then.
void jobs_settle(void);
// Whether the process was a job. If it ended without a result, that is the result.
bool job_exited(pid_t pid, int status);

#endif
