#include "dial.h"

#include "container.h"
#include "fd.h"
#include "guest.pb-c.h"
#include "log.h"
#include "mux.h"
#include "rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

typedef Microvm__Guest__V1__DialRequest Request;

// A connection on its way.
struct dial {
  struct source source;
  uint32_t call, input, output;
};

static const char *why_not(const Request *request) {
  if (request->address.len != 4 && request->address.len != 16)
    return "an address has 4 or 16 bytes";
  if (request->port < 1 || request->port > 65535)
    return "a port is from 1 to 65535";
  const uint32_t ids[2] = {request->input, request->output};
  if (ids[0] == ids[1])
    return "two streams have the same number";
  for (int i = 0; i < 2; i++)
    if (ids[i] == 0 || mux_find(ids[i]) || container_has_stream(ids[i]))
      return "a stream's number is 0 or in use";
  return NULL;
}

static void fail(uint32_t call, int error) {
  // What another end or its kernel says, and not a failure of ours.
  const bool ours = error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
  rpc_fail(call, ours ? TTRPC_INTERNAL : TTRPC_UNAVAILABLE, "cannot connect: %s", strerror(error));
}

// Two descriptors: each direction ends for itself.
static void succeed(struct dial *dial, int fd) {
  int other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (other < 0) {
    fail(dial->call, errno);
    close(fd);
    return;
  }
  mux_add(inlet_new(dial->input, fd, false));
  mux_add(outlet_new(dial->output, other));
  Microvm__Guest__V1__DialResponse response = MICROVM__GUEST__V1__DIAL_RESPONSE__INIT;
  rpc_answer(dial->call, &response.base);
}

static int on_ready(struct source *source) {
  struct dial *dial = container_of(source, struct dial, source);
  const int fd = source->fd;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
    error = errno;
  loop_remove(source);
  if (error) {
    fail(dial->call, error);
    close(fd);
  } else {
    succeed(dial, fd);
  }
  free(dial);
  return mux_pump();
}

static int begin(const Request *request) {
  const bool is_ipv4 = request->address.len == 4;
  cleanup_fd int fd =
      socket(is_ipv4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  struct sockaddr_in to4 = {.sin_family = AF_INET, .sin_port = htons(request->port)};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(request->port)};
  if (is_ipv4)
    memcpy(&to4.sin_addr, request->address.data, sizeof to4.sin_addr);
  else
    memcpy(&to6.sin6_addr, request->address.data, sizeof to6.sin6_addr);
  const struct sockaddr *to = is_ipv4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6;
  if (fd < 0 || (connect(fd, to, is_ipv4 ? sizeof to4 : sizeof to6) < 0 && errno != EINPROGRESS))
    return -errno;
  return take_fd(&fd);
}

void dial_handle(uint32_t call, const ProtobufCMessage *message) {
  const Request *request = (const Request *)message;
  const char *problem = why_not(request);
  if (problem)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s", problem);
  int fd = begin(request);
  if (fd < 0)
    return fail(call, -fd);
  struct dial *dial = malloc(sizeof *dial);
  if (!dial)
    fatal("no connection");
  *dial = (struct dial){
      .source = {.fd = fd, .on_ready = on_ready},
      .call = call,
      .input = request->input,
      .output = request->output,
  };
  int result = loop_add(&dial->source, EPOLLOUT);
  if (result < 0) {
    fail(call, -result);
    close(fd);
    free(dial);
  }
}
