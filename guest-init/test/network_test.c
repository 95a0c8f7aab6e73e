// The method Network in a network namespace of its own, as `ip` sees what it has done.
#include "host.h"
#include "net.h"

#include "netlink.h"
#include "network_add.h"
#include "network_links.h"
#include "ttrpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 1000

static const uint8_t first_mac[] = {2, 0, 0, 0, 0, 0xa1}, second_mac[] = {2, 0, 0, 0, 0, 0xa2};

static int call(const NetworkRequest *request) {
  int code = host_call("Network", &request->base);
  if (code != 0)
    fprintf(stderr, "(%d: %s)\n", code, host.message);
  return code;
}

static bool fails(const NetworkRequest *request, uint32_t code, const char *message) {
  if (host_call("Network", &request->base) == (int)code && strcmp(host.message, message) == 0)
    return true;
  fprintf(stderr, "%u: %s\n", host.code, host.message);
  return false;
}

// What the device with that name has at present, for a request to name it by.
static const uint8_t *mac_of(const char *name) {
  static struct network_links links;
  free(links.list);
  links = (struct network_links){0};
  int fd = netlink_open();
  network_links_read(fd, &links);
  close(fd);
  const struct network_link *link = network_links_by_name(&links, name);
  return link ? link->mac : NULL;
}

// The device that is called `now` is to have that name.
static Interface *add(NetworkRequest *request, const char *now, const char *name) {
  return net_interface(request, mac_of(now), name);
}

static void interfaces(void) {
  NetworkRequest *request = net_request();
  // Each gets a name, the one that of the other.
  Interface *first = add(request, "veth0", "eth0"), *second = add(request, "eth0", "net1");
  memcpy(first->mac.data, first_mac, 6);
  memcpy(second->mac.data, second_mac, 6);
  first->mtu = 9000;
  second->mtu = 1000;
  second->noarp = true;
  CHECK(call(request) == 0);
  CHECK(net_ip_says("link show eth0", ",UP,LOWER_UP> mtu 9000") &&
        net_ip_says("link show eth0", "02:00:00:00:00:a1"));
  CHECK(net_ip_says("link show net1", "NOARP,UP") && net_ip_says("link show net1", "mtu 1000"));
  CHECK(net_ip_says("link show net1", "02:00:00:00:00:a2"));
  // No address that nobody has asked for.
  CHECK(net_ip_says_only("-6 -o addr show dev eth0", ""));

  // The names are swapped, and all is as if it was the first call.
  request = net_request();
  add(request, "eth0", "net1");
  add(request, "net1", "eth0")->up = false;
  CHECK(call(request) == 0);
  CHECK(net_ip_says("link show net1", "02:00:00:00:00:a1") && net_ip_says("link show net1", ",UP"));
  CHECK(net_ip_says("link show eth0", "02:00:00:00:00:a2") &&
        net_ip_says("link show eth0", "<BROADCAST,MULTICAST> mtu 1000"));
}

static void stranger(void) {
  NetworkRequest *request = net_request();
  // A device that is none of the request's is in the way.
  add(request, "veth0", "eth0");
  CHECK(call(request) == 0);
  CHECK(net_ip_says("-o link", "moved0") && net_ip_says("-o link", "eth0"));
}

static bool can_bind(const char *address) {
  struct sockaddr_in6 name = {.sin6_family = AF_INET6};
  int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  inet_pton(AF_INET6, address, &name.sin6_addr);
  bool can = bind(fd, (struct sockaddr *)&name, sizeof name) == 0;
  close(fd);
  return can;
}

