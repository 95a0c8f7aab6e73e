#ifndef RESIZE_H
#define RESIZE_H

#include <protobuf-c/protobuf-c.h>

// The method Resize.
void resize_handle(uint32_t call, const ProtobufCMessage *request);

#endif
