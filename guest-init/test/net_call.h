// Calls of the method Network, and the devices that they are about.
#ifndef NET_CALL_H
#define NET_CALL_H

#include "net.h"

extern const uint8_t net_first_mac[6], net_second_mac[6];

// The code of the answer; what is not 0 is printed.
int net_call(const NetworkRequest *request);
// Whether it fails with just that.
bool net_call_fails(const NetworkRequest *request, uint32_t code, const char *message);
// What the device with that name has at present, for a request to name it by.
const uint8_t *net_mac_of(const char *name);
// The device that is called `now` is to have that name.
Interface *net_add(NetworkRequest *request, const char *now, const char *name);
// Both devices, with addresses.
NetworkRequest *net_with_addresses(void);

#endif
