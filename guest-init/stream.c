#include "stream.h"

#include "log.h"

#include <fcntl.h>

void stream_open(struct stream *stream, uint32_t events) {
  int flags = fcntl(stream->source.fd, F_GETFL);
  if (flags < 0 || fcntl(stream->source.fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
      loop_add(&stream->source, events) < 0)
    fatal("no stream");
}

void stream_close(struct stream *stream) {
  loop_remove(&stream->source);
  close_and_reset(&stream->source.fd);
  stream->ended = true;
}
