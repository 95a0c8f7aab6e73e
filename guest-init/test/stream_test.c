// The mux and its streams, with a socket for the io port and pipes for the process.
#include "fd.h"
#include "mux.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static int host;

static void set_up(void) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0 || loop_open() < 0 ||
      mux_open(pair[0]) < 0)
    test_failed = true;
  host = pair[1];
}

static void tear_down(void) {
  mux_close();
  loop_close();
  close_and_reset(&host);
}

// Turns the loop until nothing happens for a moment; returns the first failure.
static int settle(void) {
  for (int i = 0; i < 200; i++) {
    int result = loop_turn(i < 190 ? 0 : 1);
    if (result < 0)
      return result;
  }
  return 0;
}

static void host_send(uint32_t stream, enum frame_type type, const void *payload, size_t length) {
  uint8_t frame[FRAME_MAX];
  if (length)
    memcpy(frame + FRAME_HEADER, payload, length);
  size_t total = frame_encode(frame, stream, type, length);
  if (write(host, frame, total) != (ssize_t)total)
    test_failed = true;
}

static void host_credit(uint32_t stream, uint32_t credit) {
  uint8_t frame[FRAME_HEADER + 4];
  size_t total = frame_encode_credit(frame, stream, credit);
  if (write(host, frame, total) != (ssize_t)total)
    test_failed = true;
}

struct received {
  size_t data, credit;
  int eof, gone;
  char first[16];
};

// Everything that has come for a stream so far; frames of others are dropped.
static struct received host_receive(uint32_t stream) {
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
    received.data += frame.type == FRAME_DATA ? frame.length : 0;
    received.credit += frame.credit;
    received.eof += frame.type == FRAME_EOF;
    received.gone += frame.type == FRAME_GONE;
  }
  return received;
}

static int new_outlet(uint32_t id) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
    return -1;
  mux_add(outlet_new(id, pair[0]));
  return pair[1];
}

static int new_inlet(uint32_t id) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
    return -1;
  mux_add(inlet_new(id, pair[1], false));
  return pair[0];
}

static size_t fill(int fd, size_t length) {
  static uint8_t bytes[65536];
  ssize_t count = write(fd, bytes, length < sizeof bytes ? length : sizeof bytes);
  return count < 0 ? 0 : count;
}

static void output_then_eof(void) {
  int process = new_outlet(3);
  CHECK(write(process, "hello", 5) == 5);
  struct received got = host_receive(3);
  CHECK(got.data == 5 && memcmp(got.first, "hello", 5) == 0 && got.eof == 0);
  close(process);
  got = host_receive(3);
  CHECK(got.data == 0 && got.eof == 1);
  CHECK(!mux_find(3));
}

// Returns the slave, whose last holder the caller is.
static int new_terminal_outlet(uint32_t id) {
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  char path[64];
  if (master < 0 || unlockpt(master) < 0 || ptsname_r(master, path, sizeof path) != 0)
    return -1;
  int slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
  mux_add(outlet_new(id, master));
  return slave;
}

static void terminal_output_then_eof(void) {
  int process = new_terminal_outlet(3);
  CHECK(write(process, "hello", 5) == 5);
  struct received got = host_receive(3);
  CHECK(got.data == 5 && memcmp(got.first, "hello", 5) == 0 && got.eof == 0);
  CHECK(write(process, "last", 4) == 4);
  close(process);
  got = host_receive(3);
  CHECK(got.data == 4 && got.eof == 1);
  CHECK(!mux_find(3));
}

static void output_stops_at_the_credit(void) {
  int process = new_outlet(3);
  size_t sent = 0, got = 0;
  for (int i = 0; i < 20; i++) {
    sent += fill(process, 65536);
    got += host_receive(3).data;
  }
  CHECK(got == FRAME_WINDOW && sent > got);
  host_credit(3, 1000);
  CHECK(host_receive(3).data == 1000);
  // The end must wait for what is in the pipe.
  close(process);
  CHECK(host_receive(3).eof == 0);
  host_credit(3, FRAME_CREDIT_MAX);
  struct received rest = host_receive(3);
  CHECK(got + 1000 + rest.data == sent && rest.eof == 1);
}

static void eof_needs_no_credit(void) {
  int process = new_outlet(3);
  size_t got = 0;
  while (got < FRAME_WINDOW) {
    fill(process, FRAME_WINDOW - got);
    got += host_receive(3).data;
  }
  close(process);
  CHECK(host_receive(3).eof == 1);
}

static void stalled_output_delays_no_other(void) {
  int stalled = new_outlet(3), other = new_outlet(4);
  size_t got = 0;
  while (got < FRAME_WINDOW) {
    fill(stalled, 65536);
    got += host_receive(3).data;
  }
  fill(stalled, 65536);
  CHECK(write(other, "x", 1) == 1);
  CHECK(host_receive(4).data == 1);
  close(stalled);
  close(other);
}

static void gone_closes_the_pipe(void) {
  int process = new_outlet(3);
  host_send(3, FRAME_GONE, NULL, 0);
  settle();
  CHECK(write(process, "x", 1) < 0 && errno == EPIPE);
  CHECK(host_receive(3).eof == 0);
  close(process);
}

