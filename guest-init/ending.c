#include "ending.h"

#include "cgroup.h"
#include "delete.h"
#include "events.h"
#include "freeze.h"
#include "mux.h"
#include "oom.h"
#include "spawn.h"

#include <signal.h>
#include <sys/wait.h>

// Its last output goes first, as far as the host takes it: a reader that stalls does not keep the end from
// being told.
static int drain(const struct process *process) {
  int result = 0;
  for (int i = 1; i < 3 && result == 0; i++)
    result = mux_poll(process->streams[i]);
  return result;
}

int ending_conclude(struct container *container) {
  if (container->init.pid || container->execs || container->state == CONTAINER_STOPPED)
    return 0;
  int result = drain(&container->init);
  if (result < 0)
    return result;
  oom_check(container);
  events_exit(container->id, "", container->exit_status);
  if (container->state == CONTAINER_DELETING)
    delete_resume(container);
  else
    container->state = CONTAINER_STOPPED;
  return 0;
}

static int init_exited(struct container *container, uint32_t status) {
  container->exit_status = status;
  freeze_give_up(container);
  if (container->state != CONTAINER_DELETING)
    container->state = CONTAINER_ENDING;
  // The kernel has done it already if the container has pids of its own.
  if (container->cgroup)
    cgroup_signal(container->cgroup, SIGKILL);
  container->frozen = false;
  spawn_go_on(container);
  return ending_conclude(container);
}

static int exec_exited(struct process *exec, uint32_t status) {
  struct container *container = exec->container;
  int result = drain(exec);
  if (result < 0)
    return result;
  oom_check(container);
  events_exit(container->id, exec->id, status);
  container_remove_exec(exec);
  return ending_conclude(container);
}

int ending_exited(struct process *process, int status) {
  uint32_t code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  process->pid = 0;
  return process->id[0] ? exec_exited(process, code) : init_exited(process->container, code);
}
