// The other end of the mux in its tests: a socket for the io port, and pipes for the process.
#ifndef MUX_HOST_H
#define MUX_HOST_H

#include "mux.h"

#include <stddef.h>
#include <stdint.h>

struct received {
  size_t data, credit;
  int eof, gone;
  char first[16];
  // Of the data, in their order.
  uint32_t hash;
};

void mux_set_up(void);
void mux_tear_down(void);
// The io port: the host's end, and the mux's.
int peer_port(void);
int mux_port(void);
// Turns the loop until nothing happens for a moment; returns the first failure.
int settle(void);
void peer_send(uint32_t stream, enum frame_type type, const void *payload, size_t length);
void peer_credit(uint32_t stream, uint32_t credit);
// Everything that has come for a stream so far; frames of others are dropped.
struct received peer_receive(uint32_t stream);
// Returns the process's end of a pipe.
int new_outlet(uint32_t id);
// Of bytes after others with that hash; 0 before the first.
uint32_t hash_of(uint32_t hash, const uint8_t *bytes, size_t length);
// Writes zeros, as many as fit and no more than the length; returns how many.
size_t fill(int fd, size_t length);

// A test that runs with a mux of its own.
#define WITH_MUX(test)                                                                                       \
  static void test##_with_mux(void) {                                                                        \
    mux_set_up();                                                                                            \
    test();                                                                                                  \
    mux_tear_down();                                                                                         \
  }

#endif
