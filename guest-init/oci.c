#include "oci.h"

#include "console.h"
#include "crun.h"
#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VOLUMES "/run/volumes/"

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

static int read_pid(pid_t *pid) {
  FILE *file = fopen("pid", "re");
  if (!file)
    return -errno;
  int fields = fscanf(file, "%d", pid);
  fclose(file);
  return fields == 1 ? 0 : -EIO;
}

// The kernel mounts a volume when somebody first goes below its directory. Were that the container's set-up,
// in its own mount namespace, each container would get a file system of its own with the same files, and
// neither locks nor sockets would work between two. So it happens here, where all containers come from. A
// file has no mount of its own.
static void go_to_volumes(const runtime_spec_schema_config_schema *spec) {
  for (size_t i = 0; i < spec->mounts_len; i++) {
    const char *source = spec->mounts[i]->source;
    char path[sizeof VOLUMES + 40];
    struct stat found;
    if (!source || strncmp(source, VOLUMES, strlen(VOLUMES)) != 0)
      continue;
    if (snprintf(path, sizeof path, "%s/.", source) < (int)sizeof path)
      stat(path, &found);
  }
}

static void create_container(const struct oci_create *create, struct job_result *result) {
  libcrun_error_t error = NULL;
  libcrun_context_t context = crun_context(create->id);
  int failed = enter_bundle(create);
  if (failed)
    return crun_fail(result, -failed, "the bundle cannot be written");
  cleanup_free char *spec = strndup((const char *)create->spec, create->spec_length);
  libcrun_container_t *container = spec ? libcrun_container_load_from_memory(spec, &error) : NULL;
  if (!container)
    return crun_fail_with(result, error);
  bool terminal = container->container_def->process && container->container_def->process->terminal;
  if (terminal != create->terminal)
    return crun_fail(result, EINVAL, "process.terminal of the specification and the request differ");

  go_to_volumes(container->container_def);
  char bundle[sizeof BUNDLE_ROOT + 80];
  context.bundle = getcwd(bundle, sizeof bundle);
  context.pid_file = "pid";
  cleanup_fd int listener = -1;
  if (terminal) {
    context.console_socket = "console.sock";
    listener = console_listen(context.console_socket);
    if (listener < 0)
      return crun_fail(result, -listener, "no socket for the terminal");
  }
  if (libcrun_container_create(&context, container, 0, &error) < 0)
    return crun_fail_with(result, error);
  failed = read_pid(&result->pid);
  if (failed)
    return crun_fail(result, -failed, "libcrun told no pid");
  if (terminal && (result->fd = console_receive(listener)) < 0)
    return crun_fail(result, -result->fd, "the terminal did not come");
}

void oci_create(const struct oci_create *create, struct job_result *result) {
  create_container(create, result);
  if (result->error)
    remove_bundle(create->id);
}

void oci_update(const char *id, const uint8_t *resources, size_t length, struct job_result *result) {
  libcrun_error_t error = NULL;
  libcrun_context_t context = crun_context(id);
  cleanup_free char *text = strndup((const char *)resources, length);
  if (!text || libcrun_container_update(&context, id, text, length, &error) < 0)
    crun_fail_with(result, error);
}

void oci_delete(const char *id, struct job_result *result) {
  libcrun_error_t error = NULL;
  libcrun_context_t context = crun_context(id);
  if (libcrun_container_delete(&context, NULL, id, true, &error) < 0)
    return crun_fail_with(result, error);
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
