#include "fake_oci.h"

#include "fd.h"
#include "oci.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char directory[] = "/tmp/guest-init-test.XXXXXX";
static int gate = -1;

static void gate_path(char path[200]) {
  snprintf(path, 200, "%s/.gate", directory);
}

void fake_oci_set_up(void) {
  strcpy(directory + sizeof directory - 7, "XXXXXX");
  if (!mkdtemp(directory))
    abort();
  char path[200];
  gate_path(path);
  if (mkfifo(path, 0600) < 0)
    abort();
}

void fake_oci_tear_down(void) {
  close_and_reset(&gate);
  char path[200];
  gate_path(path);
  unlink(path);
  rmdir(directory);
}

// A fifo opens for reading when it is open for writing too, and that it is from here on.
void fake_oci_release(void) {
  char path[200];
  gate_path(path);
  gate = open(path, O_RDWR | O_CLOEXEC);
}

static void hold(void) {
  char path[200];
  gate_path(path);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  close(fd);
}

static void fifo_of(const char *id, char path[200]) {
  snprintf(path, 200, "%s/%s", directory, id);
}

static _Noreturn void run(const char *command) {
  close_range(3, ~0U, 0);
  execl("/bin/sh", "sh", "-c", command, NULL);
  _exit(127);
}

static _Noreturn void wait_and_run(int fifo, const char *command) {
  struct pollfd poll_fd = {.fd = fifo, .events = POLLIN};
  poll(&poll_fd, 1, -1);
  run(command);
}

// Whether there is a process to be made.
static bool begin(const uint8_t *bytes, size_t length, char command[1024], struct job_result *result) {
  snprintf(command, 1024, "%.*s", (int)length, (const char *)bytes);
  size_t prefix = strlen(FAKE_HOLD);
  if (strncmp(command, FAKE_HOLD, prefix) == 0) {
    hold();
    memmove(command, command + prefix, strlen(command + prefix) + 1);
  }
  if (strncmp(command, FAKE_CRASH, strlen(FAKE_CRASH)) == 0)
    _exit(3);
  if (strncmp(command, FAKE_FAILURE, strlen(FAKE_FAILURE)) != 0)
    return true;
  result->error = -EIO;
  strcpy(result->text, command + strlen(FAKE_FAILURE));
  return false;
}

// As fork, in result->pid; with a terminal whose master is result->fd.
static void fork_process(bool terminal, struct job_result *result) {
  result->pid = terminal ? forkpty(&result->fd, NULL, NULL, NULL) : fork();
}

void oci_create(const struct oci_create *create, struct job_result *result) {
  char path[200], command[1024];
  if (!begin(create->spec, create->spec_length, command, result))
    return;
  fifo_of(create->id, path);
  mkfifo(path, 0600);
  int fifo = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  fork_process(create->terminal, result);
  if (result->pid == 0)
    wait_and_run(fifo, command);
}

void oci_exec(const struct oci_exec *exec, struct job_result *result) {
  char command[1024];
  if (!begin(exec->process, exec->process_length, command, result))
    return;
  fork_process(exec->terminal, result);
  if (result->pid == 0)
    run(command);
}

void oci_update(const char *id, const uint8_t *resources, size_t length, struct job_result *result) {
  char command[1024];
  (void)id;
  begin(resources, length, command, result);
}

void oci_delete(const char *id, struct job_result *result) {
  char path[200];
  (void)result;
  fifo_of(id, path);
  unlink(path);
}

int oci_start(const char *id) {
  char path[200];
  fifo_of(id, path);
  cleanup_fd int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return errno == ENXIO ? -ESRCH : -errno;
  return write(fd, "", 1) < 0 ? -errno : 0;
}
