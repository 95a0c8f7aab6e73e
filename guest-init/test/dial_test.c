// Dial, with a server on loopback in this process.
#include "fd.h"
#include "frame.h"
#include "host.h"
#include "ttrpc.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define INPUT 7
#define OUTPUT 8

typedef Microvm__Guest__V1__DialRequest Request;

// Listens on loopback; the port is the request's.
static int serve(Request *request, bool ipv6) {
  static uint8_t address[16];
  struct sockaddr_storage place = {.ss_family = ipv6 ? AF_INET6 : AF_INET};
  struct sockaddr_in *ipv4_place = (struct sockaddr_in *)&place;
  struct sockaddr_in6 *ipv6_place = (struct sockaddr_in6 *)&place;
  socklen_t size = ipv6 ? sizeof *ipv6_place : sizeof *ipv4_place;
  if (ipv6)
    ipv6_place->sin6_addr = in6addr_loopback;
  else
    ipv4_place->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memcpy(address, ipv6 ? (void *)&ipv6_place->sin6_addr : (void *)&ipv4_place->sin_addr, ipv6 ? 16 : 4);
  int fd = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&place, size) < 0 || listen(fd, 1) < 0 ||
      getsockname(fd, (struct sockaddr *)&place, &size) < 0)
    test_failed = true;
  microvm__guest__v1__dial_request__init(request);
  request->address = (ProtobufCBinaryData){.len = ipv6 ? 16 : 4, .data = address};
  request->port = ntohs(ipv6 ? ipv6_place->sin6_port : ipv4_place->sin_port);
  request->input = INPUT;
  request->output = OUTPUT;
  return fd;
}

static void send_frame(enum frame_type type, const char *payload) {
  uint8_t frame[FRAME_MAX];
  memcpy(frame + FRAME_HEADER, payload, strlen(payload));
  size_t length = frame_encode(frame, INPUT, type, strlen(payload));
  if (write(host.io, frame, length) != (ssize_t)length)
    test_failed = true;
}

// The next frame from the guest; its stream is 0 if none comes. Takes small ones only.
static struct frame next_frame(void) {
  static uint8_t bytes[FRAME_HEADER + 64];
  struct frame frame = {0};
  size_t length = 0;
  for (int i = 0; i < PATIENCE; i++) {
    ssize_t count = read(host.io, bytes + length, length < FRAME_HEADER ? FRAME_HEADER - length : bytes[3]);
    length += count > 0 ? count : 0;
    if (frame_decode(bytes, length, &frame) > 0)
      return frame;
    if (host_turn() < 0)
      break;
  }
  return (struct frame){0};
}

static bool gets(int fd, const char *expected) {
  char text[64];
  for (int i = 0; i < PATIENCE; i++) {
    ssize_t count = recv(fd, text, sizeof text, MSG_DONTWAIT);
    if (count >= 0)
      return (size_t)count == strlen(expected) && memcmp(text, expected, count) == 0;
    if (host_turn() < 0)
      break;
  }
  return false;
}

static void both_ways(bool ipv6) {
  Request request;
  cleanup_fd int listener = serve(&request, ipv6);
  CHECK(host_call("Dial", &request.base) == TTRPC_OK);
  cleanup_fd int server = accept(listener, NULL, NULL);
  send_frame(FRAME_DATA, "question");
  CHECK(gets(server, "question"));
  send_frame(FRAME_EOF, "");
  CHECK(gets(server, ""));
  // The other direction goes on.
  CHECK(write(server, "answer", 6) == 6);
  struct frame frame = next_frame();
  CHECK(frame.stream == OUTPUT && frame.type == FRAME_DATA && frame.length == 6 &&
        memcmp(frame.payload, "answer", 6) == 0);
  shutdown(server, SHUT_WR);
  frame = next_frame();
  CHECK(frame.stream == OUTPUT && frame.type == FRAME_EOF);
}

static void ipv4(void) {
  both_ways(false);
}

static void ipv6(void) {
  both_ways(true);
}

static void refused(void) {
  Request request;
  close(serve(&request, false));
  CHECK(host_call("Dial", &request.base) == TTRPC_UNAVAILABLE);
  CHECK(strcmp(host.message, "cannot connect: Connection refused") == 0);
  // The numbers are as unused as before.
  cleanup_fd int listener = serve(&request, false);
  CHECK(host_call("Dial", &request.base) == TTRPC_OK);
}

static void reset(void) {
  Request request;
  cleanup_fd int listener = serve(&request, false);
  CHECK(host_call("Dial", &request.base) == TTRPC_OK);
  const struct linger at_once = {.l_onoff = 1};
  int server = accept(listener, NULL, NULL);
  setsockopt(server, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close(server);
  bool gone = false, eof = false;
  for (int i = 0; i < 2; i++) {
    struct frame frame = next_frame();
    gone |= frame.stream == INPUT && frame.type == FRAME_GONE;
    eof |= frame.stream == OUTPUT && frame.type == FRAME_EOF;
  }
  CHECK(gone && eof);
}

static void bad_requests(void) {
  Request request;
  cleanup_fd int listener = serve(&request, false);
  const Request sound = request;
  request.port = 0;
  CHECK(host_call("Dial", &request.base) == TTRPC_INVALID_ARGUMENT);
  request.port = 65536;
  CHECK(host_call("Dial", &request.base) == TTRPC_INVALID_ARGUMENT);
  request = sound;
  request.address.len = 3;
  CHECK(host_call("Dial", &request.base) == TTRPC_INVALID_ARGUMENT);
  request = sound;
  request.input = OUTPUT;
  CHECK(host_call("Dial", &request.base) == TTRPC_INVALID_ARGUMENT);
  request.input = 0;
  CHECK(host_call("Dial", &request.base) == TTRPC_INVALID_ARGUMENT);
  CHECK(host_call("Dial", &sound.base) == TTRPC_OK);
  CHECK(host_call("Dial", &sound.base) == TTRPC_INVALID_ARGUMENT);
}

WITH_HOST(ipv4)
WITH_HOST(ipv6)
WITH_HOST(refused)
WITH_HOST(reset)
WITH_HOST(bad_requests)

const struct test dial_tests[] = {
    {"dial: IPv4, each direction ends for itself", ipv4_with_host},
    {"dial: IPv6, each direction ends for itself", ipv6_with_host},
    {"dial: refused", refused_with_host},
    {"dial: reset by the server", reset_with_host},
    {"dial: requests that are refused", bad_requests_with_host},
    {0},
};
