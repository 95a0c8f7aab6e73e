#include "exec.h"

#include "ending.h"
#include "log.h"
#include "lookup.h"
#include "oci.h"
#include "rpc.h"
#include "spawn.h"

#include <signal.h>

typedef Microvm__Guest__V1__ExecRequest Request;
typedef Microvm__Guest__V1__Stdio Stdio;

static void succeed(const struct process *process, uint32_t call) {
  // The init ended meanwhile, and what was in the cgroup then was killed without this one.
  if (process->container->state != CONTAINER_RUNNING)
    kill(process->pid, SIGKILL);
  Microvm__Guest__V1__ExecResponse response = MICROVM__GUEST__V1__EXEC_RESPONSE__INIT;
  response.pid = process->pid;
  rpc_answer(call, &response.base);
}

static void fail(struct process *process, uint32_t call, const char *text) {
  struct container *container = process->container;
  rpc_fail(call, container->state == CONTAINER_RUNNING ? TTRPC_INTERNAL : TTRPC_FAILED_PRECONDITION, "%s",
           text);
  container_remove_exec(process);
  ending_conclude(container);
}

static void done(struct process *process, uint32_t call, const struct job_result *result) {
  if (result->error == 0)
    succeed(process, call);
  else
    fail(process, call, result->text);
}

static void work(const struct spawn *spawn, struct job_result *result) {
  oci_exec(&(struct oci_exec){.id = spawn->process->container->id,
                              .process = spawn->json,
                              .process_length = spawn->json_length,
                              .terminal = spawn->process->terminal},
           result);
}

void exec_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  Stdio none = MICROVM__GUEST__V1__STDIO__INIT;
  const Stdio *stdio = request->stdio ? request->stdio : &none;
  struct container *container = lookup_container(call, request->container_id);
  if (!container)
    return;
  if (!id_is_valid(request->exec_id))
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "\"%.80s\" is no exec id", request->exec_id);
  if (container_find_process(container, request->exec_id))
    return rpc_fail(call, TTRPC_ALREADY_EXISTS, "exec %s of container %s exists", request->exec_id,
                    container->id);
  if (container->state != CONTAINER_RUNNING)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot exec: container %s is %s", container->id,
                    container_state_name(container->state));
  if (container->frozen)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot exec: container %s is frozen", container->id);
  const char *why_not = spawn_why_not(stdio, &request->process);
  if (why_not)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s", why_not);
  struct process *process = container_add_exec(container, request->exec_id);
  if (!process)
    fatal("no process");
  static const struct spawn_kind kind = {.work = work, .done = done};
  spawn_start(&kind, process, call, stdio, &request->process);
}
