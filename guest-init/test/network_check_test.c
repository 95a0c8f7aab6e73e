// Which requests for the method Network are refused, and what is said of them.
#include "net.h"

#include "network_check.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mac[] = {2, 0x6d, 0x76, 0x6d, 0, 1}, other[] = {2, 0x6d, 0x76, 0x6d, 0, 2};

static bool passes(const NetworkRequest *request) {
  char text[512] = "";
  bool right = network_check(request, text, sizeof text);
  if (!right)
    fprintf(stderr, "%s\n", text);
  return right;
}

static bool says(const NetworkRequest *request, const char *expected) {
  char text[512] = "it is right";
  network_check(request, text, sizeof text);
  if (strstr(text, expected))
    return true;
  fprintf(stderr, "not '%s' but: %s\n", expected, text);
  return false;
}

// With one interface, eth0.
static NetworkRequest *one(Interface **interface) {
  NetworkRequest *request = net_request();
  Interface *added = net_interface(request, mac, "eth0");
  if (interface)
    *interface = added;
  return request;
}

static bool name_passes(const char *name) {
  char text[512];
  NetworkRequest *request = net_request();
  net_interface(request, mac, name);
  return network_check(request, text, sizeof text);
}

static void names(void) {
  CHECK(name_passes("a") && name_passes("eth0.100@x-y_z") && name_passes("fifteen-letters"));
  CHECK(!name_passes("") && !name_passes("sixteen--letters") && !name_passes("lo"));
  CHECK(!name_passes(".") && !name_passes("..") && !name_passes("a/b") && !name_passes("a b"));
  CHECK(!name_passes("a\nb") && !name_passes("a:b") && !name_passes("eth%d"));
  NetworkRequest *request = one(NULL);
  net_interface(request, other, "eth0");
  CHECK(says(request, "two interfaces have the name eth0"));
}

static void interfaces(void) {
  Interface *interface;
  CHECK(passes(net_request()) && passes(one(NULL)));
  NetworkRequest *request = one(&interface);
  interface->mtu = 68;
  CHECK(passes(request));
  interface->mtu = 67;
  CHECK(says(request, "interface eth0: the MTU 67"));
  interface->mtu = 65536;
  CHECK(says(request, "interface eth0: the MTU 65536"));
  request = one(&interface);
  interface->mac.len = 5;
  CHECK(says(request, "interface eth0: a MAC"));
  interface->mac.len = 6;
  interface->mac.data[0] = 1;
  CHECK(says(request, "interface eth0: a MAC"));
  memset(interface->mac.data, 0, 6);
  CHECK(says(request, "interface eth0: a MAC"));
  request = one(&interface);
  interface->device_mac.len = 0;
  CHECK(says(request, "interface eth0: a MAC"));
  request = one(NULL);
  net_interface(request, mac, "eth1");
  CHECK(says(request, "interfaces eth0 and eth1 have the same device"));
}

static void addresses(void) {
  Interface *interface;
  NetworkRequest *request = one(&interface);
  Address *address = net_address(interface, "10.4.0.2/32");
  CHECK(passes(request));
  address->prefix_length = 33;
  CHECK(says(request, "address 10.4.0.2/33 of eth0: the prefix"));
  address->prefix_length = 24;
  address->address.len = 3;
  CHECK(says(request, "an address of eth0 has 3 bytes"));
  address->address.len = 4;
  address->broadcast = net_bytes("fd00::1");
  CHECK(says(request, "address 10.4.0.2/24 of eth0: only IPv4"));
  address->broadcast = net_bytes(NULL);
  address->peer = net_bytes("fd00::1");
  CHECK(says(request, "address 10.4.0.2/24 of eth0: the peer"));
  address->peer = net_bytes("10.4.0.1");
  address->scope = 256;
  CHECK(says(request, "address 10.4.0.2/24 of eth0: there is no scope 256"));
  request = one(&interface);
  address = net_address(interface, "fd00::2/128");
  CHECK(passes(request));
  address->prefix_length = 129;
  CHECK(says(request, "address fd00::2/129 of eth0: the prefix"));
  address->prefix_length = 64;
  address->broadcast = net_bytes("10.4.0.255");
  CHECK(says(request, "address fd00::2/64 of eth0: only IPv4"));
}

static void routes(void) {
  NetworkRequest *request = one(NULL);
  net_route(request, NULL, "10.4.0.1", "");
  net_route(request, "10.5.0.0/16", NULL, "lo");
  Route *route = net_route(request, "fd01::/64", "fd00::1", "eth0");
  CHECK(passes(request));
  route->interface = "eth1";
  CHECK(says(request, "route fd01::/64 via fd00::1: there is no interface 'eth1'"));
  route->interface = "eth0";
  route->family = AF_INET;
  CHECK(says(request, "route 2: the destination"));
  route->family = AF_UNIX;
  CHECK(says(request, "route 2: there is no family 1"));
  route->family = AF_INET6;
  route->source = net_bytes("10.4.0.2");
  CHECK(says(request, "route fd01::/64 via fd00::1: the gateway or the source"));
  route->source.len = 0;
  route->gateway = net_bytes("10.4.0.1");
  CHECK(says(request, "the gateway or the source"));
  route->gateway.len = 0;
  route->type = RTN_MAX + 1;
  CHECK(says(request, "type 12"));
  route->type = 0;
  CHECK(says(request, "type 0"));
  route->type = RTN_UNICAST;
  route->scope = 256;
  CHECK(says(request, "scope 256"));
  route->scope = 0;
  route->protocol = 256;
  CHECK(says(request, "protocol 256"));
  route->protocol = 0;
  route->destination.len = 0;
  CHECK(says(request, "route 2: the destination"));
}

