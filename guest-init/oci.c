#include "oci.h"

#include "fd.h"
#include "log.h"
#include "passfd.h"

#include <libcrun/container.h>
#include <libcrun/error.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define STATE_ROOT "/run/crun"
#define BUNDLE_ROOT "/run/bundle"

// In place of libcrun's own, which its constructor calls before main: there the program makes a sealed copy
// of itself and starts again, so that no container can write to the runtime on the host (CVE-2019-5736). Here
// there is no /proc yet, and a file that runs, /init, cannot be opened for writing.
int ensure_cloned_binary(void);
int ensure_cloned_binary(void) {
  return 0;
}

static void on_message(int error, const char *message, int verbosity, void *arg) {
  (void)arg;
  if (verbosity <= LIBCRUN_VERBOSITY_WARNING)
    log_info("libcrun: %s%s%s", message, error ? ": " : "", error ? strerror(error) : "");
}

static void fail(struct job_result *result, int error, const char *what) {
  result->error = -error;
  snprintf(result->text, sizeof result->text, "%s: %s", what, strerror(error));
}

static void fail_with(struct job_result *result, libcrun_error_t error) {
  result->error = -EIO;
  if (!error || !error->msg)
    snprintf(result->text, sizeof result->text, "libcrun failed without a reason");
  else if (error->status > 0)
    snprintf(result->text, sizeof result->text, "%s: %s", error->msg, strerror(error->status));
  else
    snprintf(result->text, sizeof result->text, "%s", error->msg);
}

static libcrun_context_t new_context(const char *id) {
  // What libcrun says before it looks at the context; its own handler writes to the container's stderr.
  crun_set_output_handler(on_message, NULL);
  return (libcrun_context_t){
      .id = id,
      .state_root = STATE_ROOT,
      .fifo_exec_wait_fd = -1,
      .output_handler = on_message,
  };
}

// Writes config.json, for hooks, into the bundle's directory and goes there, as libcrun expects.
static int enter_bundle(const struct oci_create *create) {
  char path[sizeof BUNDLE_ROOT + 80];
  snprintf(path, sizeof path, BUNDLE_ROOT "/%s", create->id);
  if (mkdir(BUNDLE_ROOT, 0700) < 0 && errno != EEXIST)
    return -errno;
  if (mkdir(path, 0700) < 0 && errno != EEXIST)
    return -errno;
  if (chdir(path) < 0)
    return -errno;
  cleanup_fd int fd = open("config.json", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return -errno;
  ssize_t written = write(fd, create->spec, create->spec_length);
  if (written < 0)
    return -errno;
  return (size_t)written == create->spec_length ? 0 : -ENOSPC;
}

static void remove_bundle(const char *id) {
  static const char *const files[] = {"config.json", "pid", "console.sock"};
  char path[sizeof BUNDLE_ROOT + 100];
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    snprintf(path, sizeof path, BUNDLE_ROOT "/%s/%s", id, files[i]);
    unlink(path);
  }
  snprintf(path, sizeof path, BUNDLE_ROOT "/%s", id);
  rmdir(path);
}

// Where the container's init sends the master of its terminal.
static int listen_for_console(const char *path) {
  cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0)
    return -errno;
  return take_fd(&fd);
}

static int receive_console(int listener) {
  cleanup_fd int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0)
    return -errno;
  char byte;
  int fd;
  ssize_t count = receive_with_fd(connection, &byte, sizeof byte, &fd);
  if (count < 0)
    return count;
  return fd < 0 ? -ENOENT : fd;
}

static int read_pid(pid_t *pid) {
  FILE *file = fopen("pid", "re");
  if (!file)
    return -errno;
  int fields = fscanf(file, "%d", pid);
  fclose(file);
  return fields == 1 ? 0 : -EIO;
}

static void create_container(const struct oci_create *create, struct job_result *result) {
  libcrun_error_t error = NULL;
  libcrun_context_t context = new_context(create->id);
  int failed = enter_bundle(create);
  if (failed)
    return fail(result, -failed, "the bundle cannot be written");
  cleanup_free char *spec = strndup((const char *)create->spec, create->spec_length);
  libcrun_container_t *container = spec ? libcrun_container_load_from_memory(spec, &error) : NULL;
  if (!container)
    return fail_with(result, error);
  bool terminal = container->container_def->process && container->container_def->process->terminal;
  if (terminal != create->terminal)
    return fail(result, EINVAL, "process.terminal of the specification and the request differ");

  char bundle[sizeof BUNDLE_ROOT + 80];
  context.bundle = getcwd(bundle, sizeof bundle);
  context.pid_file = "pid";
  cleanup_fd int listener = -1;
  if (terminal) {
    context.console_socket = "console.sock";
    listener = listen_for_console(context.console_socket);
    if (listener < 0)
      return fail(result, -listener, "no socket for the terminal");
  }
  if (libcrun_container_create(&context, container, 0, &error) < 0)
    return fail_with(result, error);
  failed = read_pid(&result->pid);
  if (failed)
    return fail(result, -failed, "libcrun told no pid");
  if (terminal && (result->fd = receive_console(listener)) < 0)
    return fail(result, -result->fd, "the terminal did not come");
}

void oci_create(const struct oci_create *create, struct job_result *result) {
  create_container(create, result);
  if (result->error)
    remove_bundle(create->id);
}

void oci_delete(const char *id, struct job_result *result) {
  libcrun_error_t error = NULL;
  libcrun_context_t context = new_context(id);
  if (libcrun_container_delete(&context, NULL, id, true, &error) < 0)
    return fail_with(result, error);
  remove_bundle(id);
}

// libcrun's own way of doing it opens the fifo blocking: with an init that died just now, for ever.
int oci_start(const char *id) {
  char path[sizeof STATE_ROOT + 100];
  snprintf(path, sizeof path, STATE_ROOT "/%s/exec.fifo", id);
  cleanup_fd int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return errno == ENXIO ? -ESRCH : -errno;
  if (unlink(path) < 0 || write(fd, "", 1) < 0)
    return -errno;
  return 0;
}
