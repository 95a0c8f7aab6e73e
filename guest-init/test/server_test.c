// The whole server but for boot and libcrun, with this test for the shim.
#include "events.h"
#include "fake_oci.h"
#include "fd.h"
#include "frame.h"
#include "guest.pb-c.h"
#include "loop.h"
#include "mux.h"
#include "reap.h"
#include "rpc.h"
#include "service.h"
#include "test.h"
#include "ttrpc.pb-c.h"
#include "wire.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#define PATIENCE 5000

static struct {
  int control, io;
  uint8_t in[1 << 16];
  size_t length;
  uint32_t last_call, events_call;
  // Of the last answer taken.
  uint32_t code;
  char message[256];
  uint8_t payload[4096];
  size_t payload_length;
} host;

static void set_up(void) {
  int control[2], io[2];
  memset(&host, 0, sizeof host);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, control) < 0 ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, io) < 0 || loop_open() < 0 ||
      reap_open() < 0 || mux_open(io[0]) < 0 || rpc_open(control[0], service_name, service_methods) < 0)
    test_failed = true;
  host.control = control[1];
  host.io = io[1];
  fake_oci_set_up();
}

static void tear_down(void) {
  rpc_close();
  mux_close();
  reap_close();
  events_close();
  loop_close();
  close(host.control);
  close(host.io);
  fake_oci_tear_down();
}

static int read_more(void) {
  int result = loop_turn(1);
  ssize_t count = read(host.control, host.in + host.length, sizeof host.in - host.length);
  if (count > 0)
    host.length += count;
  return result;
}

// Takes the first whole message of that kind out of what has come.
static bool take(uint32_t call, uint8_t type, uint8_t *data, size_t *data_length) {
  size_t start = 0;
  while (host.length - start >= TTRPC_HEADER) {
    struct ttrpc_header header;
    ttrpc_decode(host.in + start, &header);
    size_t total = TTRPC_HEADER + header.length;
    if (host.length - start < total)
      return false;
    if (header.stream == call && header.type == type) {
      memcpy(data, host.in + start + TTRPC_HEADER, *data_length = header.length);
      host.length -= total;
      memmove(host.in + start, host.in + start + total, host.length - start);
      return true;
    }
    start += total;
  }
  return false;
}

static uint32_t send_request(const char *method, const ProtobufCMessage *message) {
  uint8_t payload[4096], bytes[8192];
  Ttrpc__Request request = TTRPC__REQUEST__INIT;
  request.service = (char *)service_name;
  request.method = (char *)method;
  request.payload.data = payload;
  request.payload.len = message ? protobuf_c_message_pack(message, payload) : 0;
  size_t length = ttrpc__request__pack(&request, bytes + TTRPC_HEADER);
  host.last_call += host.last_call ? 2 : 1;
  ttrpc_encode(bytes, &(struct ttrpc_header){length, host.last_call, TTRPC_REQUEST, TTRPC_REMOTE_CLOSED});
  if (write(host.control, bytes, TTRPC_HEADER + length) < 0)
    test_failed = true;
  return host.last_call;
}

// The status code of the answer, or a negative number if none comes.
static int answer(uint32_t call) {
  uint8_t data[8192];
  size_t length;
  for (int i = 0; !take(call, TTRPC_RESPONSE, data, &length); i++)
    if (i == PATIENCE || read_more() < 0)
      return -1;
  Ttrpc__Response *response = ttrpc__response__unpack(NULL, length, data);
  if (!response)
    return -2;
  host.code = response->status ? response->status->code : 0;
  snprintf(host.message, sizeof host.message, "%s", response->status ? response->status->message : "");
  memcpy(host.payload, response->payload.data ? response->payload.data : data, response->payload.len);
  host.payload_length = response->payload.len;
  ttrpc__response__free_unpacked(response, NULL);
  return host.code;
}

static int call(const char *method, const ProtobufCMessage *message) {
  return answer(send_request(method, message));
}

static uint32_t send_create(const char *id, const char *command, uint32_t in, uint32_t out, uint32_t err) {
  Microvm__Guest__V1__Stdio stdio = MICROVM__GUEST__V1__STDIO__INIT;
  stdio.stdin = in;
  stdio.stdout = out;
  stdio.stderr = err;
  Microvm__Guest__V1__CreateRequest request = MICROVM__GUEST__V1__CREATE_REQUEST__INIT;
  request.container_id = (char *)id;
  request.spec.data = (uint8_t *)command;
  request.spec.len = strlen(command);
  request.stdio = &stdio;
  return send_request("Create", &request.base);
}

