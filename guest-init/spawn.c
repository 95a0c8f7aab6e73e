#include "spawn.h"

#include "container.h"
#include "fd.h"
#include "log.h"
#include "mux.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define JSON_MAX (4 << 20)
// At once for a container: each is a process of some hundred KiB until it has reported, and a guest may be
// small.
#define JOBS_MAX 8
// Capacity of a process's pipe. Each time that one is full or empty costs a change of processes, which is
// what an emulated processor is slowest at. No more than the window: what is in the pipe when the process has
// ended must come out while the shim waits for a slow reader.
#define PIPE_SIZE FRAME_WINDOW

typedef Microvm__Guest__V1__Stdio Stdio;

// An id of 0 is no stream, as often as it occurs.
const char *spawn_why_not(const Stdio *stdio, const ProtobufCBinaryData *json) {
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
  if (json->len < 1 || json->len > JSON_MAX)
    return "the specification must have 1 byte to 4 MiB";
  return NULL;
}

static void close_all(int fds[3]) {
  for (int i = 0; i < 3; i++)
    close_and_reset(&fds[i]);
}

// Pipes for the streams that have a number. guest-init's ends become non-blocking with their streams;
// the process's ends stay as a program expects them.
static int make_pipes(struct spawn *spawn) {
  for (int i = 0; i < 3; i++) {
    int pair[2];
    if (!spawn->process->streams[i] || spawn->process->terminal)
      continue;
    if (pipe2(pair, O_CLOEXEC) < 0)
      return -errno;
    // If it cannot be so large it works all the same.
    fcntl(pair[0], F_SETPIPE_SZ, PIPE_SIZE);
    spawn->ours[i] = pair[i == 0 ? 1 : 0];
    spawn->theirs[i] = pair[i == 0 ? 0 : 1];
  }
  return 0;
}

static void open_streams(struct spawn *spawn, int terminal) {
  const uint32_t *ids = spawn->process->streams;
  int *ours = spawn->ours;
  if (terminal >= 0) {
    // Two descriptors: input and output end each for itself.
    ours[0] = ids[0] ? fcntl(terminal, F_DUPFD_CLOEXEC, 3) : -1;
    ours[1] = terminal;
  }
  if (ours[0] >= 0)
    mux_add(inlet_new(ids[0], take_fd(&ours[0]), terminal >= 0));
  for (int i = 1; i < 3; i++)
    if (ours[i] >= 0)
      mux_add(outlet_new(ids[i], take_fd(&ours[i])));
}

static void finish(struct spawn *spawn, const struct job_result *result) {
  if (result->error == 0) {
    spawn->process->pid = result->pid;
    open_streams(spawn, result->fd);
  }
  close_all(spawn->ours);
  close_all(spawn->theirs);
  spawn->kind->done(spawn->process, spawn->call, result);
  free(spawn->json);
  free(spawn);
}

static void fail(struct spawn *spawn, int error) {
  struct job_result result = {.error = error, .fd = -1};
  snprintf(result.text, sizeof result.text, "the process cannot be begun: %s", strerror(-error));
  finish(spawn, &result);
}

// What has ended gets no process any more.
static int begin(struct container *container, struct spawn *spawn) {
  if (container->state != CONTAINER_CREATING && container->state != CONTAINER_RUNNING)
    return -ESRCH;
  int result = job_start(&spawn->job, spawn->theirs);
  close_all(spawn->theirs);
  return result;
}

void spawn_go_on(struct container *container) {
  struct spawn *spawn;
  while (container->spawns_running < JOBS_MAX && !container->frozen && (spawn = container->spawns_waiting)) {
    container->spawns_waiting = spawn->next;
    int result = begin(container, spawn);
    if (result == 0)
      container->spawns_running++;
    else
      fail(spawn, result);
  }
}

// The container may be gone with a Create that failed, but then nothing waited.
static void done(struct job *job, const struct job_result *result) {
  struct spawn *spawn = container_of(job, struct spawn, job);
  struct container *container = spawn->process->container;
  container->spawns_running--;
  spawn_go_on(container);
  finish(spawn, result);
}

static void work(struct job *job, struct job_result *result) {
  struct spawn *spawn = container_of(job, struct spawn, job);
  spawn->kind->work(spawn, result);
}

static struct spawn *new_spawn(struct process *process, const Stdio *stdio, const ProtobufCBinaryData *json) {
  struct spawn *spawn = calloc(1, sizeof *spawn);
  if (!spawn || !(spawn->json = malloc(json->len)))
    fatal("no process");
  memcpy(spawn->json, json->data, json->len);
  spawn->json_length = json->len;
  spawn->job = (struct job){.work = work, .done = done};
  spawn->process = process;
  memset(spawn->ours, -1, sizeof spawn->ours);
  memset(spawn->theirs, -1, sizeof spawn->theirs);
  memcpy(process->streams, (uint32_t[3]){stdio->stdin, stdio->stdout, stdio->stderr},
         sizeof process->streams);
  process->terminal = stdio->terminal;
  return spawn;
}

void spawn_start(const struct spawn_kind *kind, struct process *process, uint32_t call, const Stdio *stdio,
                 const ProtobufCBinaryData *json) {
  struct spawn *spawn = new_spawn(process, stdio, json);
  spawn->kind = kind;
  spawn->call = call;
  int result = make_pipes(spawn);
  if (result < 0)
    return fail(spawn, result);
  struct spawn **at = &process->container->spawns_waiting;
  while (*at)
    at = &(*at)->next;
  *at = spawn;
  spawn_go_on(process->container);
}
