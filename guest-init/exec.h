#ifndef EXEC_H
#define EXEC_H

#include <protobuf-c/protobuf-c.h>

// The method Exec: answered when the process runs its program.
void exec_handle(uint32_t call, const ProtobufCMessage *request);

#endif
