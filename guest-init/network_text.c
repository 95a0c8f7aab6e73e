#include "network_text.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void address_text(ProtobufCBinaryData address, char text[INET6_ADDRSTRLEN]) {
  int family = address.len == 4 ? AF_INET : AF_INET6;
  if ((address.len != 4 && address.len != 16) || !inet_ntop(family, address.data, text, INET6_ADDRSTRLEN))
    strcpy(text, "?");
}

void network_prefix_text(ProtobufCBinaryData address, uint32_t prefix_length, char text[NETWORK_TEXT]) {
  char bare[INET6_ADDRSTRLEN];
  address_text(address, bare);
  if (address.len)
    snprintf(text, NETWORK_TEXT, "%s/%u", bare, prefix_length);
  else
    strcpy(text, "default");
}

void network_route_text(const Microvm__Guest__V1__Route *route, char text[NETWORK_TEXT]) {
  char gateway[INET6_ADDRSTRLEN];
  network_prefix_text(route->destination, route->prefix_length, text);
  size_t length = strlen(text);
  address_text(route->gateway, gateway);
  if (route->gateway.len)
    snprintf(text + length, NETWORK_TEXT - length, " via %s", gateway);
}

static void subject_text(uint16_t type, const void *subject, char text[NETWORK_TEXT]) {
  if (type == RTM_NEWADDR) {
    const Microvm__Guest__V1__Address *address = subject;
    network_prefix_text(address->address, address->prefix_length, text);
  } else if (type == RTM_NEWROUTE) {
    network_route_text(subject, text);
  } else if (type == RTM_NEWRULE) {
    const Microvm__Guest__V1__Rule *rule = subject;
    snprintf(text, NETWORK_TEXT, "with priority %u", rule->priority);
  } else if (type == RTM_NEWNEIGH) {
    const Microvm__Guest__V1__Neighbour *neighbour = subject;
    address_text(neighbour->address, text);
  }
}

void network_request_text(const struct netlink_batch *batch, size_t index, char text[NETWORK_TEXT]) {
  const struct netlink_request *request = &batch->requests[index];
  char subject[NETWORK_TEXT] = "";
  if (request->subject)
    subject_text(netlink_message(batch, index)->nlmsg_type, request->subject, subject);
  const bool named = request->interface && request->interface[0];
  snprintf(text, NETWORK_TEXT, "%s%s%.100s%s%s", request->step, subject[0] ? " " : "", subject,
           named ? " of " : "", named ? request->interface : "");
}