static void addresses(void) {
  NetworkRequest *request = net_request();
  Interface *first = add(request, "eth0", "eth0"), *second = add(request, "veth0", "eth1");
  net_address(first, "10.4.0.2/24")->broadcast = net_bytes("10.4.0.255");
  net_address(first, "10.4.0.3/24");
  net_address(first, "169.254.1.1/32")->scope = RT_SCOPE_LINK;
  net_address(first, "fd00:4::2/64");
  net_address(first, "fe80::1234/64")->scope = RT_SCOPE_LINK;
  net_address(second, "192.0.2.1/32")->peer = net_bytes("192.0.2.2");
  net_address(second, "fd00:5::1/128")->peer = net_bytes("fd00:5::2");
  CHECK(call(request) == 0);
  CHECK(can_bind("fd00:4::2"));
  CHECK(net_ip_says("-o addr show eth0", "inet 10.4.0.2/24 brd 10.4.0.255 scope global eth0"));
  CHECK(net_ip_says("-o addr show eth0", "inet 10.4.0.3/24 scope global secondary eth0"));
  CHECK(net_ip_says("-o addr show eth0", "inet 169.254.1.1/32 scope link eth0"));
  CHECK(net_ip_says("-o addr show eth0", "inet6 fd00:4::2/64 scope global nodad"));
  CHECK(net_ip_says("-o addr show eth0", "inet6 fe80::1234/64 scope link nodad"));
  CHECK(net_ip_says("-o addr show eth1", "inet 192.0.2.1 peer 192.0.2.2/32"));
  CHECK(net_ip_says("-o addr show eth1", "inet6 fd00:5::1 peer fd00:5::2/128"));
  CHECK(net_ip_says("route", "10.4.0.0/24 dev eth0 proto kernel scope link src 10.4.0.2"));

  // Called again, it replaces them.
  CHECK(call(request) == 0);
  request = net_request();
  net_address(add(request, "eth0", "eth0"), "10.4.0.9/16");
  add(request, "eth1", "eth1")->up = false;
  CHECK(call(request) == 0);
  CHECK(net_ip_says_only("-br addr show eth0", "eth0@eth1 LOWERLAYERDOWN 10.4.0.9/16 ") ||
        net_ip_says("-br addr show eth0", "eth0@eth1 DOWN 10.4.0.9/16 "));
  CHECK(net_ip_says_only("-o addr show eth1", ""));
}

static NetworkRequest *with_addresses(void) {
  NetworkRequest *request = net_request();
  Interface *first = add(request, "eth0", "eth0"),
            *second = add(request, strstr(net_ip("-o link"), "eth1") ? "eth1" : "veth0", "eth1");
  net_address(first, "10.4.0.2/24");
  net_address(first, "fd00:4::2/64");
  net_address(second, "10.5.0.2/32");
  return request;
}

static void add_routes(NetworkRequest *request) {
  // The gateway is reached only by the route that follows, and that of the one before by this one.
  net_route(request, "172.30.0.0/16", "172.31.0.1", "eth0")->onlink = false;
  net_route(request, NULL, "169.254.1.1", "eth1")->onlink = true;
  net_route(request, "172.31.0.1/32", NULL, "eth0");
  net_route(request, NULL, "10.4.0.1", "eth0")->metric = 100;
  Route *route = net_route(request, "10.6.0.0/16", "10.4.0.1", "eth0");
  route->table = 1000;
  route->mtu = 1400;
  route->source = net_bytes("10.4.0.2");
  route = net_route(request, "10.7.0.0/16", NULL, "");
  route->type = RTN_BLACKHOLE;
  route->scope = RT_SCOPE_UNIVERSE;
  net_route(request, NULL, "fd00:4::1", "eth0");
  net_route(request, "fd00:7::/64", NULL, "lo")->type = RTN_UNREACHABLE;
  // What the kernel has made with the address.
  route = net_route(request, "10.4.0.0/24", NULL, "eth0");
  route->protocol = RTPROT_KERNEL;
  route->source = net_bytes("10.4.0.2");
  route = net_route(request, "fd00:4::/64", NULL, "eth0");
  route->protocol = RTPROT_KERNEL;
  route->metric = 256;
}

