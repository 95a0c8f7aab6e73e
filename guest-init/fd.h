// Things that release themselves at the end of their scope.
#ifndef FD_H
#define FD_H

#include <stdlib.h>
#include <unistd.h>

static inline void close_fdp(int *fd) {
  if (*fd >= 0)
    close(*fd);
}

static inline void free_pointerp(void *pointer) {
  free(*(void **)pointer);
}

#define cleanup_fd __attribute__((cleanup(close_fdp)))
#define cleanup_free __attribute__((cleanup(free_pointerp)))

// Hands the descriptor over: the variable no longer owns it.
static inline int take_fd(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

static inline void close_and_reset(int *fd) {
  close_fdp(fd);
  *fd = -1;
}

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
