#include "update.h"

#include "fd.h"
#include "guest.pb-c.h"
#include "job.h"
#include "log.h"
#include "lookup.h"
#include "oci.h"
#include "rpc.h"

#include <string.h>

#define RESOURCES_MAX (4 << 20)

typedef Microvm__Guest__V1__UpdateRequest Request;

struct change {
  struct job job;
  uint32_t call;
  // Borrowed: the child has its own copy from the fork on.
  const Request *request;
};

static void work(struct job *job, struct job_result *result) {
  const Request *request = container_of(job, struct change, job)->request;
  oci_update(request->container_id, request->resources.data, request->resources.len, result);
}

static void done(struct job *job, const struct job_result *result) {
  struct change *change = container_of(job, struct change, job);
  Microvm__Guest__V1__UpdateResponse response = MICROVM__GUEST__V1__UPDATE_RESPONSE__INIT;
  if (result->error)
    rpc_fail(change->call, TTRPC_INTERNAL, "%s", result->text);
  else
    rpc_answer(change->call, &response.base);
  free(change);
}

void update_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  const struct container *container = lookup_container(call, request->container_id);
  if (!container)
    return;
  if (container->state != CONTAINER_CREATED && container->state != CONTAINER_RUNNING)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot update: container %s is %s", container->id,
                    container_state_name(container->state));
  if (request->resources.len < 1 || request->resources.len > RESOURCES_MAX)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "the resources must have 1 byte to 4 MiB");
  struct change *change = calloc(1, sizeof *change);
  if (!change)
    fatal("no change");
  *change = (struct change){.job = {.work = work, .done = done}, .call = call, .request = request};
  int result = job_start(&change->job, NULL);
  if (result < 0) {
    free(change);
    rpc_fail(call, TTRPC_INTERNAL, "the update cannot begin: %s", strerror(-result));
  }
}
