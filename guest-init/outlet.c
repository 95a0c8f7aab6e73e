// Output of a process: read from its pipe or terminal, sent to the host within the credit.
#include "fd.h"
#include "log.h"
#include "mux.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>

struct outlet {
  struct stream stream;
  // Bytes that the host will take.
  uint64_t credit;
  // There may be something to read.
  bool readable;
  // Whoever still holds the write end: EOF is sent when there is nothing to read.
  bool ending;
};

static struct outlet *outlet_of(struct stream *stream) {
  return container_of(stream, struct outlet, stream);
}

static size_t last_frame(struct stream *stream, uint8_t *frame) {
  stream->ended = true;
  return frame_encode(frame, stream->id, FRAME_EOF, 0);
}

// The kernel may tell of a terminal's end before its last bytes: it looks for bytes, then whether the slave
// is closed, and misses what is written in between. So the end is the end when it is told twice.
#define TIMES_TOLD 2

// The end needs no credit, but must not be taken for it while bytes are left that do.
static bool drained(const struct stream *stream) {
  for (int told = 0; told < TIMES_TOLD; told++) {
    struct pollfd poll_fd = {.fd = stream->source.fd, .events = POLLIN};
    if (poll(&poll_fd, 1, 0) != 1 || !(poll_fd.revents & POLLHUP) || (poll_fd.revents & POLLIN))
      return false;
  }
  return true;
}

// As read, without EINTR. A terminal without holders of its slave says EIO.
static ssize_t read_output(const struct stream *stream, uint8_t *bytes, size_t room) {
  for (int told = 0;;) {
    ssize_t count = read(stream->source.fd, bytes, room);
    if (count >= 0 || (errno != EINTR && (errno != EIO || ++told == TIMES_TOLD)))
      return count;
  }
}

static size_t next_frame(struct stream *stream, uint8_t *frame) {
  struct outlet *outlet = outlet_of(stream);
  if (stream->ended || !outlet->readable)
    return 0;
  if (outlet->credit == 0) {
    // Readable again when credit comes, or when the pipe's state changes.
    outlet->readable = false;
    return outlet->ending || drained(stream) ? last_frame(stream, frame) : 0;
  }
  size_t room = outlet->credit < FRAME_PAYLOAD_MAX ? outlet->credit : FRAME_PAYLOAD_MAX;
  ssize_t count = read_output(stream, frame + FRAME_HEADER, room);
  if (count < 0 && errno == EAGAIN) {
    outlet->readable = false;
    return outlet->ending ? last_frame(stream, frame) : 0;
  }
  if (count <= 0)
    return last_frame(stream, frame);
  outlet->credit -= count;
  return frame_encode(frame, stream->id, FRAME_DATA, count);
}

static int receive(struct stream *stream, const struct frame *frame) {
  struct outlet *outlet = outlet_of(stream);
  switch (frame->type) {
  case FRAME_CREDIT:
    outlet->credit += frame->credit;
    outlet->readable = true;
    return 0;
  case FRAME_GONE:
    stream_close(stream);
    return 0;
  default:
    return -EPROTO;
  }
}

static int on_ready(struct source *source) {
  outlet_of(container_of(source, struct stream, source))->readable = true;
  return mux_pump();
}

// What is left in the pipe still goes out as far as there is credit for it.
static void end(struct stream *stream) {
  outlet_of(stream)->ending = true;
  outlet_of(stream)->readable = true;
}

static void release(struct stream *stream) {
  free(outlet_of(stream));
}

struct stream *outlet_new(uint32_t id, int fd) {
  struct outlet *outlet = calloc(1, sizeof *outlet);
  if (!outlet)
    fatal("no stream");
  outlet->credit = FRAME_WINDOW;
  outlet->stream = (struct stream){
      .source = {.fd = fd, .on_ready = on_ready},
      .id = id,
      .receive = receive,
      .next_frame = next_frame,
      .end = end,
      .release = release,
  };
  stream_open(&outlet->stream, EPOLLIN);
  return &outlet->stream;
}
