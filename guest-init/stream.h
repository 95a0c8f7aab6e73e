// One end of a process's standard stream, joined to a number on the io port.
//
// The mux asks the streams in turn for their next frame, only when the port can take one. So a frame is
// never made that would have to wait in memory, and a stream without credit is merely passed over.
#ifndef STREAM_H
#define STREAM_H

#include "fd.h"
#include "frame.h"
#include "loop.h"

#include <stdbool.h>

struct stream {
  // guest-init's end: of a pipe, or the master of a terminal.
  struct source source;
  struct stream *next;
  uint32_t id;
  // Nothing more to send or to take; the mux frees it.
  bool ended;
  // A frame from the host; -EPROTO if it may not come on this stream now.
  int (*receive)(struct stream *, const struct frame *);
  // Puts the next frame to be sent where it is told to; returns its length, 0 if there is none now.
  size_t (*next_frame)(struct stream *, uint8_t *frame);
  // No more is wanted of it: makes the next frame the last.
  void (*end)(struct stream *);
  void (*release)(struct stream *);
};

// For those who make one: has it watched for these events of epoll from now on, without blocking.
void stream_open(struct stream *stream, uint32_t events);
// Ends it at once, for the process too: the mux may not come to it before the port takes a frame.
void stream_close(struct stream *stream);

// Output of a process, towards the host. Both take the descriptor and never fail.
struct stream *outlet_new(uint32_t id, int fd);
// Input of a process. A terminal gets its end-of-file character for EOF, a pipe is closed.
struct stream *inlet_new(uint32_t id, int fd, bool terminal);

#endif
