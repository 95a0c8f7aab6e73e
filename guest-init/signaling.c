#include "signaling.h"

#include "cgroup.h"
#include "guest.pb-c.h"
#include "lookup.h"
#include "rpc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

typedef Microvm__Guest__V1__SignalRequest Request;

static void succeed(uint32_t call) {
  Microvm__Guest__V1__SignalResponse response = MICROVM__GUEST__V1__SIGNAL_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}

static void fail(uint32_t call, const struct container *container, int error) {
  rpc_fail(call, TTRPC_INTERNAL, "cannot signal container %s: %s", container->id, strerror(error));
}

static void signal_all(uint32_t call, const struct container *container, int signal) {
  int result = cgroup_signal(container->cgroup, signal);
  // Nobody left in the cgroup, or no cgroup any more: what is wanted is so already.
  if (result < 0 && result != -ENOENT)
    return fail(call, container, -result);
  succeed(call);
}

// The pid is the process's own as long as guest-init, its parent, has not reaped it: no pidfd is needed.
static void signal_one(uint32_t call, const struct process *process, int signal) {
  if (!process->pid && process->container->state != CONTAINER_RUNNING)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "process already finished");
  if (!process->pid)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot signal: exec %s is being started", process->id);
  if (kill(process->pid, signal) < 0)
    return fail(call, process->container, errno);
  succeed(call);
}

void signaling_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  const struct process *process = lookup_process(call, request->container_id, request->exec_id);
  if (!process)
    return;
  const struct container *container = process->container;
  // 0 only asks whether there is somebody.
  if (request->signal >= (uint32_t)_NSIG)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%u is no signal", request->signal);
  if (container->state == CONTAINER_CREATING)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot signal: container %s is being created",
                    container->id);
  if (request->all && container->cgroup && process == &container->init)
    signal_all(call, container, request->signal);
  else
    signal_one(call, process, request->signal);
}
