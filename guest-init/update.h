#ifndef UPDATE_H
#define UPDATE_H

#include <protobuf-c/protobuf-c.h>

// The method Update: answered when libcrun has written the limits.
void update_handle(uint32_t call, const ProtobufCMessage *request);

#endif