static void routes(void) {
  static char before[16384], before6[16384];
  NetworkRequest *request = with_addresses();
  add_routes(request);
  CHECK(call(request) == 0);
  CHECK(net_ip_says("route", "default via 169.254.1.1 dev eth1 proto static onlink"));
  CHECK(net_ip_says("route", "default via 10.4.0.1 dev eth0 proto static metric 100"));
  CHECK(net_ip_says("route", "172.30.0.0/16 via 172.31.0.1 dev eth0 proto static"));
  CHECK(net_ip_says("route", "blackhole 10.7.0.0/16 proto static"));
  CHECK(net_ip_says("route show table 1000",
                    "10.6.0.0/16 via 10.4.0.1 dev eth0 proto static src 10.4.0.2 mtu 1400"));
  CHECK(net_ip_says("-6 route", "default via fd00:4::1 dev eth0 proto static metric 1024"));
  CHECK(net_ip_says("-6 route", "unreachable fd00:7::/64 dev lo proto static metric 1024"));

  // The same again gives the same; not in the local table, which the kernel fills for IPv6 a little later.
  strcpy(before, net_ip("route"));
  strcpy(before6, net_ip("-6 route"));
  CHECK(call(request) == 0);
  CHECK(net_ip_says_only("route", before) && net_ip_says_only("-6 route", before6));

  CHECK(call(with_addresses()) == 0);
  CHECK(net_ip_says_only("route", "10.4.0.0/24 dev eth0 proto kernel scope link src 10.4.0.2 "));
  CHECK(!strstr(net_ip("route show table all"), "static") &&
        !strstr(net_ip("-6 route show table all"), "static"));
  CHECK(net_ip_says("-6 route", "fd00:4::/64 dev eth0 proto kernel metric 256"));
}

#define DEFAULT_RULES "0: from all lookup local 32766: from all lookup main 32767: from all lookup default "

static void rules(void) {
  NetworkRequest *request = with_addresses();
  net_rule(request, AF_INET, 0, RT_TABLE_LOCAL);
  net_rule(request, AF_INET, 32766, RT_TABLE_MAIN);
  net_rule(request, AF_INET, 32767, RT_TABLE_DEFAULT);
  Rule *rule = net_rule(request, AF_INET, 100, 1000);
  rule->source = net_bytes("10.4.0.2");
  rule->source_prefix_length = 32;
  rule->destination = net_bytes("10.6.0.0");
  rule->destination_prefix_length = 16;
  rule = net_rule(request, AF_INET, 101, 100);
  rule->mark = 0x40;
  rule->mark_mask = 0xff;
  rule->incoming_interface = "eth0";
  rule = net_rule(request, AF_INET6, 102, 0);
  rule->action = FR_ACT_PROHIBIT;
  rule->outgoing_interface = "eth1";
  for (int i = 0; i < 2; i++) {
    CHECK(call(request) == 0);
    CHECK(net_ip_says_only("rule",
                           "0: from all lookup local 100: from 10.4.0.2 to 10.6.0.0/16 lookup 1000 "
                           "101: from all fwmark 0x40/0xff iif eth0 lookup 100 "
                           "32766: from all lookup main 32767: from all lookup default "));
    CHECK(net_ip_says("-6 rule", "102: from all oif eth1 prohibit"));
  }
  CHECK(call(with_addresses()) == 0);
  CHECK(net_ip_says_only("rule", DEFAULT_RULES));
  CHECK(net_ip_says_only("-6 rule", "0: from all lookup local 32766: from all lookup main "));
}

static void neighbours(void) {
  NetworkRequest *request = with_addresses();
  net_neighbour(request, "10.4.0.1", first_mac, "eth0");
  net_neighbour(request, "fd00:4::1", second_mac, "eth0");
  net_neighbour(request, "10.8.0.1", NULL, "eth1");
  net_neighbour(request, "fd00:8::1", NULL, "eth1");
  for (int i = 0; i < 2; i++) {
    CHECK(call(request) == 0);
    CHECK(net_ip_says("neigh", "10.4.0.1 dev eth0 lladdr 02:00:00:00:00:a1 PERMANENT"));
    CHECK(net_ip_says("neigh", "fd00:4::1 dev eth0 lladdr 02:00:00:00:00:a2 PERMANENT"));
    CHECK(net_ip_says("neigh show proxy", "10.8.0.1 dev eth1 proxy"));
    CHECK(net_ip_says("-6 neigh show proxy", "fd00:8::1 dev eth1 proxy"));
  }
  CHECK(call(with_addresses()) == 0);
  CHECK(!strstr(net_ip("neigh"), "PERMANENT") && !strstr(net_ip("neigh show proxy"), "10.8.0.1"));
}