static void input_then_eof(void) {
  int process = new_inlet(5);
  host_send(5, FRAME_DATA, "hello", 5);
  settle();
  char bytes[16];
  CHECK(read(process, bytes, sizeof bytes) == 5 && memcmp(bytes, "hello", 5) == 0);
  CHECK(read(process, bytes, sizeof bytes) < 0 && errno == EAGAIN);
  host_send(5, FRAME_EOF, NULL, 0);
  settle();
  CHECK(read(process, bytes, sizeof bytes) == 0);
  CHECK(!mux_find(5));
  close(process);
}

// A whole window waits for a process that does not read; then all of it arrives, and is granted anew.
static void input_is_kept_within_the_window(void) {
  int process = new_inlet(5);
  static uint8_t bytes[FRAME_PAYLOAD_MAX];
  for (size_t left = FRAME_WINDOW; left;) {
    size_t length = left < sizeof bytes ? left : sizeof bytes;
    host_send(5, FRAME_DATA, bytes, length);
    CHECK(settle() == 0);
    left -= length;
  }
  size_t credit = host_receive(5).credit, got = 0;
  for (int idle = 0; idle < 3;) {
    ssize_t count = read(process, bytes, sizeof bytes);
    idle = count > 0 ? 0 : idle + 1;
    got += count > 0 ? count : 0;
    credit += host_receive(5).credit;
  }
  CHECK(got == FRAME_WINDOW);
  // Credit comes in portions of a quarter: the last may not be complete.
  CHECK(credit > FRAME_WINDOW / 4 * 3 && credit <= FRAME_WINDOW);
  close(process);
}

static void more_than_granted_is_a_violation(void) {
  int process = new_inlet(5);
  static uint8_t bytes[FRAME_PAYLOAD_MAX];
  int result = 0;
  for (int i = 0; i < 9 && result == 0; i++) {
    host_send(5, FRAME_DATA, bytes, sizeof bytes);
    result = settle();
  }
  CHECK(result == -EPROTO);
  close(process);
}

static void closed_stdin_is_told(void) {
  close(new_inlet(5));
  CHECK(host_receive(5).gone == 1);
  CHECK(!mux_find(5));
  // It crosses: no violation.
  host_send(5, FRAME_DATA, "x", 1);
  CHECK(settle() == 0);
}

static void wrong_direction_is_a_violation(void) {
  int process = new_outlet(3);
  host_send(3, FRAME_DATA, "x", 1);
  CHECK(settle() == -EPROTO);
  close(process);
}

static void unsound_frame_is_a_violation(void) {
  const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 3, 9, 0, 0, 0};
  CHECK(write(host, bytes, sizeof bytes) == sizeof bytes);
  CHECK(settle() == -EPROTO);
}

static void end_of_output_that_others_hold(void) {
  int process = new_outlet(3);
  CHECK(write(process, "last", 4) == 4);
  mux_end(3);
  mux_again();
  struct received got = host_receive(3);
  CHECK(got.data == 4 && got.eof == 1);
  CHECK(write(process, "x", 1) < 0 && errno == EPIPE);
  close(process);
}

#define WITH_MUX(test)                                                                                       \
  static void test##_with_mux(void) {                                                                        \
    set_up();                                                                                                \
    test();                                                                                                  \
    tear_down();                                                                                             \
  }
WITH_MUX(output_then_eof)
WITH_MUX(terminal_output_then_eof)
WITH_MUX(output_stops_at_the_credit)
WITH_MUX(eof_needs_no_credit)
WITH_MUX(stalled_output_delays_no_other)
WITH_MUX(gone_closes_the_pipe)
WITH_MUX(input_then_eof)
WITH_MUX(input_is_kept_within_the_window)
WITH_MUX(more_than_granted_is_a_violation)
WITH_MUX(closed_stdin_is_told)
WITH_MUX(wrong_direction_is_a_violation)
WITH_MUX(unsound_frame_is_a_violation)
WITH_MUX(end_of_output_that_others_hold)

const struct test stream_tests[] = {
    {"stream: output, then EOF", output_then_eof_with_mux},
    {"stream: a terminal's output, then EOF", terminal_output_then_eof_with_mux},
    {"stream: output stops at the credit", output_stops_at_the_credit_with_mux},
    {"stream: EOF needs no credit", eof_needs_no_credit_with_mux},
    {"stream: stalled output delays no other", stalled_output_delays_no_other_with_mux},
    {"stream: GONE closes the pipe", gone_closes_the_pipe_with_mux},
    {"stream: input, then EOF", input_then_eof_with_mux},
    {"stream: input is kept within the window", input_is_kept_within_the_window_with_mux},
    {"stream: more than granted is a violation", more_than_granted_is_a_violation_with_mux},
    {"stream: a closed stdin is told", closed_stdin_is_told_with_mux},
    {"stream: the wrong direction is a violation", wrong_direction_is_a_violation_with_mux},
    {"stream: an unsound frame is a violation", unsound_frame_is_a_violation_with_mux},
    {"stream: the end of output that others hold", end_of_output_that_others_hold_with_mux},
    {0},
};
