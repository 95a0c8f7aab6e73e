// Who a request names. NULL if there is none: then the call has been answered so.
#ifndef LOOKUP_H
#define LOOKUP_H

#include "container.h"

struct container *lookup_container(uint32_t call, const char *id);
// The init for an empty exec_id.
struct process *lookup_process(uint32_t call, const char *id, const char *exec_id);

#endif
