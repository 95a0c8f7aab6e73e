#include "mux.h"

#include "fd.h"
#include "log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

// Frames sent or reads made in one turn, before others have theirs.
#define FAIR_SHARE 64

static struct {
  struct source port;
  struct stream *streams;
  uint8_t in[2 * FRAME_MAX];
  size_t in_length;
  // The one frame on its way: a port may take a part of it.
  uint8_t out[FRAME_MAX];
  size_t out_start, out_end;
} mux = {.port.fd = -1};

struct stream *mux_find(uint32_t id) {
  for (struct stream *stream = mux.streams; stream; stream = stream->next)
    if (stream->id == id && !stream->ended)
      return stream;
  return NULL;
}

static void append(struct stream *stream) {
  struct stream **at = &mux.streams;
  while (*at)
    at = &(*at)->next;
  stream->next = NULL;
  *at = stream;
}

void mux_add(struct stream *stream) {
  append(stream);
}

void mux_end(uint32_t id) {
  struct stream *stream = mux_find(id);
  if (stream)
    stream->end(stream);
}

int mux_poll(uint32_t id) {
  struct stream *stream = mux_find(id);
  if (!stream)
    return 0;
  stream->source.events = 0;
  return stream->source.on_ready(&stream->source);
}

static void release(struct stream *stream) {
  loop_remove(&stream->source);
  close_fdp(&stream->source.fd);
  stream->release(stream);
}

// Takes one frame from the first stream that has one, and puts that stream behind all others.
static bool take_turn(void) {
  struct stream **at = &mux.streams;
  while (*at) {
    struct stream *stream = *at;
    size_t length = stream->next_frame(stream, mux.out);
    if (stream->ended) {
      *at = stream->next;
      release(stream);
    } else if (length) {
      *at = stream->next;
      append(stream);
    } else {
      at = &stream->next;
    }
    mux.out_start = 0;
    mux.out_end = length;
    if (length)
      return true;
  }
  return false;
}

static int flush(void) {
  while (mux.out_start < mux.out_end) {
    ssize_t written = write(mux.port.fd, mux.out + mux.out_start, mux.out_end - mux.out_start);
    if (written < 0 && errno != EINTR)
      return -errno;
    if (written > 0)
      mux.out_start += written;
  }
  return 0;
}

int mux_pump(void) {
  for (int share = FAIR_SHARE; share > 0; share--) {
    int result = flush();
    // The port's next EPOLLOUT goes on from here.
    if (result < 0)
      return result == -EAGAIN ? 0 : result;
    if (!take_turn())
      return 0;
  }
  loop_again(&mux.port);
  return 0;
}

void mux_again(void) {
  loop_again(&mux.port);
}

static int deliver(const struct frame *frame) {
  struct stream *stream = mux_find(frame->stream);
  // The two ends may cross: what comes for a stream that has ended is nobody's fault.
  if (!stream)
    return 0;
  int result = stream->receive(stream, frame);
  if (result == -EPROTO)
    log_error("protocol violation on the io port: stream %u, type %d, %u bytes", frame->stream, frame->type,
              frame->length);
  return result;
}

static int consume(void) {
  size_t start = 0;
  for (;;) {
    struct frame frame;
    ssize_t length = frame_decode(mux.in + start, mux.in_length - start, &frame);
    if (length < 0)
      log_error("protocol violation on the io port: unsound frame for stream %u", frame.stream);
    int result = length > 0 ? deliver(&frame) : (int)length;
    if (result < 0)
      return result;
    if (length == 0)
      break;
    start += length;
  }
  mux.in_length -= start;
  memmove(mux.in, mux.in + start, mux.in_length);
  return 0;
}

static int on_ready(struct source *port) {
  for (int share = FAIR_SHARE;; share--) {
    if (share == 0) {
      loop_again(port);
      break;
    }
    ssize_t count = read(port->fd, mux.in + mux.in_length, sizeof mux.in - mux.in_length);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0 && errno != EAGAIN)
      return -errno;
    // 0: the host's end is closed, or not open yet. That the shim died is seen on the control port.
    if (count <= 0)
      break;
    mux.in_length += count;
    int result = consume();
    if (result < 0)
      return result;
  }
  return mux_pump();
}

int mux_open(int fd) {
  mux.port = (struct source){.fd = fd, .on_ready = on_ready};
  return loop_add(&mux.port, EPOLLIN | EPOLLOUT);
}

void mux_close(void) {
  while (mux.streams) {
    struct stream *stream = mux.streams;
    mux.streams = stream->next;
    release(stream);
  }
  loop_remove(&mux.port);
  close_and_reset(&mux.port.fd);
  mux.in_length = mux.out_start = mux.out_end = 0;
}
