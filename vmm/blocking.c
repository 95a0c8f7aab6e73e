// Runs a program with one of its descriptors blocking: Node makes its sockets
// non-blocking, and virtiofsd, which waits for QEMU by accepting from the one
// that it inherits, would ask without a pause.
//
//   microvm-blocking DESCRIPTOR PROGRAM [ARG...]
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s DESCRIPTOR PROGRAM [ARG...]\n", argv[0]);
    return 2;
  }
  int fd = atoi(argv[1]), flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
    execvp(argv[2], argv + 2);
  fprintf(stderr, "microvm-blocking: %s: %s\n", argv[2], strerror(errno));
  return 127;
}
