#include "network.h"

#include "fd.h"
#include "netlink.h"
#include "network_add.h"
#include "network_apply.h"
#include "network_check.h"
#include "network_links.h"
#include "network_sysctl.h"
#include "network_text.h"
#include "rpc.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

typedef Microvm__Guest__V1__NetworkRequest Request;
typedef Microvm__Guest__V1__Interface Interface;

// One call of the method.
struct setting {
  uint32_t call;
  int fd;
  const Request *request;
  // As they were when the call began.
  struct network_links links;
  // For each interface of the request.
  const struct network_link **links_of;
  struct netlink_batch batch;
};

static bool fail(const struct setting *setting, const char *what, int error) {
  rpc_fail(setting->call, TTRPC_INTERNAL, "%s: %s", what, strerror(-error));
  return false;
}

// Devices from which they have been taken.
static bool bind_wanted(struct setting *setting) {
  for (size_t i = 0; i < setting->request->n_interfaces; i++) {
    int result = network_link_bind(setting->request->interfaces[i]->device_mac.data);
    if (result < 0)
      return fail(setting, setting->request->interfaces[i]->name, result);
  }
  return true;
}

static bool find_links(struct setting *setting) {
  const Request *request = setting->request;
  setting->links_of = calloc(request->n_interfaces + 1, sizeof *setting->links_of);
  int result = setting->links_of ? network_links_read(setting->fd, &setting->links) : -ENOMEM;
  if (result < 0)
    return fail(setting, "the list of interfaces", result);
  for (size_t i = 0; i < request->n_interfaces; i++) {
    const uint8_t *mac = request->interfaces[i]->device_mac.data;
    setting->links_of[i] = network_links_by_mac(&setting->links, mac);
    if (!setting->links_of[i]) {
      rpc_fail(setting->call, TTRPC_NOT_FOUND,
               "interface %s: no device has the MAC address %02x:%02x:%02x:%02x:%02x:%02x",
               request->interfaces[i]->name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
      return false;
    }
  }
  return true;
}

static bool is_named(const struct setting *setting, const struct network_link *link) {
  for (size_t i = 0; i < setting->request->n_interfaces; i++)
    if (setting->links_of[i] == link)
      return true;
  return false;
}

// They give their names up with it.
static bool unbind_others(struct setting *setting) {
  for (size_t i = 0; i < setting->links.count; i++) {
    struct network_link *link = &setting->links.list[i];
    if (!link->device[0] || is_named(setting, link))
      continue;
    int result = network_link_unbind(link);
    if (result < 0)
      return fail(setting, link->name, result);
    link->name[0] = 0;
  }
  return true;
}

static bool is_wanted(const struct setting *setting, const char *name) {
  for (size_t i = 0; i < setting->request->n_interfaces; i++)
    if (strcmp(setting->request->interfaces[i]->name, name) == 0)
      return true;
  return false;
}

// Gives another name to what has a name that an interface is to get: two may be to swap theirs.
static void free_names(struct setting *setting) {
  char name[IFNAMSIZ];
  unsigned number = 0;
  for (size_t i = 0; i < setting->request->n_interfaces; i++) {
    const struct network_link *link =
        network_links_by_name(&setting->links, setting->request->interfaces[i]->name);
    if (!link || link == setting->links_of[i])
      continue;
    do
      snprintf(name, sizeof name, "moved%u", number++);
    while (is_wanted(setting, name) || network_links_by_name(&setting->links, name));
    network_link_rename(&setting->batch, link, name);
  }
}

static uint32_t index_of(const struct setting *setting, const char *name) {
  for (size_t i = 0; i < setting->request->n_interfaces; i++)
    if (strcmp(setting->request->interfaces[i]->name, name) == 0)
      return setting->links_of[i]->index;
  const struct network_link *link = name[0] ? network_links_by_name(&setting->links, name) : NULL;
  return link ? link->index : 0;
}

// The kernel has it from the start.
static bool is_default(const Microvm__Guest__V1__Rule *rule) {
  if (rule->action != FR_ACT_TO_TBL || rule->source.len || rule->destination.len || rule->mark ||
      rule->mark_mask || rule->incoming_interface[0] || rule->outgoing_interface[0])
    return false;
  return (rule->priority == 0 && rule->table == RT_TABLE_LOCAL) ||
         (rule->priority == 32766 && rule->table == RT_TABLE_MAIN) ||
         (rule->priority == 32767 && rule->table == RT_TABLE_DEFAULT && rule->family == AF_INET);
}

static void add_links(struct setting *setting) {
  const Request *request = setting->request;
  free_names(setting);
  for (size_t i = 0; i < request->n_interfaces; i++)
    network_link_change(&setting->batch, setting->links_of[i], request->interfaces[i]);
}

static void add_rest(struct setting *setting) {
  const Request *request = setting->request;
  struct netlink_batch *batch = &setting->batch;
  for (size_t i = 0; i < request->n_interfaces; i++)
    for (size_t j = 0; j < request->interfaces[i]->n_addresses; j++)
      network_add_address(batch, request->interfaces[i]->addresses[j], setting->links_of[i]->index,
                          request->interfaces[i]->name);
  for (size_t i = 0; i < request->n_routes; i++)
    network_add_route(batch, request->routes[i], index_of(setting, request->routes[i]->interface));
  for (size_t i = 0; i < request->n_rules; i++)
    if (!is_default(request->rules[i]))
      network_add_rule(batch, request->rules[i]);
  for (size_t i = 0; i < request->n_neighbours; i++)
    network_add_neighbour(batch, request->neighbours[i],
                          index_of(setting, request->neighbours[i]->interface));
}

// A route may be there by itself: the kernel makes some with an address.
static bool is_done(const struct netlink_batch *batch, size_t index) {
  const int error = batch->requests[index].error;
  const uint16_t type = netlink_message(batch, index)->nlmsg_type;
  return error == 0 || (error == -EEXIST && type == RTM_NEWROUTE);
}

// What was added is carried out.
static bool apply(struct setting *setting) {
  char text[NETWORK_TEXT];
  int result = network_apply(setting->fd, &setting->batch);
  if (result < 0)
    return fail(setting, "the netlink socket", result);
  for (size_t i = 0; i < setting->batch.count; i++) {
    if (is_done(&setting->batch, i))
      continue;
    network_request_text(&setting->batch, i, text);
    return fail(setting, text, setting->batch.requests[i].error);
  }
  netlink_free(&setting->batch);
  return true;
}

static bool configure(struct setting *setting) {
  int result = network_take_back(setting->fd);
  if (result < 0)
    return fail(setting, "the netlink socket", result);
  add_links(setting);
  if (!apply(setting))
    return false;
  // They are named by the interfaces, and some decide whether those may have addresses.
  for (size_t i = 0; i < setting->request->n_sysctls; i++)
    network_sysctl_set(setting->request->sysctls[i]);
  add_rest(setting);
  return apply(setting);
}

void network_handle(uint32_t call, const ProtobufCMessage *message) {
  struct setting setting = {.call = call, .request = (const Request *)message};
  char text[512];
  if (!network_check(setting.request, text, sizeof text))
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%s", text);
  cleanup_fd int fd = netlink_open();
  if (fd < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "no netlink socket: %s", strerror(-fd));
  setting.fd = fd;
  Microvm__Guest__V1__NetworkResponse response = MICROVM__GUEST__V1__NETWORK_RESPONSE__INIT;
  if (bind_wanted(&setting) && find_links(&setting) && unbind_others(&setting) && configure(&setting))
    rpc_answer(call, &response.base);
  netlink_free(&setting.batch);
  free(setting.links.list);
  free(setting.links_of);
}
