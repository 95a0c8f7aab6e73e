// Frames of the io port, as proto/guest.md specifies them.
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_HEADER 12
#define FRAME_PAYLOAD_MAX 32752
#define FRAME_MAX (FRAME_HEADER + FRAME_PAYLOAD_MAX)
// What the writer of a stream may send at first, in bytes of DATA.
#define FRAME_WINDOW 262144
#define FRAME_CREDIT_MAX 0x7fffffff

enum frame_type { FRAME_DATA = 1, FRAME_EOF = 2, FRAME_CREDIT = 3, FRAME_GONE = 4 };

struct frame {
  uint32_t stream;
  enum frame_type type;
  uint32_t length;
  const uint8_t *payload;
  // Of a CREDIT frame: bytes.
  uint32_t credit;
};

// The length of the frame at the start of the bytes, 0 if there is no whole one yet, -EPROTO if there will
// never be. The header is judged as soon as it is complete. The payload points into the bytes.
ssize_t frame_decode(const uint8_t *bytes, size_t length, struct frame *frame);

// Writes the header before a payload that is in its place already; returns the length of the frame.
size_t frame_encode(uint8_t *bytes, uint32_t stream, enum frame_type type, uint32_t length);
size_t frame_encode_credit(uint8_t *bytes, uint32_t stream, uint32_t credit);

#endif