static void rules(void) {
  NetworkRequest *request = one(NULL);
  net_rule(request, AF_INET, 0, RT_TABLE_LOCAL);
  Rule *rule = net_rule(request, AF_INET6, 100, 1000);
  rule->incoming_interface = "lo";
  CHECK(passes(request));
  rule->incoming_interface = "sixteen--letters";
  CHECK(says(request, "rule 1: no interface"));
  rule->incoming_interface = "";
  rule->outgoing_interface = "a b";
  CHECK(says(request, "rule 1: no interface"));
  rule->outgoing_interface = "";
  rule->source = net_bytes("10.0.0.0");
  CHECK(says(request, "rule 1: the source or"));
  rule->source = net_bytes("fd00::");
  rule->source_prefix_length = 129;
  CHECK(says(request, "rule 1: the source or"));
  rule->source_prefix_length = 64;
  rule->destination_prefix_length = 1;
  CHECK(says(request, "rule 1: the source or"));
  rule->destination_prefix_length = 0;
  rule->table = 0;
  CHECK(says(request, "rule 1 has no table"));
  rule->action = FR_ACT_PROHIBIT;
  CHECK(passes(request));
  rule->action = FR_ACT_GOTO;
  CHECK(says(request, "rule 1: the action 2"));
  rule->action = FR_ACT_PROHIBIT + 1;
  CHECK(says(request, "rule 1: the action 9"));
  rule->family = 0;
  CHECK(says(request, "rule 1: there is no family 0"));
}

static void neighbours(void) {
  NetworkRequest *request = one(NULL);
  Neighbour *neighbour = net_neighbour(request, "10.4.0.3", mac, "eth0");
  net_neighbour(request, "fd00::3", NULL, "eth0");
  CHECK(passes(request));
  neighbour->proxy = true;
  CHECK(says(request, "neighbour 0: the MAC address has 6 bytes"));
  neighbour->proxy = false;
  neighbour->mac.len = 0;
  CHECK(says(request, "neighbour 0: the MAC address has 0 bytes"));
  neighbour->mac.len = 6;
  neighbour->address.len = 5;
  CHECK(says(request, "neighbour 0: the address has 5 bytes"));
  neighbour->address.len = 4;
  neighbour->interface = "lo";
  CHECK(says(request, "neighbour 0: there is no interface 'lo'"));
}

static bool sysctl_passes(const char *name) {
  char text[512];
  NetworkRequest *request = net_request();
  net_sysctl(request, name, "1");
  return network_check(request, text, sizeof text);
}

static void sysctls(void) {
  CHECK(sysctl_passes("core/somaxconn") && sysctl_passes("ipv4/conf/a..b/rp_filter") && sysctl_passes("..."));
  CHECK(!sysctl_passes("") && !sysctl_passes("/") && !sysctl_passes("/ipv4") && !sysctl_passes("ipv4/"));
  CHECK(!sysctl_passes("..") && !sysctl_passes("../kernel/x") && !sysctl_passes("ipv4/../../kernel/x"));
  CHECK(!sysctl_passes("ipv4/./x") && !sysctl_passes("ipv4//x"));
  char long_text[258];
  memset(long_text, 'a', sizeof long_text);
  long_text[128] = 0;
  CHECK(sysctl_passes(long_text));
  long_text[128] = 'a';
  long_text[129] = 0;
  CHECK(!sysctl_passes(long_text));
  NetworkRequest *request = net_request();
  long_text[129] = 'a';
  long_text[257] = 0;
  net_sysctl(request, "x", long_text)->value[256] = 0;
  CHECK(passes(request));
  net_sysctl(request, "x", long_text);
  CHECK(says(request, "sysctl x: a value has at most 256 bytes"));
}

static void counts(void) {
  Interface *interface;
  NetworkRequest *request = net_request();
  for (int i = 0; i < 65; i++)
    net_interface(request, mac, "eth0");
  CHECK(says(request, "65 interfaces, at most 64"));
  request = one(&interface);
  for (int i = 0; i < 1025; i++)
    net_address(interface, "10.4.0.2/24");
  CHECK(says(request, "1025 addresses, at most 1024"));
  request = one(NULL);
  for (int i = 0; i < 1025; i++)
    net_rule(request, AF_INET, i, 1);
  CHECK(says(request, "1025 rules, at most 1024"));
  request->n_rules = 1024;
  CHECK(passes(request));
}

WITH_NET(net_run, names)
WITH_NET(net_run, interfaces)
WITH_NET(net_run, addresses)
WITH_NET(net_run, routes)
WITH_NET(net_run, rules)
WITH_NET(net_run, neighbours)
WITH_NET(net_run, sysctls)
WITH_NET(net_run, counts)

const struct test network_check_tests[] = {
    {"network: names", names_with_net},
    {"network: interfaces that are refused", interfaces_with_net},
    {"network: addresses that are refused", addresses_with_net},
    {"network: routes that are refused", routes_with_net},
    {"network: rules that are refused", rules_with_net},
    {"network: neighbours that are refused", neighbours_with_net},
    {"network: sysctls that are refused", sysctls_with_net},
    {"network: how many there may be", counts_with_net},
    {0},
};
