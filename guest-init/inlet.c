// Input of a process: from the host, written to its pipe or terminal, granted anew once it is there.
#include "fd.h"
#include "log.h"
#include "mux.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>

// Credit is given back in portions of at least this many bytes. Less than a window: a writer whose bytes
// have all been passed on always has credit left.
#define PORTION (FRAME_WINDOW / 4)
// A stream through which much has gone already may be sent so much more, once: a quarter of the messages, and
// fewer changes between the programs on the way. All of them together share a reserve.
#define EXTRA (3 * FRAME_WINDOW)

static size_t reserve = 8 * 1024 * 1024;

struct inlet {
  struct stream stream;
  bool terminal;
  // Bytes that the host may still send.
  uint32_t granted;
  // Bytes passed on and not granted again yet.
  uint32_t due;
  // Granted again so far, and what it has of the reserve.
  uint64_t flowed;
  uint32_t extra;
  // What the process has not taken yet: never more than the window.
  uint8_t *bytes;
  size_t start, length;
  // The host sent EOF: ends when all is written.
  bool eof;
  // The process will not read any more.
  bool gone;
};

static struct inlet *inlet_of(struct stream *stream) {
  return container_of(stream, struct inlet, stream);
}

// How many bytes the process took; what it does not take now it takes later, or never.
static size_t pass_on(struct inlet *inlet, const uint8_t *bytes, size_t length) {
  size_t done = 0;
  while (done < length && !inlet->gone) {
    ssize_t count = write(inlet->stream.source.fd, bytes + done, length - done);
    if (count > 0)
      done += count;
    else if (count == 0 || errno == EAGAIN)
      break;
    else if (errno != EINTR)
      inlet->gone = true;
  }
  inlet->due += done;
  return done;
}

static void drop(struct inlet *inlet) {
  free(inlet->bytes);
  inlet->bytes = NULL;
  inlet->start = inlet->length = 0;
}

static void flush(struct inlet *inlet) {
  if (inlet->stream.ended)
    return;
  if (inlet->length) {
    size_t done = pass_on(inlet, inlet->bytes + inlet->start, inlet->length);
    inlet->start += done;
    inlet->length -= done;
  }
  if (inlet->gone || inlet->length == 0)
    drop(inlet);
  if (inlet->eof && inlet->length == 0) {
    // The other direction of a connection holds it open; what is no socket is just closed.
    shutdown(inlet->stream.source.fd, SHUT_WR);
    stream_close(&inlet->stream);
  }
}

// One byte more than the window: the end-of-file character of a terminal.
static int keep(struct inlet *inlet, const uint8_t *bytes, size_t length) {
  if (length == 0)
    return 0;
  if (!inlet->bytes && !(inlet->bytes = malloc(FRAME_WINDOW + EXTRA + 1)))
    return -ENOMEM;
  memmove(inlet->bytes, inlet->bytes + inlet->start, inlet->length);
  inlet->start = 0;
  memcpy(inlet->bytes + inlet->length, bytes, length);
  inlet->length += length;
  return 0;
}

static int take(struct inlet *inlet, const uint8_t *bytes, size_t length) {
  size_t done = inlet->length ? 0 : pass_on(inlet, bytes, length);
  return inlet->gone ? 0 : keep(inlet, bytes + done, length - done);
}

static int take_eof(struct inlet *inlet) {
  int result = 0;
  if (inlet->terminal) {
    struct termios settings;
    bool known = tcgetattr(inlet->stream.source.fd, &settings) == 0;
    uint8_t character = known ? settings.c_cc[VEOF] : 4;
    result = take(inlet, &character, 1);
  }
  inlet->eof = true;
  flush(inlet);
  return result;
}

static int receive(struct stream *stream, const struct frame *frame) {
  struct inlet *inlet = inlet_of(stream);
  if (inlet->eof)
    return -EPROTO;
  switch (frame->type) {
  case FRAME_DATA:
    if (frame->length > inlet->granted)
      return -EPROTO;
    inlet->granted -= frame->length;
    return take(inlet, frame->payload, frame->length);
  case FRAME_EOF:
    return take_eof(inlet);
  default:
    return -EPROTO;
  }
}

static uint32_t growth(struct inlet *inlet) {
  if (inlet->extra || inlet->flowed <= FRAME_WINDOW || reserve < EXTRA)
    return 0;
  reserve -= EXTRA;
  inlet->extra = EXTRA;
  return EXTRA;
}

static size_t next_frame(struct stream *stream, uint8_t *frame) {
  struct inlet *inlet = inlet_of(stream);
  if (stream->ended)
    return 0;
  if (inlet->gone) {
    stream->ended = true;
    // After the host's EOF there is nobody left to be told.
    return inlet->eof ? 0 : frame_encode(frame, stream->id, FRAME_GONE, 0);
  }
  if (inlet->eof || inlet->due < PORTION + inlet->extra / 4)
    return 0;
  inlet->flowed += inlet->due;
  uint32_t credit = inlet->due + growth(inlet);
  inlet->granted += credit;
  inlet->due = 0;
  return frame_encode_credit(frame, stream->id, credit);
}

// The last reader of a pipe is gone: EPOLLERR. The last holder of a terminal: EPOLLHUP.
static int on_ready(struct source *source) {
  struct inlet *inlet = inlet_of(container_of(source, struct stream, source));
  if (source->events & (EPOLLERR | EPOLLHUP))
    inlet->gone = true;
  flush(inlet);
  return mux_pump();
}

static void end(struct stream *stream) {
  inlet_of(stream)->gone = true;
}

static void release(struct stream *stream) {
  drop(inlet_of(stream));
  reserve += inlet_of(stream)->extra;
  free(inlet_of(stream));
}

struct stream *inlet_new(uint32_t id, int fd, bool terminal) {
  struct inlet *inlet = calloc(1, sizeof *inlet);
  if (!inlet)
    fatal("no stream");
  inlet->terminal = terminal;
  inlet->granted = FRAME_WINDOW;
  inlet->stream = (struct stream){
      .source = {.fd = fd, .on_ready = on_ready},
      .id = id,
      .receive = receive,
      .next_frame = next_frame,
      .end = end,
      .release = release,
  };
  stream_open(&inlet->stream, EPOLLOUT);
  return &inlet->stream;
}
