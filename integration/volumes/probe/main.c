// What a program may expect of a file system: one line for each expectation,
// the same on every file system that meets it. Runs in a container. usage:
// probe DIRECTORY           an empty one, for all of that
//        probe --lock FILE         says whether a lock can be had
//        probe --serve SOCKET      greets whoever connects first
//        probe --ask SOCKET        prints the greeting
//        probe --watch DIRECTORY   prints the names of files that appear there,
//        until one is called "end" probe --who               whom it runs as
//        probe --capacity          prints the capacity of the pipe that is its output, in bytes
//        probe --list DIRECTORY    prints the names in it as they come
#include "probe.h"

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--who") == 0)
    return printf("a set-user-ID program runs as %u:%u\n", geteuid(), getegid()) < 0;
  if (argc == 2 && strcmp(argv[1], "--capacity") == 0)
    return printf("%d\n", fcntl(1, F_GETPIPE_SZ)) < 0;
  if (argc == 3 && strcmp(argv[1], "--lock") == 0)
    return try_lock(argv[2]);
  if (argc == 3 && strcmp(argv[1], "--watch") == 0)
    return watch(argv[2]);
  if (argc == 3 && strcmp(argv[1], "--list") == 0)
    return list(argv[2]);
  if (argc == 3)
    return talk(argv[1], argv[2]);
  if (argc != 2 || chdir(argv[1]) < 0)
    return 1;
  umask(0);
  char self[PATH_MAX] = "";
  readlink("/proc/self/exe", self, sizeof self - 1);
  modes();
  permissions();
  names();
  unlinked();
  attributes();
  acls();
  locks();
  mappings();
  space();
  direct();
  append();
  copies();
  times();
  special();
  notifications();
  directories();
  programs(self);
  return 0;
}
