// Template: the guest as it is to be saved.
#ifndef TEMPLATE_H
#define TEMPLATE_H

#include <protobuf-c/protobuf-c.h>
#include <stdint.h>

void template_handle(uint32_t call, const ProtobufCMessage *message);

#endif
