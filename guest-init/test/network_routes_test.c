// What the method Network makes of routes and all that needs addresses, as `ip` sees it; and how it fails.
#include "host.h"
#include "net_call.h"

#include "network_add.h"
#include "ttrpc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <string.h>

#define MANY 1000

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
  NetworkRequest *request = net_with_addresses();
  add_routes(request);
  CHECK(net_call(request) == 0);
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
  CHECK(net_call(request) == 0);
  CHECK(net_ip_says_only("route", before) && net_ip_says_only("-6 route", before6));

  CHECK(net_call(net_with_addresses()) == 0);
  CHECK(net_ip_says_only("route", "10.4.0.0/24 dev eth0 proto kernel scope link src 10.4.0.2 "));
  CHECK(!strstr(net_ip("route show table all"), "static") &&
        !strstr(net_ip("-6 route show table all"), "static"));
  CHECK(net_ip_says("-6 route", "fd00:4::/64 dev eth0 proto kernel metric 256"));
}

#define DEFAULT_RULES "0: from all lookup local 32766: from all lookup main 32767: from all lookup default "

static void rules(void) {
  NetworkRequest *request = net_with_addresses();
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
    CHECK(net_call(request) == 0);
    CHECK(net_ip_says_only("rule",
                           "0: from all lookup local 100: from 10.4.0.2 to 10.6.0.0/16 lookup 1000 "
                           "101: from all fwmark 0x40/0xff iif eth0 lookup 100 "
                           "32766: from all lookup main 32767: from all lookup default "));
    CHECK(net_ip_says("-6 rule", "102: from all oif eth1 prohibit"));
  }
  CHECK(net_call(net_with_addresses()) == 0);
  CHECK(net_ip_says_only("rule", DEFAULT_RULES));
  CHECK(net_ip_says_only("-6 rule", "0: from all lookup local 32766: from all lookup main "));
}

static void neighbours(void) {
  NetworkRequest *request = net_with_addresses();
  net_neighbour(request, "10.4.0.1", net_first_mac, "eth0");
  net_neighbour(request, "fd00:4::1", net_second_mac, "eth0");
  net_neighbour(request, "10.8.0.1", NULL, "eth1");
  net_neighbour(request, "fd00:8::1", NULL, "eth1");
  for (int i = 0; i < 2; i++) {
    CHECK(net_call(request) == 0);
    CHECK(net_ip_says("neigh", "10.4.0.1 dev eth0 lladdr 02:00:00:00:00:a1 PERMANENT"));
    CHECK(net_ip_says("neigh", "fd00:4::1 dev eth0 lladdr 02:00:00:00:00:a2 PERMANENT"));
    CHECK(net_ip_says("neigh show proxy", "10.8.0.1 dev eth1 proxy"));
    CHECK(net_ip_says("-6 neigh show proxy", "fd00:8::1 dev eth1 proxy"));
  }
  CHECK(net_call(net_with_addresses()) == 0);
  CHECK(!strstr(net_ip("neigh"), "PERMANENT") && !strstr(net_ip("neigh show proxy"), "10.8.0.1"));
}

static void failures(void) {
  NetworkRequest *request = net_request();
  net_interface(request, net_first_mac, "eth0");
  CHECK(net_call_fails(request, TTRPC_NOT_FOUND,
                       "interface eth0: no device has the MAC address 02:00:00:00:00:a1"));
  request = net_with_addresses();
  net_address(request->interfaces[0], "10.4.0.2/24");
  CHECK(net_call_fails(request, TTRPC_INTERNAL, "address 10.4.0.2/24 of eth0: File exists"));
  request = net_with_addresses();
  net_route(request, "10.9.0.0/16", "192.0.2.1", "eth0");
  net_route(request, "10.10.0.0/16", "10.4.0.1", "eth0");
  CHECK(net_call_fails(request, TTRPC_INTERNAL,
                       "route 10.9.0.0/16 via 192.0.2.1 of eth0: Network is unreachable"));
  request = net_with_addresses();
  net_route(request, "10.7.0.0/8", NULL, "eth0");
  CHECK(net_call_fails(request, TTRPC_INTERNAL, "route 10.7.0.0/8 of eth0: Invalid argument"));
  request = net_with_addresses();
  request->interfaces[1]->mtu = 67;
  CHECK(
      net_call_fails(request, TTRPC_INVALID_ARGUMENT, "interface eth1: the MTU 67 is not from 68 to 65535"));
  // Nothing of those is in the way of one that is right, or left by it.
  CHECK(net_call(net_with_addresses()) == 0);
  CHECK(net_ip_says_only("route", "10.4.0.0/24 dev eth0 proto kernel scope link src 10.4.0.2 "));
}

// More than are sent at once, and more errors than the socket's buffer would hold.
static void many(void) {
  CHECK(net_call(net_with_addresses()) == 0);
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

WITH_HOST(routes)
WITH_HOST(rules)
WITH_HOST(neighbours)
WITH_HOST(failures)
WITH_HOST(many)
WITH_NET(net_run_in_namespace, routes_with_host)
WITH_NET(net_run_in_namespace, rules_with_host)
WITH_NET(net_run_in_namespace, neighbours_with_host)
WITH_NET(net_run_in_namespace, failures_with_host)
WITH_NET(net_run_in_namespace, many_with_host)

const struct test network_routes_tests[] = {
    {"network: routes", routes_with_host_with_net},
    {"network: rules", rules_with_host_with_net},
    {"network: neighbours", neighbours_with_host_with_net},
    {"network: what fails is named", failures_with_host_with_net},
    {"network: many at once", many_with_host_with_net},
    {0},
};
