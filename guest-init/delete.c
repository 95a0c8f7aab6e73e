#include "delete.h"

#include "fd.h"
#include "guest.pb-c.h"
#include "job.h"
#include "lookup.h"
#include "mux.h"
#include "oci.h"
#include "oom.h"
#include "rpc.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

struct deletion {
  struct job job;
  struct container *container;
};

static void give_up(struct container *container, const char *text) {
  container->state = CONTAINER_STOPPED;
  rpc_fail(container->delete_call, TTRPC_INTERNAL, "%s", text);
  container->delete_call = 0;
}

static void done(struct job *job, const struct job_result *result) {
  struct deletion *deletion = container_of(job, struct deletion, job);
  struct container *container = deletion->container;
  free(deletion);
  if (result->error)
    return give_up(container, result->text);
  for (int i = 0; i < 3; i++)
    mux_end(container->init.streams[i]);
  mux_again();
  Microvm__Guest__V1__DeleteResponse response = MICROVM__GUEST__V1__DELETE_RESPONSE__INIT;
  rpc_answer(container->delete_call, &response.base);
  container_remove(container);
}

static void work(struct job *job, struct job_result *result) {
  oci_delete(container_of(job, struct deletion, job)->container->id, result);
}

void delete_resume(struct container *container) {
  // Before the cgroup goes: its watch would go with it, and the number may come again.
  oom_unwatch(container);
  struct deletion *deletion = calloc(1, sizeof *deletion);
  if (!deletion)
    return give_up(container, strerror(ENOMEM));
  deletion->job = (struct job){.work = work, .done = done};
  deletion->container = container;
  int result = job_start(&deletion->job, NULL);
  if (result < 0) {
    free(deletion);
    give_up(container, strerror(-result));
  }
}

void delete_handle(uint32_t call, const ProtobufCMessage *message) {
  const char *id = ((const Microvm__Guest__V1__DeleteRequest *)message)->container_id;
  struct container *container = lookup_container(call, id);
  if (!container)
    return;
  bool waiting = container->state == CONTAINER_CREATED;
  if (!waiting && container->state != CONTAINER_STOPPED)
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "cannot delete: container %s is %s", id,
                    container_state_name(container->state));
  container->state = CONTAINER_DELETING;
  container->delete_call = call;
  // Its Exit is reported like any other; then the rest is done.
  if (waiting)
    kill(container->init.pid, SIGKILL);
  else
    delete_resume(container);
}
