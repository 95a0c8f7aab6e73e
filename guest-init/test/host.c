#include "host.h"

#include "events.h"
#include "fake_oci.h"
#include "frame.h"
#include "loop.h"
#include "mux.h"
#include "reap.h"
#include "rpc.h"
#include "service.h"
#include "ttrpc.pb-c.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct host host;

void host_set_up(void) {
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

void host_tear_down(void) {
  rpc_close();
  mux_close();
  reap_close();
  events_close();
  loop_close();
  close(host.control);
  close(host.io);
  fake_oci_tear_down();
}

int host_turn(void) {
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

static bool await(uint32_t call, uint8_t type, uint8_t *data, size_t *data_length) {
  for (int i = 0; !take(call, type, data, data_length); i++)
    if (i == PATIENCE || host_turn() < 0)
      return false;
  return true;
}

uint32_t host_send(const char *method, const ProtobufCMessage *message) {
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

int host_answer(uint32_t call) {
  static uint8_t data[sizeof host.in];
  size_t length;
  if (!await(call, TTRPC_RESPONSE, data, &length))
    return -1;
  Ttrpc__Response *response = ttrpc__response__unpack(NULL, length, data);
  if (!response || response->payload.len > sizeof host.payload)
    return -2;
  host.code = response->status ? response->status->code : 0;
  snprintf(host.message, sizeof host.message, "%s", response->status ? response->status->message : "");
  memcpy(host.payload, response->payload.data ? response->payload.data : data, response->payload.len);
  host.payload_length = response->payload.len;
  ttrpc__response__free_unpacked(response, NULL);
  return host.code;
}

int host_call(const char *method, const ProtobufCMessage *message) {
  return host_answer(host_send(method, message));
}

uint32_t host_send_create(const char *id, const char *command, uint32_t in, uint32_t out, uint32_t err) {
  Microvm__Guest__V1__Stdio stdio = MICROVM__GUEST__V1__STDIO__INIT;
  stdio.stdin = in;
  stdio.stdout = out;
  stdio.stderr = err;
  Microvm__Guest__V1__CreateRequest request = MICROVM__GUEST__V1__CREATE_REQUEST__INIT;
  request.container_id = (char *)id;
  request.spec.data = (uint8_t *)command;
  request.spec.len = strlen(command);
  request.stdio = &stdio;
  return host_send("Create", &request.base);
}

bool host_run(const char *id, const char *command) {
  return host_answer(host_send_create(id, command, 0, 0, 0)) == 0 && host_start(id) == 0;
}

int host_start(const char *id) {
  Microvm__Guest__V1__StartRequest request = MICROVM__GUEST__V1__START_REQUEST__INIT;
  request.container_id = (char *)id;
  return host_call("Start", &request.base);
}

int host_signal(const char *id, const char *exec_id, uint32_t number) {
  Microvm__Guest__V1__SignalRequest request = MICROVM__GUEST__V1__SIGNAL_REQUEST__INIT;
  request.container_id = (char *)id;
  request.exec_id = (char *)exec_id;
  request.signal = number;
  return host_call("Signal", &request.base);
}

int host_delete(const char *id) {
  Microvm__Guest__V1__DeleteRequest request = MICROVM__GUEST__V1__DELETE_REQUEST__INIT;
  request.container_id = (char *)id;
  return host_call("Delete", &request.base);
}

void host_subscribe(void) {
  host.events_call = host_send("Events", NULL);
}

Microvm__Guest__V1__Event *host_event(void) {
  uint8_t data[8192];
  size_t length;
  if (!await(host.events_call, TTRPC_DATA, data, &length))
    return NULL;
  return microvm__guest__v1__event__unpack(NULL, length, data);
}

int host_exit(const char *id, const char *exec_id) {
  Microvm__Guest__V1__Event *event = host_event();
  int status = -1;
  if (event && event->event_case == MICROVM__GUEST__V1__EVENT__EVENT_EXIT &&
      strcmp(event->exit->container_id, id) == 0 && strcmp(event->exit->exec_id, exec_id) == 0)
    status = event->exit->exit_status;
  microvm__guest__v1__event__free_unpacked(event, NULL);
  return status;
}
