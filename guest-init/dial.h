#ifndef DIAL_H
#define DIAL_H

#include <protobuf-c/protobuf-c.h>

// The method Dial: answered when the connection is made or cannot be.
void dial_handle(uint32_t call, const ProtobufCMessage *request);

#endif
