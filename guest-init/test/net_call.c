#include "net_call.h"

#include "host.h"

#include "network_links.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const uint8_t net_first_mac[6] = {2, 0, 0, 0, 0, 0xa1}, net_second_mac[6] = {2, 0, 0, 0, 0, 0xa2};

int net_call(const NetworkRequest *request) {
  int code = host_call("Network", &request->base);
  if (code != 0)
    fprintf(stderr, "(%d: %s)\n", code, host.message);
  return code;
}

bool net_call_fails(const NetworkRequest *request, uint32_t code, const char *message) {
  if (host_call("Network", &request->base) == (int)code && strcmp(host.message, message) == 0)
    return true;
  fprintf(stderr, "%u: %s\n", host.code, host.message);
  return false;
}

// What the device with that name has at present, for a request to name it by.
const uint8_t *net_mac_of(const char *name) {
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
Interface *net_add(NetworkRequest *request, const char *now, const char *name) {
  return net_interface(request, net_mac_of(now), name);
}

NetworkRequest *net_with_addresses(void) {
  NetworkRequest *request = net_request();
  Interface *first = net_add(request, "eth0", "eth0"),
            *second = net_add(request, strstr(net_ip("-o link"), "eth1") ? "eth1" : "veth0", "eth1");
  net_address(first, "10.4.0.2/24");
  net_address(first, "fd00:4::2/64");
  net_address(second, "10.5.0.2/32");
  return request;
}
