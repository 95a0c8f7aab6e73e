// The control port: a ttrpc server with one client, the shim.
#ifndef RPC_H
#define RPC_H

#include "ttrpc.h"

#include <protobuf-c/protobuf-c.h>

// A request is answered exactly once, at once or later, under the number it came with.
struct rpc_method {
  const char *name;
  const ProtobufCMessageDescriptor *request;
  void (*handle)(uint32_t call, const ProtobufCMessage *request);
};

// Takes the descriptor, which must not block. The methods end with one without a name.
int rpc_open(int fd, const char *service, const struct rpc_method *methods);
void rpc_close(void);
void rpc_answer(uint32_t call, const ProtobufCMessage *response);
void rpc_fail(uint32_t call, enum ttrpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// A message of a streaming call, which stays open.
void rpc_send(uint32_t call, const ProtobufCMessage *message);
// The ids of calls begin anew: somebody else goes on at the other end.
void rpc_restart(void);
// How many bytes wait for the port.
size_t rpc_pending(void);

#endif
