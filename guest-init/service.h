// The service microvm.guest.v1.Guest.
#ifndef SERVICE_H
#define SERVICE_H

#include "rpc.h"

#include <stdbool.h>

extern const char service_name[];
extern const struct rpc_method service_methods[];

// Shutdown was called, and answered.
bool service_shut_down(void);

#endif
