#include "network_links.h"

#include "file.h"
#include "log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define DRIVER "/sys/bus/virtio/drivers/virtio_net/"
// Below it a device has no IPv6.
#define IPV6_MTU_MIN 1280

// As many as the machine has places for devices.
#define PARKED_MAX 24

// Without a driver, as they were: a template has all of its devices here.
static struct {
  struct network_link list[PARKED_MAX];
  size_t count;
} parked;

static void copy_mac(uint8_t mac[MAC_LENGTH], const struct rtattr *attribute) {
  if (RTA_PAYLOAD(attribute) == MAC_LENGTH)
    memcpy(mac, RTA_DATA(attribute), MAC_LENGTH);
}

static void copy_text(char *text, size_t size, const struct rtattr *attribute) {
  snprintf(text, size, "%.*s", (int)RTA_PAYLOAD(attribute), (const char *)RTA_DATA(attribute));
}

static void read_attributes(struct network_link *link, const struct rtattr *at, size_t length) {
  static const uint8_t none[MAC_LENGTH];
  char bus[16] = "";
  for (; RTA_OK(at, length); at = RTA_NEXT(at, length)) {
    if (at->rta_type == IFLA_IFNAME)
      copy_text(link->name, sizeof link->name, at);
    else if (at->rta_type == IFLA_MTU)
      memcpy(&link->mtu, RTA_DATA(at), sizeof link->mtu);
    else if (at->rta_type == IFLA_ADDRESS)
      copy_mac(link->mac, at);
    else if (at->rta_type == IFLA_PERM_ADDRESS)
      copy_mac(link->first_mac, at);
    else if (at->rta_type == IFLA_PARENT_DEV_NAME)
      copy_text(link->device, sizeof link->device, at);
    else if (at->rta_type == IFLA_PARENT_DEV_BUS_NAME)
      copy_text(bus, sizeof bus, at);
  }
  if (memcmp(link->first_mac, none, MAC_LENGTH) == 0)
    memcpy(link->first_mac, link->mac, MAC_LENGTH);
  if (strcmp(bus, "virtio") != 0)
    link->device[0] = 0;
}

static void add_link(const struct nlmsghdr *message, void *context) {
  struct network_links *links = context;
  const struct ifinfomsg *info = NLMSG_DATA(message);
  if (message->nlmsg_type != RTM_NEWLINK)
    return;
  links->list = realloc(links->list, (links->count + 1) * sizeof *links->list);
  if (!links->list)
    fatal("no list of interfaces");
  struct network_link *link = &links->list[links->count++];
  *link = (struct network_link){.index = info->ifi_index, .flags = info->ifi_flags};
  read_attributes(link, IFLA_RTA(info), IFLA_PAYLOAD(message));
}

int network_links_read(int fd, struct network_links *links) {
  struct netlink_batch batch = {0};
  netlink_begin(&batch, &(struct netlink_request){0}, RTM_GETLINK, NLM_F_DUMP, sizeof(struct ifinfomsg));
  netlink_put_u32(&batch, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  int result = netlink_dump(fd, &batch, add_link, links);
  netlink_free(&batch);
  return result;
}

const struct network_link *network_links_by_mac(const struct network_links *links,
                                                const uint8_t mac[MAC_LENGTH]) {
  for (size_t i = 0; i < links->count; i++)
    if (memcmp(links->list[i].first_mac, mac, MAC_LENGTH) == 0)
      return &links->list[i];
  return NULL;
}

const struct network_link *network_links_by_name(const struct network_links *links, const char *name) {
  for (size_t i = 0; i < links->count; i++)
    if (strcmp(links->list[i].name, name) == 0)
      return &links->list[i];
  return NULL;
}

// Each step is a request of its own, so that a failure tells which.
static struct ifinfomsg *begin(struct netlink_batch *batch, const struct network_link *link, const char *step,
                               const char *interface) {
  const struct netlink_request request = {.step = step, .interface = interface};
  struct ifinfomsg *info = netlink_begin(batch, &request, RTM_SETLINK, 0, sizeof *info);
  info->ifi_index = link->index;
  return info;
}

static void set_flag(struct netlink_batch *batch, const struct network_link *link, const char *step,
                     const char *interface, uint32_t flag, bool set) {
  struct ifinfomsg *info = begin(batch, link, step, interface);
  info->ifi_flags = set ? flag : 0;
  info->ifi_change = flag;
}

// The kernel makes no IPv6 address by itself: those of the host come with the request.
static void make_no_address(struct netlink_batch *batch, const struct network_link *link,
                            const char *interface) {
  const uint8_t none = IN6_ADDR_GEN_MODE_NONE;
  begin(batch, link, "the mode of IPv6 addresses", interface);
  size_t families = netlink_nest(batch, IFLA_AF_SPEC), ipv6 = netlink_nest(batch, AF_INET6);
  netlink_put(batch, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
  netlink_nest_end(batch, ipv6);
  netlink_nest_end(batch, families);
}

void network_link_rename(struct netlink_batch *batch, const struct network_link *link, const char *name) {
  begin(batch, link, "the name", name);
  netlink_put_text(batch, IFLA_IFNAME, name);
}

void network_link_change(struct netlink_batch *batch, const struct network_link *link,
                         const Microvm__Guest__V1__Interface *interface) {
  const char *name = interface->name;
  const bool other_name = strcmp(link->name, name) != 0;
  const bool other_mac = memcmp(link->mac, interface->mac.data, MAC_LENGTH) != 0;
  const uint32_t mtu = interface->mtu ? interface->mtu : link->mtu;
  if ((other_name || other_mac) && (link->flags & IFF_UP))
    set_flag(batch, link, "going down", name, IFF_UP, false);
  if (other_name)
    network_link_rename(batch, link, name);
  if (other_mac) {
    begin(batch, link, "the MAC address", name);
    netlink_put(batch, IFLA_ADDRESS, interface->mac.data, MAC_LENGTH);
  }
  if (mtu != link->mtu) {
    begin(batch, link, "the MTU", name);
    netlink_put_u32(batch, IFLA_MTU, mtu);
  }
  if (!(link->flags & IFF_NOARP) != !interface->noarp)
    set_flag(batch, link, "ARP", name, IFF_NOARP, interface->noarp);
  if (mtu >= IPV6_MTU_MIN)
    make_no_address(batch, link, name);
  set_flag(batch, link, interface->up ? "going up" : "going down", name, IFF_UP, interface->up);
}

int network_link_unbind(const struct network_link *link) {
  int result = file_write(DRIVER "unbind", link->device);
  if (result == 0 && parked.count < PARKED_MAX)
    parked.list[parked.count++] = *link;
  return result;
}

int network_link_bind(const uint8_t mac[MAC_LENGTH]) {
  for (size_t i = 0; i < parked.count; i++) {
    if (memcmp(parked.list[i].first_mac, mac, MAC_LENGTH) != 0)
      continue;
    int result = file_write(DRIVER "bind", parked.list[i].device);
    if (result == 0)
      parked.list[i] = parked.list[--parked.count];
    return result;
  }
  return 0;
}
