#include "resize.h"

#include "guest.pb-c.h"
#include "lookup.h"
#include "mux.h"
#include "rpc.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define CHARACTERS_MAX 65535

// Both streams hold the master; -1 when both have ended.
static int master_of(const struct process *process) {
  for (int i = 0; process->terminal && i < 2; i++) {
    struct stream *stream = mux_find(process->streams[i]);
    if (stream)
      return stream->source.fd;
  }
  return -1;
}

void resize_handle(uint32_t call, const ProtobufCMessage *message) {
  const Microvm__Guest__V1__ResizeRequest *request = (const Microvm__Guest__V1__ResizeRequest *)message;
  struct process *process = lookup_process(call, request->container_id, request->exec_id);
  if (!process)
    return;
  if (request->columns > CHARACTERS_MAX || request->rows > CHARACTERS_MAX)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "a terminal has at most %d columns and rows",
                    CHARACTERS_MAX);
  int master = master_of(process);
  const struct winsize size = {.ws_col = request->columns, .ws_row = request->rows};
  if (master >= 0 && ioctl(master, TIOCSWINSZ, &size) < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot resize the terminal: %s", strerror(errno));
  Microvm__Guest__V1__ResizeResponse response = MICROVM__GUEST__V1__RESIZE_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}
