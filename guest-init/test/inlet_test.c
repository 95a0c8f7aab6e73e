// Input of a process, and what no host may send.
#include "fd.h"
#include "mux_host.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int new_inlet(uint32_t id) {
  int pair[2];
  if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
    return -1;
  mux_add(inlet_new(id, pair[1], false));
  return pair[0];
}

static void input_then_eof(void) {
  int process = new_inlet(5);
  peer_send(5, FRAME_DATA, "hello", 5);
  settle();
  char bytes[16];
  CHECK(read(process, bytes, sizeof bytes) == 5 && memcmp(bytes, "hello", 5) == 0);
  CHECK(read(process, bytes, sizeof bytes) < 0 && errno == EAGAIN);
  peer_send(5, FRAME_EOF, NULL, 0);
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
    peer_send(5, FRAME_DATA, bytes, length);
    CHECK(settle() == 0);
    left -= length;
  }
  size_t credit = peer_receive(5).credit, got = 0;
  for (int idle = 0; idle < 3;) {
    ssize_t count = read(process, bytes, sizeof bytes);
    idle = count > 0 ? 0 : idle + 1;
    got += count > 0 ? count : 0;
    credit += peer_receive(5).credit;
  }
  CHECK(got == FRAME_WINDOW);
  // Credit comes in portions of a quarter: the last may not be complete.
  CHECK(credit > FRAME_WINDOW / 4 * 3 && credit <= FRAME_WINDOW);
  close(process);
}

// After more than a window there is credit for three more, once.
static void much_input_gets_more_credit(void) {
  int process = new_inlet(5);
  static uint8_t bytes[FRAME_PAYLOAD_MAX];
  size_t sent = 0, credit = 0;
  while (sent < 4 * FRAME_WINDOW) {
    peer_send(5, FRAME_DATA, bytes, sizeof bytes);
    sent += sizeof bytes;
    settle();
    while (read(process, bytes, sizeof bytes) > 0)
      settle();
    credit += peer_receive(5).credit;
  }
  CHECK(credit > sent + 2 * FRAME_WINDOW && credit <= sent + 3 * FRAME_WINDOW);
  close(process);
}

static void more_than_granted_is_a_violation(void) {
  int process = new_inlet(5);
  static uint8_t bytes[FRAME_PAYLOAD_MAX];
  int result = 0;
  for (int i = 0; i < 9 && result == 0; i++) {
    peer_send(5, FRAME_DATA, bytes, sizeof bytes);
    result = settle();
  }
  CHECK(result == -EPROTO);
  close(process);
}

static void closed_stdin_is_told(void) {
  close(new_inlet(5));
  CHECK(peer_receive(5).gone == 1);
  CHECK(!mux_find(5));
  // It crosses: no violation.
  peer_send(5, FRAME_DATA, "x", 1);
  CHECK(settle() == 0);
}

static void wrong_direction_is_a_violation(void) {
  int process = new_outlet(3);
  peer_send(3, FRAME_DATA, "x", 1);
  CHECK(settle() == -EPROTO);
  close(process);
}

static void unsound_frame_is_a_violation(void) {
  const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 3, 9, 0, 0, 0};
  CHECK(write(peer_port(), bytes, sizeof bytes) == sizeof bytes);
  CHECK(settle() == -EPROTO);
}

WITH_MUX(input_then_eof)
WITH_MUX(input_is_kept_within_the_window)
WITH_MUX(much_input_gets_more_credit)
WITH_MUX(more_than_granted_is_a_violation)
WITH_MUX(closed_stdin_is_told)
WITH_MUX(wrong_direction_is_a_violation)
WITH_MUX(unsound_frame_is_a_violation)

const struct test inlet_tests[] = {
    {"stream: input, then EOF", input_then_eof_with_mux},
    {"stream: input is kept within the window", input_is_kept_within_the_window_with_mux},
    {"stream: much input gets more credit", much_input_gets_more_credit_with_mux},
    {"stream: more than granted is a violation", more_than_granted_is_a_violation_with_mux},
    {"stream: a closed stdin is told", closed_stdin_is_told_with_mux},
    {"stream: the wrong direction is a violation", wrong_direction_is_a_violation_with_mux},
    {"stream: an unsound frame is a violation", unsound_frame_is_a_violation_with_mux},
    {0},
};
