#include "network_add.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

static int family_of(ProtobufCBinaryData address) {
  return address.len == 4 ? AF_INET : AF_INET6;
}

static void put_bytes(struct netlink_batch *batch, uint16_t attribute, ProtobufCBinaryData bytes) {
  if (bytes.len)
    netlink_put(batch, attribute, bytes.data, bytes.len);
}

static void put_number(struct netlink_batch *batch, uint16_t attribute, uint32_t value) {
  if (value)
    netlink_put_u32(batch, attribute, value);
}

void network_add_address(struct netlink_batch *batch, const Microvm__Guest__V1__Address *address,
                         uint32_t index, const char *interface) {
  const struct netlink_request request = {.step = "address", .interface = interface, .subject = address};
  struct ifaddrmsg *header =
      netlink_begin(batch, &request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof *header);
  header->ifa_family = family_of(address->address);
  header->ifa_prefixlen = address->prefix_length;
  header->ifa_scope = address->scope;
  header->ifa_index = index;
  // The host has made sure that no other has an IPv6 address: it can be used at once.
  header->ifa_flags = header->ifa_family == AF_INET6 ? IFA_F_NODAD | IFA_F_PERMANENT : IFA_F_PERMANENT;
  put_bytes(batch, IFA_LOCAL, address->address);
  put_bytes(batch, IFA_ADDRESS, address->peer.len ? address->peer : address->address);
  put_bytes(batch, IFA_BROADCAST, address->broadcast);
}

void network_add_route(struct netlink_batch *batch, const Microvm__Guest__V1__Route *route, uint32_t index) {
  const struct netlink_request request = {.step = "route", .interface = route->interface, .subject = route};
  // After others to the same destination, as the host lists them.
  struct rtmsg *header =
      netlink_begin(batch, &request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, sizeof *header);
  header->rtm_family = route->family;
  header->rtm_dst_len = route->prefix_length;
  header->rtm_protocol = route->protocol;
  header->rtm_scope = route->scope;
  header->rtm_type = route->type;
  header->rtm_flags = route->onlink ? RTNH_F_ONLINK : 0;
  put_number(batch, RTA_TABLE, route->table);
  put_bytes(batch, RTA_DST, route->destination);
  put_bytes(batch, RTA_GATEWAY, route->gateway);
  put_bytes(batch, RTA_PREFSRC, route->source);
  put_number(batch, RTA_OIF, index);
  put_number(batch, RTA_PRIORITY, route->metric);
  if (route->mtu) {
    size_t metrics = netlink_nest(batch, RTA_METRICS);
    netlink_put_u32(batch, RTAX_MTU, route->mtu);
    netlink_nest_end(batch, metrics);
  }
}

void network_add_rule(struct netlink_batch *batch, const Microvm__Guest__V1__Rule *rule) {
  const struct netlink_request request = {.step = "rule", .subject = rule};
  struct fib_rule_hdr *header =
      netlink_begin(batch, &request, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sizeof *header);
  header->family = rule->family;
  header->src_len = rule->source_prefix_length;
  header->dst_len = rule->destination_prefix_length;
  header->action = rule->action;
  // Without it the kernel takes one of its own choice.
  netlink_put_u32(batch, FRA_PRIORITY, rule->priority);
  put_number(batch, FRA_TABLE, rule->table);
  put_bytes(batch, FRA_SRC, rule->source);
  put_bytes(batch, FRA_DST, rule->destination);
  if (rule->mark || rule->mark_mask)
    netlink_put_u32(batch, FRA_FWMARK, rule->mark);
  put_number(batch, FRA_FWMASK, rule->mark_mask);
  if (rule->incoming_interface[0])
    netlink_put_text(batch, FRA_IIFNAME, rule->incoming_interface);
  if (rule->outgoing_interface[0])
    netlink_put_text(batch, FRA_OIFNAME, rule->outgoing_interface);
}

void network_add_neighbour(struct netlink_batch *batch, const Microvm__Guest__V1__Neighbour *neighbour,
                           uint32_t index) {
  const struct netlink_request request = {
      .step = "neighbour", .interface = neighbour->interface, .subject = neighbour};
  struct ndmsg *header =
      netlink_begin(batch, &request, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, sizeof *header);
  header->ndm_family = family_of(neighbour->address);
  header->ndm_ifindex = index;
  header->ndm_state = NUD_PERMANENT;
  header->ndm_flags = neighbour->proxy ? NTF_PROXY : 0;
  put_bytes(batch, NDA_DST, neighbour->address);
  put_bytes(batch, NDA_LLADDR, neighbour->mac);
}
