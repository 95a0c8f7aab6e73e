// Requests for the method Network, and a network namespace to try them in.
#ifndef NET_H
#define NET_H

#include "guest.pb-c.h"
#include "test.h"

typedef Microvm__Guest__V1__NetworkRequest NetworkRequest;
typedef Microvm__Guest__V1__Interface Interface;
typedef Microvm__Guest__V1__Address Address;
typedef Microvm__Guest__V1__Route Route;
typedef Microvm__Guest__V1__Rule Rule;
typedef Microvm__Guest__V1__Neighbour Neighbour;

// Each adds one to the request, valid in itself; addresses and prefixes are text, NULL for none.
NetworkRequest *net_request(void);
Interface *net_interface(NetworkRequest *request, const uint8_t mac[6], const char *name);
Address *net_address(Interface *interface, const char *prefix);
Route *net_route(NetworkRequest *request, const char *prefix, const char *gateway, const char *interface);
Rule *net_rule(NetworkRequest *request, uint32_t family, uint32_t priority, uint32_t table);
Neighbour *net_neighbour(NetworkRequest *request, const char *address, const uint8_t mac[6],
                         const char *interface);
Microvm__Guest__V1__Sysctl *net_sysctl(NetworkRequest *request, const char *name, const char *value);
ProtobufCBinaryData net_bytes(const char *address);

// Runs the test in a process of its own, whose memory is not looked after.
void net_run(void (*test)(void));
// The same in a network namespace of its own, which has a veth pair: eth0 and veth0.
void net_run_in_namespace(void (*test)(void));
// What `ip` with these arguments prints; white space is one space each.
const char *net_ip(const char *arguments);
bool net_ip_says(const char *arguments, const char *expected);
// That and nothing else.
bool net_ip_says_only(const char *arguments, const char *expected);

#define WITH_NET(run, test)                                                                                  \
  static void test##_with_net(void) {                                                                        \
    run(test);                                                                                               \
  }

#endif
