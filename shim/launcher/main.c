// What containerd runs: containerd-shim-microvm-v2 [FLAG...] ACTION
//
// The shim itself is microvm-shim. `start` has to end while a daemon goes on;
// instead of the shim starting another one of itself, which takes twice the
// time, it is started here once, as the daemon. The two have a socket that
// keeps messages apart, of which the first byte is the kind:
//
//   0 TEXT  ends `start` well: TEXT for standard output
//   1 TEXT  ends it with an error: TEXT for standard error
//   2 PATH 0 [PATH 0...]  makes each directory a mount that hands what is
//       mounted below it on to copies of the mount namespace: virtiofsd serves
//       from one. The answer is what went wrong, and a 0.
//
// Their mount namespace is their own: what is mounted there is gone with it,
// and mounts of the host still reach it.
//
// `delete` of a container that has left nothing has its answer in the bundle.
// For whatever else this program becomes the shim.
#include "launcher.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int fail(const char *what) {
  fprintf(stderr, "containerd-shim-microvm-v2: %s: %s\n", what,
          strerror(errno));
  return 1;
}

// Beside this program, as it is built, or where it is installed.
static int find_shim(char *path, size_t size) {
  static const char *const places[] = {"microvm-shim",
                                       "../libexec/microvm/microvm-shim"};
  char own[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
  if (length < 0)
    return fail("/proc/self/exe");
  own[length] = 0;
  *strrchr(own, '/') = 0;
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(path, size, "%s/%s", own, places[i]);
    if (access(path, X_OK) == 0)
      return 0;
  }
  fprintf(stderr,
          "containerd-shim-microvm-v2: neither %s/microvm-shim nor %s can be "
          "run: %s; run 'make build' or 'make install'\n",
          own, path, strerror(errno));
  return 1;
}

static const char *bundle(int argc, char **argv) {
  for (int i = 1; i < argc - 1; i++)
    if (strcmp(argv[i], "-bundle") == 0)
      return argv[i + 1];
  return NULL;
}

// Whether the answer was there.
static bool answer_delete(const char *directory) {
  char path[PATH_MAX], text[4096];
  snprintf(path, sizeof path, "%s/deleted", directory);
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    return false;
  ssize_t length = read(fd, text, sizeof text);
  close(fd);
  return length > 0 && write(STDOUT_FILENO, text, length) == length;
}

int main(int argc, char **argv) {
  char shim[2 * PATH_MAX];
  if (find_shim(shim, sizeof shim))
    return 1;
  const char *action = argc > 1 ? argv[argc - 1] : "";
  if (strcmp(action, "start") == 0)
    return start(shim, argc, argv);
  const char *directory = bundle(argc, argv);
  if (strcmp(action, "delete") == 0 && directory && answer_delete(directory))
    return 0;
  execv(shim, argv);
  return fail(shim);
}
