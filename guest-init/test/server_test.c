// What the control port answers before any container is in play, and what ends it.
#include "host.h"

#include "loop.h"
#include "ttrpc.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void hello(void) {
  Microvm__Guest__V1__HelloRequest request = MICROVM__GUEST__V1__HELLO_REQUEST__INIT;
  request.version = 1;
  CHECK(host_call("Hello", &request.base) == 0);
  Microvm__Guest__V1__HelloResponse *response =
      microvm__guest__v1__hello_response__unpack(NULL, host.payload_length, host.payload);
  CHECK(response && response->version == 1 && response->kernel[0] && response->uptime_ns);
  microvm__guest__v1__hello_response__free_unpacked(response, NULL);
  request.version = 2;
  CHECK(host_call("Hello", &request.base) == TTRPC_INVALID_ARGUMENT);
}

static void unknown_method(void) {
  CHECK(host_call("Nonesuch", NULL) == TTRPC_UNIMPLEMENTED);
}

static int run_to_the_end(void) {
  int result = 0;
  for (int i = 0; i < 100 && result == 0; i++)
    result = host_turn();
  return result;
}

static void violations_end_it(void) {
  const uint8_t bytes[] = {0xff, 0, 0, 0, 0, 0, 0, 1, 1, 0};
  CHECK(write(host.control, bytes, sizeof bytes) == sizeof bytes);
  CHECK(run_to_the_end() == -EPROTO);
}

static void no_request_is_a_violation(void) {
  const uint8_t bytes[] = {0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0xff};
  CHECK(write(host.control, bytes, sizeof bytes) == sizeof bytes);
  CHECK(run_to_the_end() == -EPROTO);
}

static void closed_control_ends_it(void) {
  CHECK(host_call("Nonesuch", NULL) == TTRPC_UNIMPLEMENTED);
  shutdown(host.control, SHUT_RDWR);
  CHECK(run_to_the_end() == -EPIPE);
}

static void requests_in_pieces(void) {
  uint8_t bytes[4096];
  int piecewise[2];
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, piecewise) == 0);
  // What send_request writes is taken here and passed on byte by byte.
  int server = host.control;
  host.control = piecewise[0];
  uint32_t number = host_send("Nonesuch", NULL);
  ssize_t length = read(piecewise[1], bytes, sizeof bytes);
  host.control = server;
  close(piecewise[0]);
  close(piecewise[1]);
  for (ssize_t i = 0; i < length; i++) {
    CHECK(write(server, bytes + i, 1) == 1);
    CHECK(loop_turn(1) == 0);
  }
  CHECK(host_answer(number) == TTRPC_UNIMPLEMENTED);
}

WITH_HOST(hello)
WITH_HOST(unknown_method)
WITH_HOST(violations_end_it)
WITH_HOST(no_request_is_a_violation)
WITH_HOST(closed_control_ends_it)
WITH_HOST(requests_in_pieces)

const struct test server_tests[] = {
    {"server: Hello", hello_with_host},
    {"server: an unknown method", unknown_method_with_host},
    {"server: a violation ends it", violations_end_it_with_host},
    {"server: what is no request ends it", no_request_is_a_violation_with_host},
    {"server: a closed control port ends it", closed_control_ends_it_with_host},
    {"server: a request in pieces", requests_in_pieces_with_host},
    {0},
};
