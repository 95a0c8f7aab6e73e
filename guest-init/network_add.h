// Requests that add what a network has besides its interfaces. `index` is the interface's; 0 is none.
#ifndef NETWORK_ADD_H
#define NETWORK_ADD_H

#include "guest.pb-c.h"
#include "netlink.h"

void network_add_address(struct netlink_batch *batch, const Microvm__Guest__V1__Address *address,
                         uint32_t index, const char *interface);
void network_add_route(struct netlink_batch *batch, const Microvm__Guest__V1__Route *route, uint32_t index);
void network_add_rule(struct netlink_batch *batch, const Microvm__Guest__V1__Rule *rule);
void network_add_neighbour(struct netlink_batch *batch, const Microvm__Guest__V1__Neighbour *neighbour,
                           uint32_t index);

#endif
