#ifndef CREATE_H
#define CREATE_H

#include <protobuf-c/protobuf-c.h>

// The method Create: answered when the container's init waits for Start.
void create_handle(uint32_t call, const ProtobufCMessage *request);

#endif
