// Stops every process of a container, and lets them go on.
#ifndef FREEZE_H
#define FREEZE_H

#include "container.h"

#include <protobuf-c/protobuf-c.h>

// The method Freeze: answered when every process has stopped, or may go on.
void freeze_handle(uint32_t call, const ProtobufCMessage *request);
// Fails those that wait for this container: it is to go on, or its end has come.
void freeze_give_up(const struct container *container);

#endif
