#ifndef NETWORK_H
#define NETWORK_H

#include <protobuf-c/protobuf-c.h>

// The method Network: answered when all is configured.
void network_handle(uint32_t call, const ProtobufCMessage *request);

#endif
