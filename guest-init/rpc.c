#include "rpc.h"

#include "fd.h"
#include "log.h"
#include "loop.h"
#include "queue.h"
#include "text.h"
#include "ttrpc.pb-c.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A host that does not read its answers is not read from either.
#define PENDING_MAX (1 << 20)
#define READ_SIZE 65536

static struct {
  struct source port;
  struct queue in, out;
  uint32_t last_call;
  // The host's end was seen open.
  bool connected;
  const char *service;
  const struct rpc_method *methods;
} rpc = {.port.fd = -1};

size_t rpc_pending(void) {
  return rpc.out.length;
}

void rpc_restart(void) {
  rpc.last_call = 0;
}

static void send_message(uint32_t call, enum ttrpc_type type, const ProtobufCMessage *message) {
  size_t length = protobuf_c_message_get_packed_size(message);
  uint8_t *room = queue_reserve(&rpc.out, TTRPC_HEADER + length);
  if (!room)
    fatal("no message on the control port");
  ttrpc_encode(room, &(struct ttrpc_header){.length = length, .stream = call, .type = type});
  protobuf_c_message_pack(message, room + TTRPC_HEADER);
  queue_commit(&rpc.out, TTRPC_HEADER + length);
  // A failure, a full port included, is met again in the port's own turn.
  loop_again(&rpc.port);
}

void rpc_send(uint32_t call, const ProtobufCMessage *message) {
  send_message(call, TTRPC_DATA, message);
}

static void respond(uint32_t call, Ttrpc__Status *status, const ProtobufCMessage *message) {
  Ttrpc__Response response = TTRPC__RESPONSE__INIT;
  response.status = status;
  cleanup_free uint8_t *payload = NULL;
  if (message) {
    response.payload.len = protobuf_c_message_get_packed_size(message);
    // One byte more, for malloc(0) may be NULL.
    payload = malloc(response.payload.len + 1);
    if (!payload)
      fatal("no message on the control port");
    response.payload.data = payload;
    protobuf_c_message_pack(message, payload);
  }
  send_message(call, TTRPC_RESPONSE, &response.base);
}

void rpc_answer(uint32_t call, const ProtobufCMessage *response) {
  respond(call, NULL, response);
}

void rpc_fail(uint32_t call, enum ttrpc_code code, const char *format, ...) {
  char text[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  text_clean(text);
  Ttrpc__Status status = TTRPC__STATUS__INIT;
  status.code = code;
  status.message = text;
  respond(call, &status, NULL);
}

static void call_method(uint32_t call, const Ttrpc__Request *request) {
  const struct rpc_method *method = rpc.methods;
  while (method->name && strcmp(method->name, request->method) != 0)
    method++;
  if (!method->name || strcmp(request->service, rpc.service) != 0) {
    rpc_fail(call, TTRPC_UNIMPLEMENTED, "unknown method %s/%s", request->service, request->method);
    return;
  }
  ProtobufCMessage *message =
      protobuf_c_message_unpack(method->request, NULL, request->payload.len, request->payload.data);
  if (!message) {
    rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s: the request cannot be decoded", method->name);
    return;
  }
  method->handle(call, message);
  protobuf_c_message_free_unpacked(message, NULL);
}

static int receive(const struct ttrpc_header *header, const uint8_t *data) {
  rpc.last_call = header->stream;
  Ttrpc__Request *request = ttrpc__request__unpack(NULL, header->length, data);
  if (!request) {
    log_error("protocol violation on the control port: stream %u is no ttrpc request", header->stream);
    return -EPROTO;
  }
  call_method(header->stream, request);
  ttrpc__request__free_unpacked(request, NULL);
  return 0;
}

// The length of the message at the start of the bytes, 0 if there is no whole one yet.
static ssize_t next_message(const uint8_t *bytes, size_t length) {
  struct ttrpc_header header;
  if (length < TTRPC_HEADER)
    return 0;
  ttrpc_decode(bytes, &header);
  if (ttrpc_check_request(&header, rpc.last_call) < 0) {
    log_error("protocol violation on the control port: stream %u, type %u, flags %u, %u bytes", header.stream,
              header.type, header.flags, header.length);
    return -EPROTO;
  }
  if (length < TTRPC_HEADER + (size_t)header.length)
    return 0;
  int result = receive(&header, bytes + TTRPC_HEADER);
  return result < 0 ? result : (ssize_t)(TTRPC_HEADER + header.length);
}

static int consume(void) {
  while (rpc.in.length && rpc.out.length < PENDING_MAX) {
    ssize_t length = next_message(rpc.in.bytes + rpc.in.start, rpc.in.length);
    if (length < 0)
      return length;
    if (length == 0)
      break;
    rpc.in.start += length;
    rpc.in.length -= length;
  }
  if (rpc.in.length == 0)
    queue_free(&rpc.in);
  return 0;
}

// A port looks closed until the host has connected, too.
static int host_closed(void) {
  if (!rpc.connected)
    return 0;
  log_info("the host closed the control port");
  return -EPIPE;
}

// 1 if there may be more to read, 0 if there is not, a negative errno at the end.
static int read_some(void) {
  uint8_t *room = queue_reserve(&rpc.in, READ_SIZE);
  if (!room)
    return -ENOMEM;
  ssize_t count = read(rpc.port.fd, room, READ_SIZE);
  if (count < 0 && errno == EINTR)
    return 1;
  if (count < 0)
    return errno == EAGAIN ? 0 : -errno;
  if (count == 0)
    return host_closed();
  rpc.connected = true;
  queue_commit(&rpc.in, count);
  return 1;
}

static int flush(void) {
  int result = queue_write(&rpc.out, rpc.port.fd);
  return result == -EAGAIN ? 0 : result;
}

static int on_ready(struct source *port) {
  // Told even when nothing is read because nothing can be written.
  if ((port->events & EPOLLHUP) && rpc.connected)
    return host_closed();
  int more = 1;
  while (more > 0) {
    int result = flush();
    if (result == 0)
      result = consume();
    if (result < 0)
      return result;
    // The EPOLLOUT that makes room goes on from here.
    if (rpc.out.length >= PENDING_MAX)
      return 0;
    more = read_some();
  }
  return more < 0 ? more : flush();
}

int rpc_open(int fd, const char *service, const struct rpc_method *methods) {
  rpc.port = (struct source){.fd = fd, .on_ready = on_ready};
  rpc.service = service;
  rpc.methods = methods;
  return loop_add(&rpc.port, EPOLLIN | EPOLLOUT);
}

void rpc_close(void) {
  loop_remove(&rpc.port);
  close_and_reset(&rpc.port.fd);
  queue_free(&rpc.in);
  queue_free(&rpc.out);
  rpc.last_call = 0;
  rpc.connected = false;
}
