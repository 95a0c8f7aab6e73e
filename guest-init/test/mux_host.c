#include "mux_host.h"

#include "fd.h"
#include "test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static int host;

static int guest;

int mux_port(void) {
  return guest;
}

int peer_port(void) {
  return host;
}

void mux_set_up(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0 || loop_open() < 0 ||
      mux_open(pair[0]) < 0)
    test_failed = true;
  guest = pair[0];
  host = pair[1];
}

void mux_tear_down(void) {
  mux_close();
  loop_close();
  close_and_reset(&host);
}

int settle(void) {
  for (int i = 0; i < 200; i++) {
    int result = loop_turn(i < 190 ? 0 : 1);
    if (result < 0)
      return result;
  }
  return 0;
}

void peer_send(uint32_t stream, enum frame_type type, const void *payload, size_t length) {
  uint8_t frame[FRAME_MAX];
  if (length)
    memcpy(frame + FRAME_HEADER, payload, length);
  size_t total = frame_encode(frame, stream, type, length);
  if (write(host, frame, total) != (ssize_t)total)
    test_failed = true;
}

void peer_credit(uint32_t stream, uint32_t credit) {
  uint8_t frame[FRAME_HEADER + 4];
  size_t total = frame_encode_credit(frame, stream, credit);
  if (write(host, frame, total) != (ssize_t)total)
    test_failed = true;
}

uint32_t hash_of(uint32_t hash, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ bytes[i]) * 16777619;
  return hash;
}

struct received peer_receive(uint32_t stream) {
  static uint8_t bytes[4 << 20];
  static size_t length;
  struct received received = {0};
  length = 0;
  for (ssize_t count;;) {
    if (settle() < 0)
      break;
    count = read(host, bytes + length, sizeof bytes - length);
    if (count <= 0)
      break;
    length += count;
  }
  struct frame frame;
  ssize_t size;
  for (size_t start = 0; (size = frame_decode(bytes + start, length - start, &frame)) > 0; start += size) {
    if (frame.stream != stream)
      continue;
    if (frame.type == FRAME_DATA && received.data == 0)
      memcpy(received.first, frame.payload, frame.length < 15 ? frame.length : 15);
    if (frame.type == FRAME_DATA)
      received.hash = hash_of(received.hash, frame.payload, frame.length);
    received.data += frame.type == FRAME_DATA ? frame.length : 0;
    received.credit += frame.credit;
    received.eof += frame.type == FRAME_EOF;
    received.gone += frame.type == FRAME_GONE;
  }
  return received;
}

int new_outlet(uint32_t id) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
    return -1;
  mux_add(outlet_new(id, pair[0]));
  return pair[1];
}

size_t fill(int fd, size_t length) {
  static uint8_t bytes[65536];
  ssize_t count = write(fd, bytes, length < sizeof bytes ? length : sizeof bytes);
  return count < 0 ? 0 : count;
}