static void failures(void) {
  NetworkRequest *request = net_request();
  net_interface(request, first_mac, "eth0");
  CHECK(fails(request, TTRPC_NOT_FOUND, "interface eth0: no device has the MAC address 02:00:00:00:00:a1"));
  request = with_addresses();
  net_address(request->interfaces[0], "10.4.0.2/24");
  CHECK(fails(request, TTRPC_INTERNAL, "address 10.4.0.2/24 of eth0: File exists"));
  request = with_addresses();
  net_route(request, "10.9.0.0/16", "192.0.2.1", "eth0");
  net_route(request, "10.10.0.0/16", "10.4.0.1", "eth0");
  CHECK(fails(request, TTRPC_INTERNAL, "route 10.9.0.0/16 via 192.0.2.1 of eth0: Network is unreachable"));
  request = with_addresses();
  net_route(request, "10.7.0.0/8", NULL, "eth0");
  CHECK(fails(request, TTRPC_INTERNAL, "route 10.7.0.0/8 of eth0: Invalid argument"));
  request = with_addresses();
  request->interfaces[1]->mtu = 67;
  CHECK(fails(request, TTRPC_INVALID_ARGUMENT, "interface eth1: the MTU 67 is not from 68 to 65535"));
  // Nothing of those is in the way of one that is right, or left by it.
  CHECK(call(with_addresses()) == 0);
  CHECK(net_ip_says_only("route", "10.4.0.0/24 dev eth0 proto kernel scope link src 10.4.0.2 "));
}

// More than are sent at once, and more errors than the socket's buffer would hold.
static void many(void) {
  CHECK(call(with_addresses()) == 0);
  NetworkRequest *request = net_request();
  struct netlink_batch batch = {0};
  char prefix[32];
  for (int i = 0; i < MANY; i++) {
    snprintf(prefix, sizeof prefix, "10.20.%d.%d/32", i / 250, i % 250);
    network_add_route(&batch, net_route(request, prefix, "10.4.0.1", ""), 0);
  }
  int fd = netlink_open();
  CHECK(netlink_run(fd, &batch) == 0);
  for (int i = 0; i < MANY; i++) {
    CHECK(batch.requests[i].error == 0);
    batch.requests[i].error = NETLINK_UNSENT;
  }
  CHECK(netlink_run(fd, &batch) == 0);
  for (int i = 0; i < MANY; i++)
    CHECK(batch.requests[i].error == -EEXIST);
  CHECK(net_ip_says("route show 10.20.3.249", "10.20.3.249 via 10.4.0.1 dev eth0"));
}

WITH_HOST(interfaces)
WITH_HOST(stranger)
WITH_HOST(addresses)
WITH_HOST(routes)
WITH_HOST(rules)
WITH_HOST(neighbours)
WITH_HOST(failures)
WITH_HOST(many)
WITH_NET(net_run_in_namespace, interfaces_with_host)
WITH_NET(net_run_in_namespace, stranger_with_host)
WITH_NET(net_run_in_namespace, addresses_with_host)
WITH_NET(net_run_in_namespace, routes_with_host)
WITH_NET(net_run_in_namespace, rules_with_host)
WITH_NET(net_run_in_namespace, neighbours_with_host)
WITH_NET(net_run_in_namespace, failures_with_host)
WITH_NET(net_run_in_namespace, many_with_host)

const struct test network_tests[] = {
    {"network: interfaces and their names", interfaces_with_host_with_net},
    {"network: a device that has an interface's name", stranger_with_host_with_net},
    {"network: addresses", addresses_with_host_with_net},
    {"network: routes", routes_with_host_with_net},
    {"network: rules", rules_with_host_with_net},
    {"network: neighbours", neighbours_with_host_with_net},
    {"network: what fails is named", failures_with_host_with_net},
    {"network: many at once", many_with_host_with_net},
    {0},
};
