#ifndef DELETE_H
#define DELETE_H

#include "container.h"

#include <protobuf-c/protobuf-c.h>

// The method Delete: answered when nothing of the container is left.
void delete_handle(uint32_t call, const ProtobufCMessage *request);
// Goes on with the Delete of a container whose init had to be killed for it.
void delete_resume(struct container *container);

#endif
