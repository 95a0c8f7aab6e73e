// What error messages call the parts of a network.
#ifndef NETWORK_TEXT_H
#define NETWORK_TEXT_H

#include "guest.pb-c.h"
#include "netlink.h"

// Room for any of these texts.
#define NETWORK_TEXT 192

// ADDRESS/LENGTH, "default" without an address. One of neither 4 nor 16 bytes is "?".
void network_prefix_text(ProtobufCBinaryData address, uint32_t prefix_length, char text[NETWORK_TEXT]);
// As in `ip route`, without the interface.
void network_route_text(const Microvm__Guest__V1__Route *route, char text[NETWORK_TEXT]);
// Such as "address 10.4.0.2/24 of eth0".
void network_request_text(const struct netlink_batch *batch, size_t index, char text[NETWORK_TEXT]);

#endif
