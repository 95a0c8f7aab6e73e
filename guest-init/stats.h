#ifndef STATS_H
#define STATS_H

#include <protobuf-c/protobuf-c.h>

// The method Stats.
void stats_handle(uint32_t call, const ProtobufCMessage *request);

#endif
