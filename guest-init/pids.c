#include "pids.h"

#include "cgroup.h"
#include "fd.h"
#include "guest.pb-c.h"
#include "job.h"
#include "log.h"
#include "lookup.h"
#include "rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PROCESSES_MAX 4096
#define COMMAND_MAX 4096
// Of all together: an answer has less than 4 MiB. Whose arguments do not fit any more shows its name.
#define COMMANDS_MAX (3 << 20)

typedef Microvm__Guest__V1__Process Process;
typedef Microvm__Guest__V1__PidsResponse Response;

struct listing {
  struct job job;
  uint32_t call;
  // In the child: as it was when the job began.
  struct container *container;
  Response response;
  size_t commands_length;
};

// The length, 0 also for what cannot be read.
static size_t read_file(pid_t pid, const char *name, void *bytes, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, bytes, size);
  return length < 0 ? 0 : length;
}

static bool read_uid(pid_t pid, uint32_t *uid) {
  char text[4096];
  text[read_file(pid, "status", text, sizeof text - 1)] = 0;
  const char *line = strstr(text, "\nUid:");
  return line && sscanf(line, "\nUid: %*u %u", uid) == 1;
}

static size_t read_command(pid_t pid, uint8_t command[COMMAND_MAX], size_t budget) {
  size_t length = budget < COMMAND_MAX ? 0 : read_file(pid, "cmdline", command, COMMAND_MAX);
  if (length)
    return length;
  char name[64];
  name[read_file(pid, "comm", name, sizeof name - 1)] = 0;
  return snprintf((char *)command, COMMAND_MAX, "[%.*s]", (int)strcspn(name, "\n"), name);
}

static const char *exec_id_of(const struct container *container, pid_t pid) {
  for (const struct process *exec = container->execs; exec; exec = exec->next)
    if (exec->pid == pid)
      return exec->id;
  return "";
}

// One that ends meanwhile is not listed.
static void add_process(pid_t pid, void *context) {
  struct listing *listing = context;
  uint8_t command[COMMAND_MAX];
  uint32_t uid;
  if (listing->response.n_processes == PROCESSES_MAX || pid < 1 || !read_uid(pid, &uid))
    return;
  size_t length = read_command(pid, command, COMMANDS_MAX - listing->commands_length);
  Process *process = malloc(sizeof *process);
  uint8_t *copy = malloc(length);
  if (!process || !copy)
    fatal("no list of processes");
  microvm__guest__v1__process__init(process);
  process->pid = pid;
  process->uid = uid;
  process->exec_id = (char *)exec_id_of(listing->container, pid);
  process->command = (ProtobufCBinaryData){.data = memcpy(copy, command, length), .len = length};
  listing->commands_length += length;
  listing->response.processes[listing->response.n_processes++] = process;
}

// The list leaves in a file: it is longer than a message between processes.
static int write_response(const Response *response) {
  size_t length = microvm__guest__v1__pids_response__get_packed_size(response);
  cleanup_free uint8_t *bytes = malloc(length + 1);
  cleanup_fd int fd = memfd_create("pids", MFD_CLOEXEC);
  if (!bytes || fd < 0)
    return -ENOMEM;
  microvm__guest__v1__pids_response__pack(response, bytes);
  return write(fd, bytes, length) == (ssize_t)length ? take_fd(&fd) : -EIO;
}

static void work(struct job *job, struct job_result *result) {
  struct listing *listing = container_of(job, struct listing, job);
  const struct container *container = listing->container;
  Process *processes[PROCESSES_MAX];
  microvm__guest__v1__pids_response__init(&listing->response);
  listing->response.processes = processes;
  if (container->cgroup)
    cgroup_each(container->cgroup, add_process, listing);
  else if (container->init.pid)
    add_process(container->init.pid, listing);
  result->fd = write_response(&listing->response);
  if (result->fd < 0) {
    result->error = result->fd;
    snprintf(result->text, sizeof result->text, "cannot list processes: %s", strerror(-result->fd));
  }
}

static void answer(uint32_t call, int fd) {
  struct stat status;
  cleanup_free uint8_t *bytes = fstat(fd, &status) < 0 ? NULL : malloc(status.st_size + 1);
  ssize_t length = bytes ? pread(fd, bytes, status.st_size, 0) : -1;
  Response *response = length < 0 ? NULL : microvm__guest__v1__pids_response__unpack(NULL, length, bytes);
  if (!response)
    return rpc_fail(call, TTRPC_INTERNAL, "the list of processes cannot be read back");
  rpc_answer(call, &response->base);
  microvm__guest__v1__pids_response__free_unpacked(response, NULL);
}

static void done(struct job *job, const struct job_result *result) {
  struct listing *listing = container_of(job, struct listing, job);
  cleanup_fd int fd = result->fd;
  if (result->error)
    rpc_fail(listing->call, TTRPC_INTERNAL, "%s", result->text);
  else
    answer(listing->call, fd);
  free(listing);
}

void pids_handle(uint32_t call, const ProtobufCMessage *message) {
  const char *id = ((const Microvm__Guest__V1__PidsRequest *)message)->container_id;
  struct container *container = lookup_container(call, id);
  if (!container)
    return;
  struct listing *listing = calloc(1, sizeof *listing);
  if (!listing)
    fatal("no listing");
  listing->job = (struct job){.work = work, .done = done};
  listing->call = call;
  listing->container = container;
  int result = job_start(&listing->job, NULL);
  if (result < 0) {
    free(listing);
    rpc_fail(call, TTRPC_INTERNAL, "cannot list processes: %s", strerror(-result));
  }
}
