// Carries requests out, and takes back what they have added.
#ifndef NETWORK_APPLY_H
#define NETWORK_APPLY_H

#include "netlink.h"

// Sets each request's error. A negative errno if the socket fails.
int network_apply(int fd, struct netlink_batch *batch);
// Of all that was applied before; changes of interfaces stay. A negative errno if the socket fails.
int network_take_back(int fd);

#endif
