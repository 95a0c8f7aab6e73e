#ifndef PIDS_H
#define PIDS_H

#include <protobuf-c/protobuf-c.h>

// The method Pids: answered by a job, for a process can make those wait who look at its arguments.
void pids_handle(uint32_t call, const ProtobufCMessage *request);

#endif
