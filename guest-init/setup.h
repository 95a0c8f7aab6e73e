#ifndef SETUP_H
#define SETUP_H

#include <protobuf-c/protobuf-c.h>

// The method Setup: what the guest cannot know by itself.
void setup_handle(uint32_t call, const ProtobufCMessage *request);
// Unmounts what it has mounted, so that it can be called again.
int setup_undo(void);

#endif
