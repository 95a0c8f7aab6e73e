// The guest's wall clock: it knows none by itself, and stands still with the VM.
#ifndef CLOCK_H
#define CLOCK_H

#include <protobuf-c/protobuf-c.h>

// Nanoseconds since the epoch.
int clock_set(uint64_t nanoseconds);
// The method SetClock.
void clock_handle(uint32_t call, const ProtobufCMessage *request);

#endif
