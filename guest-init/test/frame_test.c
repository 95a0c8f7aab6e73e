#include "frame.h"
#include "test.h"

#include <errno.h>
#include <string.h>

#define VECTORS_MAX 64

static struct vector vectors[VECTORS_MAX];

static int read_vectors(void) {
  return vectors_read("stream.vectors", vectors, VECTORS_MAX);
}

static bool is_bad(const struct vector *vector) {
  return strncmp(vector->name, "bad-", 4) == 0;
}

static void vectors_are_decoded(void) {
  int count = read_vectors();
  CHECK(count > 10);
  for (int i = 0; i < count; i++) {
    struct frame frame;
    ssize_t length = frame_decode(vectors[i].bytes, vectors[i].length, &frame);
    if (length != (is_bad(&vectors[i]) ? -EPROTO : (ssize_t)vectors[i].length))
      fprintf(stderr, "%s: %zd\n", vectors[i].name, length);
    CHECK(length == (is_bad(&vectors[i]) ? -EPROTO : (ssize_t)vectors[i].length));
  }
}

static void vectors_are_encoded_byte_for_byte(void) {
  int count = read_vectors();
  for (int i = 0; i < count; i++) {
    struct frame frame;
    uint8_t bytes[256];
    if (is_bad(&vectors[i]))
      continue;
    frame_decode(vectors[i].bytes, vectors[i].length, &frame);
    memcpy(bytes + FRAME_HEADER, frame.payload, frame.length);
    size_t length = frame.type == FRAME_CREDIT ? frame_encode_credit(bytes, frame.stream, frame.credit)
                                               : frame_encode(bytes, frame.stream, frame.type, frame.length);
    CHECK(length == vectors[i].length);
    CHECK(memcmp(bytes, vectors[i].bytes, length) == 0);
  }
}

// All sound vectors in a row, given to the decoder up to every length.
static void every_cut_is_waited_for(void) {
  int count = read_vectors();
  uint8_t all[4096];
  size_t ends[VECTORS_MAX], total = 0, frames = 0;
  for (int i = 0; i < count; i++) {
    if (is_bad(&vectors[i]))
      continue;
    memcpy(all + total, vectors[i].bytes, vectors[i].length);
    total += vectors[i].length;
    ends[frames++] = total;
  }
  for (size_t cut = 0; cut <= total; cut++) {
    size_t start = 0, seen = 0;
    struct frame frame;
    ssize_t length;
    while ((length = frame_decode(all + start, cut - start, &frame)) > 0)
      CHECK((start += length) == ends[seen++]);
    CHECK(length == 0);
    CHECK(seen == frames || ends[seen] > cut);
  }
}

static void header_is_judged_before_the_payload_comes(void) {
  const uint8_t bytes[] = {0, 0, 0x7f, 0xf1, 0, 0, 0, 3, 1, 0, 0, 0};
  struct frame frame;
  CHECK(frame_decode(bytes, sizeof bytes, &frame) == -EPROTO);
}

static void longest_frame(void) {
  static uint8_t bytes[FRAME_MAX];
  struct frame frame;
  CHECK(frame_encode(bytes, 9, FRAME_DATA, FRAME_PAYLOAD_MAX) == 32764);
  CHECK(frame_decode(bytes, sizeof bytes - 1, &frame) == 0);
  CHECK(frame_decode(bytes, sizeof bytes, &frame) == FRAME_MAX);
  CHECK(frame.length == FRAME_PAYLOAD_MAX && frame.stream == 9);
}

const struct test frame_tests[] = {
    {"frame: vectors are decoded", vectors_are_decoded},
    {"frame: vectors are encoded byte for byte", vectors_are_encoded_byte_for_byte},
    {"frame: every cut is waited for", every_cut_is_waited_for},
    {"frame: a header is judged before its payload comes", header_is_judged_before_the_payload_comes},
    {"frame: the longest", longest_frame},
    {0},
};
