#include "create.h"

#include "cgroup.h"
#include "container.h"
#include "log.h"
#include "oci.h"
#include "oom.h"
#include "rpc.h"
#include "spawn.h"

typedef Microvm__Guest__V1__CreateRequest Request;
typedef Microvm__Guest__V1__Stdio Stdio;

static void succeed(struct container *container, uint32_t call) {
  container->state = CONTAINER_CREATED;
  container->cgroup = cgroup_of(container->init.pid);
  oom_watch(container);
  Microvm__Guest__V1__CreateResponse response = MICROVM__GUEST__V1__CREATE_RESPONSE__INIT;
  response.pid = container->init.pid;
  rpc_answer(call, &response.base);
}

static void done(struct process *process, uint32_t call, const struct job_result *result) {
  struct container *container = process->container;
  if (result->error == 0)
    return succeed(container, call);
  rpc_fail(call, TTRPC_INTERNAL, "%s", result->text);
  container_remove(container);
}

static void work(const struct spawn *spawn, struct job_result *result) {
  oci_create(&(struct oci_create){.id = spawn->process->container->id,
                                  .spec = spawn->json,
                                  .spec_length = spawn->json_length,
                                  .terminal = spawn->process->terminal},
             result);
}

void create_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  Stdio none = MICROVM__GUEST__V1__STDIO__INIT;
  const Stdio *stdio = request->stdio ? request->stdio : &none;
  if (!id_is_valid(request->container_id))
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "\"%.80s\" is no container id", request->container_id);
  if (container_find(request->container_id))
    return rpc_fail(call, TTRPC_ALREADY_EXISTS, "container %s exists", request->container_id);
  const char *why_not = spawn_why_not(stdio, &request->spec);
  if (why_not)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s", why_not);
  struct container *container = container_add(request->container_id);
  if (!container)
    fatal("no container");
  static const struct spawn_kind kind = {.work = work, .done = done};
  spawn_start(&kind, &container->init, call, stdio, &request->spec);
}
