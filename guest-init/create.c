#include "create.h"

#include "cgroup.h"
#include "container.h"
#include "fd.h"
#include "guest.pb-c.h"
#include "job.h"
#include "log.h"
#include "mux.h"
#include "oci.h"
#include "oom.h"
#include "rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

#define SPEC_MAX (4 << 20)

typedef Microvm__Guest__V1__CreateRequest Request;
typedef Microvm__Guest__V1__Stdio Stdio;

struct creation {
  struct job job;
  struct container *container;
  uint32_t call;
  struct oci_create oci;
  // guest-init's ends of the pipes, -1 where there is none.
  int ours[3];
};

// NULL if it may be, else why not. An id of 0 is no stream, as often as it occurs.
static const char *why_not_stdio(const Stdio *stdio) {
  const uint32_t ids[3] = {stdio->stdin, stdio->stdout, stdio->stderr};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < i; j++)
      if (ids[i] && ids[i] == ids[j])
        return "two standard streams have the same number";
  for (int i = 0; i < 3; i++)
    if (ids[i] && (mux_find(ids[i]) || container_has_stream(ids[i])))
      return "a stream's number is in use";
  if (stdio->terminal && ids[2])
    return "a terminal has no stderr of its own";
  if (stdio->terminal && !ids[1])
    return "a terminal needs a stdout";
  return NULL;
}

static void close_all(int fds[3]) {
  for (int i = 0; i < 3; i++)
    close_and_reset(&fds[i]);
}

// Pipes for the streams that have a number. guest-init's ends become non-blocking with their streams;
// the process's ends stay as a program expects them.
static int make_pipes(const Stdio *stdio, int ours[3], int theirs[3]) {
  const uint32_t ids[3] = {stdio->stdin, stdio->stdout, stdio->stderr};
  for (int i = 0; i < 3; i++) {
    int pair[2];
    if (!ids[i] || stdio->terminal)
      continue;
    if (pipe2(pair, O_CLOEXEC) < 0)
      return -errno;
    ours[i] = pair[i == 0 ? 1 : 0];
    theirs[i] = pair[i == 0 ? 0 : 1];
  }
  return 0;
}

static void add_stream(struct stream *stream) {
  if (!stream)
    fatal("no stream");
  mux_add(stream);
}

static void open_streams(struct creation *creation, int terminal) {
  const uint32_t *ids = creation->container->streams;
  int *ours = creation->ours;
  if (terminal >= 0) {
    // Two descriptors: input and output end each for itself.
    ours[0] = ids[0] ? fcntl(terminal, F_DUPFD_CLOEXEC, 3) : -1;
    ours[1] = terminal;
  }
  if (ours[0] >= 0)
    add_stream(inlet_new(ids[0], take_fd(&ours[0]), terminal >= 0));
  for (int i = 1; i < 3; i++)
    if (ours[i] >= 0)
      add_stream(outlet_new(ids[i], take_fd(&ours[i])));
}

static void succeed(struct creation *creation, const struct job_result *result) {
  struct container *container = creation->container;
  container->state = CONTAINER_CREATED;
  container->pid = result->pid;
  container->cgroup = cgroup_of(result->pid);
  oom_watch(container);
  open_streams(creation, result->fd);
  Microvm__Guest__V1__CreateResponse response = MICROVM__GUEST__V1__CREATE_RESPONSE__INIT;
  response.pid = result->pid;
  rpc_answer(creation->call, &response.base);
}

static void done(struct job *job, const struct job_result *result) {
  struct creation *creation = container_of(job, struct creation, job);
  if (result->error == 0) {
    succeed(creation, result);
  } else {
    close_all(creation->ours);
    rpc_fail(creation->call, TTRPC_INTERNAL, "%s", result->text);
    container_remove(creation->container);
  }
  free(creation);
}

static void work(struct job *job, struct job_result *result) {
  oci_create(&container_of(job, struct creation, job)->oci, result);
}

static int start_job(struct container *container, uint32_t call, const Request *request, const Stdio *stdio) {
  struct creation *creation = calloc(1, sizeof *creation);
  if (!creation)
    return -ENOMEM;
  *creation = (struct creation){
      .job = {.work = work, .done = done},
      .container = container,
      .call = call,
      // Borrowed: the child has its own copy of the request from the fork on.
      .oci = {.id = container->id,
              .spec = request->spec.data,
              .spec_length = request->spec.len,
              .terminal = stdio->terminal},
      .ours = {-1, -1, -1},
  };
  int theirs[3] = {-1, -1, -1};
  int result = make_pipes(stdio, creation->ours, theirs);
  if (result == 0)
    result = job_start(&creation->job, theirs);
  close_all(theirs);
  if (result < 0) {
    close_all(creation->ours);
    free(creation);
  }
  return result;
}

void create_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  Stdio none = MICROVM__GUEST__V1__STDIO__INIT;
  const Stdio *stdio = request->stdio ? request->stdio : &none;
  if (!container_id_is_valid(request->container_id))
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "\"%.80s\" is no container id", request->container_id);
  if (container_find(request->container_id))
    return rpc_fail(call, TTRPC_ALREADY_EXISTS, "container %s exists", request->container_id);
  if (request->spec.len < 1 || request->spec.len > SPEC_MAX)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "the specification has %zu bytes, 1 to %d are allowed",
                    request->spec.len, SPEC_MAX);
  const char *why_not = why_not_stdio(stdio);
  if (why_not)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s", why_not);

  struct container *container = container_add(request->container_id);
  if (!container)
    fatal("no container");
  memcpy(container->streams, (uint32_t[3]){stdio->stdin, stdio->stdout, stdio->stderr},
         sizeof container->streams);
  int result = start_job(container, call, request, stdio);
  if (result < 0) {
    container_remove(container);
    rpc_fail(call, TTRPC_INTERNAL, "the set-up cannot begin: %s", strerror(-result));
  }
}
