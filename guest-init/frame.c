#include "frame.h"

#include "wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool length_is_sound(enum frame_type type, uint32_t length) {
  switch (type) {
  case FRAME_DATA:
    return length >= 1 && length <= FRAME_PAYLOAD_MAX;
  case FRAME_CREDIT:
    return length == 4;
  case FRAME_EOF:
  case FRAME_GONE:
    return length == 0;
  }
  return false;
}

ssize_t frame_decode(const uint8_t *bytes, size_t length, struct frame *frame) {
  if (length < FRAME_HEADER)
    return 0;
  *frame = (struct frame){
      .length = get_u32(bytes),
      .stream = get_u32(bytes + 4),
      .type = bytes[8],
      .payload = bytes + FRAME_HEADER,
  };
  if (frame->stream == 0 || bytes[9] || bytes[10] || bytes[11])
    return -EPROTO;
  if (!length_is_sound(frame->type, frame->length))
    return -EPROTO;
  if (length < FRAME_HEADER + frame->length)
    return 0;
  if (frame->type == FRAME_CREDIT) {
    frame->credit = get_u32(frame->payload);
    if (frame->credit == 0 || frame->credit > FRAME_CREDIT_MAX)
      return -EPROTO;
  }
  return FRAME_HEADER + frame->length;
}

size_t frame_encode(uint8_t *bytes, uint32_t stream, enum frame_type type, uint32_t length) {
  put_u32(bytes, length);
  put_u32(bytes + 4, stream);
  bytes[8] = type;
  memset(bytes + 9, 0, 3);
  return FRAME_HEADER + length;
}

size_t frame_encode_credit(uint8_t *bytes, uint32_t stream, uint32_t credit) {
  put_u32(bytes + FRAME_HEADER, credit);
  return frame_encode(bytes, stream, FRAME_CREDIT, 4);
}