static int start_container(const char *id) {
  Microvm__Guest__V1__StartRequest request = MICROVM__GUEST__V1__START_REQUEST__INIT;
  request.container_id = (char *)id;
  return call("Start", &request.base);
}

static int send_signal(const char *id, uint32_t number) {
  Microvm__Guest__V1__SignalRequest request = MICROVM__GUEST__V1__SIGNAL_REQUEST__INIT;
  request.container_id = (char *)id;
  request.signal = number;
  return call("Signal", &request.base);
}

static int delete_container(const char *id) {
  Microvm__Guest__V1__DeleteRequest request = MICROVM__GUEST__V1__DELETE_REQUEST__INIT;
  request.container_id = (char *)id;
  return call("Delete", &request.base);
}

// The exit status in the next event, or a negative number if that is none of the container's.
static int next_exit(const char *id) {
  uint8_t data[8192];
  size_t length;
  for (int i = 0; !take(host.events_call, TTRPC_DATA, data, &length); i++)
    if (i == PATIENCE || read_more() < 0)
      return -1;
  Microvm__Guest__V1__Event *event = microvm__guest__v1__event__unpack(NULL, length, data);
  int status = -2;
  if (event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT &&
      strcmp(event->exit->container_id, id) == 0)
    status = event->exit->exit_status;
  microvm__guest__v1__event__free_unpacked(event, NULL);
  return status;
}

static void subscribe(void) {
  host.events_call = send_request("Events", NULL);
}

static void hello(void) {
  Microvm__Guest__V1__HelloRequest request = MICROVM__GUEST__V1__HELLO_REQUEST__INIT;
  request.version = 1;
  CHECK(call("Hello", &request.base) == 0);
  Microvm__Guest__V1__HelloResponse *response =
      microvm__guest__v1__hello_response__unpack(NULL, host.payload_length, host.payload);
  CHECK(response && response->version == 1 && response->kernel[0] && response->uptime_ns);
  microvm__guest__v1__hello_response__free_unpacked(response, NULL);
  request.version = 2;
  CHECK(call("Hello", &request.base) == TTRPC_INVALID_ARGUMENT);
}

static void unknown_method(void) {
  CHECK(call("Nonesuch", NULL) == TTRPC_UNIMPLEMENTED);
}

static void life_of_a_container(void) {
  subscribe();
  CHECK(answer(send_create("a", "echo out; echo err >&2; exit 42", 0, 1, 2)) == 0);
  CHECK(start_container("a") == 0);
  CHECK(next_exit("a") == 42);
  uint8_t bytes[256];
  ssize_t length = read(host.io, bytes, sizeof bytes);
  struct frame frame;
  CHECK(frame_decode(bytes, length, &frame) == FRAME_HEADER + 4);
  CHECK(frame.stream == 1 && memcmp(frame.payload, "out\n", 4) == 0);
  CHECK(send_signal("a", SIGTERM) == TTRPC_FAILED_PRECONDITION);
  CHECK(start_container("a") == TTRPC_FAILED_PRECONDITION);
  CHECK(delete_container("a") == 0);
  CHECK(delete_container("a") == TTRPC_NOT_FOUND);
}

static void signals(void) {
  subscribe();
  CHECK(answer(send_create("a", "exec sleep 100", 0, 0, 0)) == 0);
  CHECK(start_container("a") == 0);
  CHECK(delete_container("a") == TTRPC_FAILED_PRECONDITION);
  CHECK(send_signal("b", SIGTERM) == TTRPC_NOT_FOUND);
  CHECK(send_signal("a", 0) == TTRPC_INVALID_ARGUMENT);
  CHECK(send_signal("a", SIGTERM) == 0);
  CHECK(next_exit("a") == 128 + SIGTERM);
  CHECK(delete_container("a") == 0);
}

