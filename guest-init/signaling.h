#ifndef SIGNALING_H
#define SIGNALING_H

#include <protobuf-c/protobuf-c.h>

// The method Signal.
void signaling_handle(uint32_t call, const ProtobufCMessage *request);

#endif
