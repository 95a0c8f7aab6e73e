// Output of a process.
#include "fd.h"
#include "mux_host.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

static void output_then_eof(void) {
  int process = new_outlet(3);
  CHECK(write(process, "hello", 5) == 5);
  struct received got = peer_receive(3);
  CHECK(got.data == 5 && memcmp(got.first, "hello", 5) == 0 && got.eof == 0);
  close(process);
  got = peer_receive(3);
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
  struct received got = peer_receive(3);
  CHECK(got.data == 5 && memcmp(got.first, "hello", 5) == 0 && got.eof == 0);
  CHECK(write(process, "last", 4) == 4);
  close(process);
  got = peer_receive(3);
  CHECK(got.data == 4 && got.eof == 1);
  CHECK(!mux_find(3));
}

static void output_stops_at_the_credit(void) {
  int process = new_outlet(3);
  size_t sent = 0, got = 0;
  for (int i = 0; i < 20; i++) {
    sent += fill(process, 65536);
    got += peer_receive(3).data;
  }
  CHECK(got == FRAME_WINDOW && sent > got);
  peer_credit(3, 1000);
  CHECK(peer_receive(3).data == 1000);
  // The end must wait for what is in the pipe.
  close(process);
  CHECK(peer_receive(3).eof == 0);
  peer_credit(3, FRAME_CREDIT_MAX);
  struct received rest = peer_receive(3);
  CHECK(got + 1000 + rest.data == sent && rest.eof == 1);
}

static void eof_needs_no_credit(void) {
  int process = new_outlet(3);
  size_t got = 0;
  while (got < FRAME_WINDOW) {
    fill(process, FRAME_WINDOW - got);
    got += peer_receive(3).data;
  }
  close(process);
  CHECK(peer_receive(3).eof == 1);
}

static void stalled_output_delays_no_other(void) {
  int stalled = new_outlet(3), other = new_outlet(4);
  size_t got = 0;
  while (got < FRAME_WINDOW) {
    fill(stalled, 65536);
    got += peer_receive(3).data;
  }
  fill(stalled, 65536);
  CHECK(write(other, "x", 1) == 1);
  CHECK(peer_receive(4).data == 1);
  close(stalled);
  close(other);
}

static void gone_closes_the_pipe(void) {
  int process = new_outlet(3);
  peer_send(3, FRAME_GONE, NULL, 0);
  settle();
  CHECK(write(process, "x", 1) < 0 && errno == EPIPE);
  CHECK(peer_receive(3).eof == 0);
  close(process);
}

static void end_of_output_that_others_hold(void) {
  int process = new_outlet(3);
  CHECK(write(process, "last", 4) == 4);
  mux_end(3);
  mux_again();
  struct received got = peer_receive(3);
  CHECK(got.data == 4 && got.eof == 1);
  CHECK(write(process, "x", 1) < 0 && errno == EPIPE);
  close(process);
}

static void much_output_is_whole(void) {
  static const size_t sizes[] = {65536, 65536, 5,    65536, 30000, 4096,  1,
                                 65536, 65536, 4097, 32768, 16384, 16383, 65536};
  static uint8_t bytes[65536];
  int process = new_outlet(3);
  CHECK(fcntl(process, F_SETPIPE_SZ, 262144) >= 0);
  peer_credit(3, FRAME_CREDIT_MAX);
  uint32_t sent = 0;
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    for (size_t k = 0; k < sizes[i]; k++)
      bytes[k] = (k * 7 + k / 251 + i) & 0xff;
    CHECK(write(process, bytes, sizes[i]) == (ssize_t)sizes[i]);
    sent = hash_of(0, bytes, sizes[i]);
    struct received got = peer_receive(3);
    CHECK(got.data == sizes[i] && got.hash == sent);
  }
  close(process);
  CHECK(peer_receive(3).eof == 1);
}

// The port takes a part at a time, and another stream has its turn meanwhile.
static void much_output_waits_for_the_port(void) {
  static uint8_t bytes[65536];
  int process = new_outlet(3), other = new_outlet(4);
  peer_credit(3, FRAME_CREDIT_MAX);
  int size = 4096;
  CHECK(setsockopt(mux_port(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0);
  for (int i = 0; i < 4; i++) {
    CHECK(fill(process, 65536) == sizeof bytes);
    CHECK(write(other, "x", 1) == 1);
    struct received got = peer_receive(3);
    CHECK(got.data == sizeof bytes && got.hash == hash_of(0, bytes, sizeof bytes));
  }
  close(process);
  close(other);
  CHECK(peer_receive(3).eof == 1);
}

WITH_MUX(output_then_eof)
WITH_MUX(terminal_output_then_eof)
WITH_MUX(much_output_is_whole)
WITH_MUX(much_output_waits_for_the_port)
WITH_MUX(output_stops_at_the_credit)
WITH_MUX(eof_needs_no_credit)
WITH_MUX(stalled_output_delays_no_other)
WITH_MUX(gone_closes_the_pipe)
WITH_MUX(end_of_output_that_others_hold)

const struct test outlet_tests[] = {
    {"stream: output, then EOF", output_then_eof_with_mux},
    {"stream: a terminal's output, then EOF", terminal_output_then_eof_with_mux},
    {"stream: much output is whole", much_output_is_whole_with_mux},
    {"stream: much output waits for the port", much_output_waits_for_the_port_with_mux},
    {"stream: output stops at the credit", output_stops_at_the_credit_with_mux},
    {"stream: EOF needs no credit", eof_needs_no_credit_with_mux},
    {"stream: stalled output delays no other", stalled_output_delays_no_other_with_mux},
    {"stream: GONE closes the pipe", gone_closes_the_pipe_with_mux},
    {"stream: the end of output that others hold", end_of_output_that_others_hold_with_mux},
    {0},
};
