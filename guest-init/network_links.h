// The network interfaces that the guest has, and what turns them into those that it is to have.
#ifndef NETWORK_LINKS_H
#define NETWORK_LINKS_H

#include "guest.pb-c.h"
#include "netlink.h"

#include <net/if.h>

#define MAC_LENGTH 6

struct network_link {
  uint32_t index, flags, mtu;
  char name[IFNAMSIZ];
  uint8_t mac[MAC_LENGTH];
  // What it had at first, if the kernel knows; else its mac.
  uint8_t first_mac[MAC_LENGTH];
  // The name of its virtio device, empty if it has none.
  char device[32];
};

struct network_links {
  struct network_link *list;
  size_t count;
};

// 0 or a negative errno. The list is to be freed.
int network_links_read(int fd, struct network_links *links);
// NULL if there is none.
const struct network_link *network_links_by_mac(const struct network_links *links,
                                                const uint8_t mac[MAC_LENGTH]);
const struct network_link *network_links_by_name(const struct network_links *links, const char *name);
// Adds what changes the link into the interface, up to its being up; addresses excepted. Names have to be
// free.
void network_link_change(struct netlink_batch *batch, const struct network_link *link,
                         const Microvm__Guest__V1__Interface *interface);
// Adds what gives the link a name.
void network_link_rename(struct netlink_batch *batch, const struct network_link *link, const char *name);
// Takes the interface away from its virtio device. 0 or a negative errno.
int network_link_unbind(const struct network_link *link);
// Gives the device that was known by that address an interface again; nothing if none was taken from it.
int network_link_bind(const uint8_t mac[MAC_LENGTH]);

#endif
