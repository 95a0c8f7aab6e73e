// What the method Network makes of devices in a network namespace of its own, as `ip` sees it.
#include "host.h"
#include "net_call.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

static void interfaces(void) {
  NetworkRequest *request = net_request();
  // Each gets a name, the one that of the other.
  Interface *first = net_add(request, "veth0", "eth0"), *second = net_add(request, "eth0", "net1");
  memcpy(first->mac.data, net_first_mac, 6);
  memcpy(second->mac.data, net_second_mac, 6);
  first->mtu = 9000;
  second->mtu = 1000;
  second->noarp = true;
  CHECK(net_call(request) == 0);
  CHECK(net_ip_says("link show eth0", ",UP,LOWER_UP> mtu 9000") &&
        net_ip_says("link show eth0", "02:00:00:00:00:a1"));
  CHECK(net_ip_says("link show net1", "NOARP,UP") && net_ip_says("link show net1", "mtu 1000"));
  CHECK(net_ip_says("link show net1", "02:00:00:00:00:a2"));
  // No address that nobody has asked for.
  CHECK(net_ip_says_only("-6 -o addr show dev eth0", ""));

  // The names are swapped, and all is as if it was the first call.
  request = net_request();
  net_add(request, "eth0", "net1");
  net_add(request, "net1", "eth0")->up = false;
  CHECK(net_call(request) == 0);
  CHECK(net_ip_says("link show net1", "02:00:00:00:00:a1") && net_ip_says("link show net1", ",UP"));
  CHECK(net_ip_says("link show eth0", "02:00:00:00:00:a2") &&
        net_ip_says("link show eth0", "<BROADCAST,MULTICAST> mtu 1000"));
}

static void stranger(void) {
  NetworkRequest *request = net_request();
  // A device that is none of the request's is in the way.
  net_add(request, "veth0", "eth0");
  CHECK(net_call(request) == 0);
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
  Interface *first = net_add(request, "eth0", "eth0"), *second = net_add(request, "veth0", "eth1");
  net_address(first, "10.4.0.2/24")->broadcast = net_bytes("10.4.0.255");
  net_address(first, "10.4.0.3/24");
  net_address(first, "169.254.1.1/32")->scope = RT_SCOPE_LINK;
  net_address(first, "fd00:4::2/64");
  net_address(first, "fe80::1234/64")->scope = RT_SCOPE_LINK;
  net_address(second, "192.0.2.1/32")->peer = net_bytes("192.0.2.2");
  net_address(second, "fd00:5::1/128")->peer = net_bytes("fd00:5::2");
  CHECK(net_call(request) == 0);
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
  CHECK(net_call(request) == 0);
  request = net_request();
  net_address(net_add(request, "eth0", "eth0"), "10.4.0.9/16");
  net_add(request, "eth1", "eth1")->up = false;
  CHECK(net_call(request) == 0);
  CHECK(net_ip_says_only("-br addr show eth0", "eth0@eth1 LOWERLAYERDOWN 10.4.0.9/16 ") ||
        net_ip_says("-br addr show eth0", "eth0@eth1 DOWN 10.4.0.9/16 "));
  CHECK(net_ip_says_only("-o addr show eth1", ""));
}

// Of the network namespace that this process is in.
static bool sysctl_is(const char *name, const char *expected) {
  char path[256], text[64] = "";
  snprintf(path, sizeof path, "/proc/sys/net/%s", name);
  FILE *file = fopen(path, "r");
  bool is = file && fgets(text, sizeof text, file) && strcmp(text, expected) == 0;
  if (file)
    fclose(file);
  return is;
}

static void sysctls(void) {
  NetworkRequest *request = net_request();
  // By the names that the interfaces get, and before they get addresses.
  net_address(net_add(request, "eth0", "net0"), "fd00:4::2/64");
  net_sysctl(request, "ipv6/conf/all/disable_ipv6", "1");
  net_sysctl(request, "ipv6/conf/net0/disable_ipv6", "0");
  net_sysctl(request, "ipv4/ip_local_port_range", "40000 50000");
  net_sysctl(request, "ipv4/no_such", "1");
  net_sysctl(request, "ipv4/conf/net0/rp_filter", "no number");
  net_sysctl(request, "ipv4/conf/net0/arp_ignore", "2");
  CHECK(net_call(request) == 0);
  CHECK(sysctl_is("ipv4/ip_local_port_range", "40000\t50000\n"));
  CHECK(sysctl_is("ipv4/conf/net0/arp_ignore", "2\n") && sysctl_is("ipv4/conf/net0/rp_filter", "0\n"));
  CHECK(sysctl_is("ipv6/conf/all/disable_ipv6", "1\n"));
  CHECK(net_ip_says("-6 -o addr show dev net0", "fd00:4::2/64"));
}

WITH_HOST(interfaces)
WITH_HOST(stranger)
WITH_HOST(addresses)
WITH_HOST(sysctls)
WITH_NET(net_run_in_namespace, interfaces_with_host)
WITH_NET(net_run_in_namespace, stranger_with_host)
WITH_NET(net_run_in_namespace, addresses_with_host)
WITH_NET(net_run_in_namespace, sysctls_with_host)

const struct test network_links_tests[] = {
    {"network: interfaces and their names", interfaces_with_host_with_net},
    {"network: a device that has an interface's name", stranger_with_host_with_net},
    {"network: addresses", addresses_with_host_with_net},
    {"network: sysctls", sysctls_with_host_with_net},
    {0},
};
