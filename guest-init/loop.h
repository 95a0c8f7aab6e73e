// The one event loop. Everything is edge-triggered: a virtio port reports "hung up" until the host
// connects, and level-triggered that would never let the loop rest.
#ifndef LOOP_H
#define LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct source {
  int fd;
  // Reads or writes until EAGAIN, or calls loop_again. A negative errno ends the loop. May free the source.
  int (*on_ready)(struct source *);
  // What epoll reported; 0 in a turn asked for by loop_again.
  uint32_t events;
  bool again;
  struct source *next_again;
};

int loop_open(void);
void loop_close(void);
int loop_add(struct source *source, uint32_t events);
// Legal for a source that was never added, too. Does not close the descriptor.
void loop_remove(struct source *source);
// Calls on_ready once more, after the others had their turn: for a source that has more to do than is fair.
void loop_again(struct source *source);
// One round: the source that waits longest for another turn, then one event of epoll.
int loop_turn(int timeout_ms);

#endif