static void never_started(void) {
  subscribe();
  CHECK(answer(send_create("a", "true", 3, 4, 5)) == 0);
  CHECK(answer(send_create("a", "true", 0, 0, 0)) == TTRPC_ALREADY_EXISTS);
  CHECK(answer(send_create("b", "true", 0, 4, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(answer(send_create("b", "true", 0, 6, 6)) == TTRPC_INVALID_ARGUMENT);
  CHECK(answer(send_create("/", "true", 0, 0, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(answer(send_create("b", "", 0, 0, 0)) == TTRPC_INVALID_ARGUMENT);
  CHECK(delete_container("a") == 0);
  CHECK(next_exit("a") == 128 + SIGKILL);
}

static void failed_create(void) {
  CHECK(answer(send_create("a", FAKE_FAILURE "because", 1, 2, 3)) == TTRPC_INTERNAL);
  CHECK(strcmp(host.message, "because") == 0);
  CHECK(answer(send_create("a", FAKE_CRASH, 1, 2, 3)) == TTRPC_INTERNAL);
  CHECK(strcmp(host.message, "the runtime ended with status 3") == 0);
  // Its id and its streams are free again.
  CHECK(answer(send_create("a", "true", 1, 2, 3)) == 0);
  CHECK(delete_container("a") == 0);
}

static void many_at_once(void) {
  char id[16], command[32];
  uint32_t calls[10];
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    snprintf(command, sizeof command, "exit %d", i);
    calls[i] = send_create(id, command, 0, 0, 0);
  }
  for (int i = 9; i >= 0; i--)
    CHECK(answer(calls[i]) == 0);
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    CHECK(start_container(id) == 0);
  }
  // Exits without a subscription are kept.
  for (int i = 0; i < 50; i++)
    loop_turn(2);
  subscribe();
  int sum = 0;
  uint8_t data[256];
  size_t length;
  for (int i = 0; i < 10; i++) {
    for (int j = 0; j < PATIENCE && !take(host.events_call, TTRPC_DATA, data, &length); j++)
      read_more();
    Microvm__Guest__V1__Event *event = microvm__guest__v1__event__unpack(NULL, length, data);
    CHECK(event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT);
    sum += event->exit->exit_status;
    microvm__guest__v1__event__free_unpacked(event, NULL);
  }
  CHECK(sum == 45);
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "c%d", i);
    CHECK(delete_container(id) == 0);
  }
}

static int run_to_the_end(void) {
  int result = 0;
  for (int i = 0; i < 100 && result == 0; i++)
    result = read_more();
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
  CHECK(call("Nonesuch", NULL) == TTRPC_UNIMPLEMENTED);
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
  uint32_t number = send_request("Nonesuch", NULL);
  ssize_t length = read(piecewise[1], bytes, sizeof bytes);
  host.control = server;
  close(piecewise[0]);
  close(piecewise[1]);
  for (ssize_t i = 0; i < length; i++) {
    CHECK(write(server, bytes + i, 1) == 1);
    CHECK(loop_turn(1) == 0);
  }
  CHECK(answer(number) == TTRPC_UNIMPLEMENTED);
}

#define WITH_SERVER(test)                                                                                    \
  static void test##_with_server(void) {                                                                     \
    set_up();                                                                                                \
    test();                                                                                                  \
    tear_down();                                                                                             \
  }
WITH_SERVER(hello)
WITH_SERVER(unknown_method)
WITH_SERVER(life_of_a_container)
WITH_SERVER(signals)
WITH_SERVER(never_started)
WITH_SERVER(failed_create)
WITH_SERVER(many_at_once)
WITH_SERVER(violations_end_it)
WITH_SERVER(no_request_is_a_violation)
WITH_SERVER(closed_control_ends_it)
WITH_SERVER(requests_in_pieces)

const struct test server_tests[] = {
    {"server: Hello", hello_with_server},
    {"server: an unknown method", unknown_method_with_server},
    {"server: the life of a container", life_of_a_container_with_server},
    {"server: signals", signals_with_server},
    {"server: a container that is never started", never_started_with_server},
    {"server: a Create that fails", failed_create_with_server},
    {"server: many at once", many_at_once_with_server},
    {"server: a violation ends it", violations_end_it_with_server},
    {"server: what is no request ends it", no_request_is_a_violation_with_server},
    {"server: a closed control port ends it", closed_control_ends_it_with_server},
    {"server: a request in pieces", requests_in_pieces_with_server},
    {0},
};
