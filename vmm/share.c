// Runs a program in a mount namespace of its own: what it mounts is gone with
// it, and mounts of the host still reach it. Each of the directories is a mount
// there that hands what is mounted below it on to copies of the namespace:
// virtiofsd serves from one.
//
//   microvm-share DIRECTORY... -- PROGRAM [ARG...]
//
// The program is run in any case, for it has somebody to tell what went wrong:
// that is in MICROVM_SHARE_ERROR then, and it must not mount anything.
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define ERROR_VARIABLE "MICROVM_SHARE_ERROR"

static int complain(const char *what, const char *path) {
  char text[4096 + 256];
  snprintf(text, sizeof text, "%s%s: %s", what, path, strerror(errno));
  setenv(ERROR_VARIABLE, text, 1);
  return -1;
}

static int share(const char *directory) {
  if (mount(directory, directory, NULL, MS_BIND, NULL) < 0)
    return complain("cannot bind ", directory);
  if (mount(NULL, directory, NULL, MS_SHARED, NULL) < 0)
    return complain("cannot share ", directory);
  return 0;
}

static int prepare(char **directories, int count) {
  if (unshare(CLONE_NEWNS) < 0)
    return complain("cannot make a mount namespace", "");
  if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
    return complain("cannot keep mounts from the host", "");
  for (int i = 0; i < count; i++)
    if (share(directories[i]) < 0)
      return -1;
  return 0;
}

int main(int argc, char **argv) {
  int end = 1;
  while (end < argc && strcmp(argv[end], "--") != 0)
    end++;
  if (end + 1 >= argc) {
    fprintf(stderr, "usage: %s DIRECTORY... -- PROGRAM [ARG...]\n", argv[0]);
    return 2;
  }
  unsetenv(ERROR_VARIABLE);
  prepare(argv + 1, end - 1);
  execvp(argv[end + 1], argv + end + 1);
  fprintf(stderr, "microvm-share: %s: %s\n", argv[end + 1], strerror(errno));
  return 127;
}
