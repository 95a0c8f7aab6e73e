#include "network_check.h"

#include "network_text.h"

#include <ctype.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define INTERFACES_MAX 64
#define OTHERS_MAX 1024
#define MAC 6
#define MTU_MIN 68
#define MTU_MAX 65535
#define SYSCTL_NAME_MAX 128
#define SYSCTL_VALUE_MAX 256

typedef Microvm__Guest__V1__NetworkRequest Request;
typedef Microvm__Guest__V1__Interface Interface;
typedef Microvm__Guest__V1__Address Address;
typedef Microvm__Guest__V1__Route Route;
typedef Microvm__Guest__V1__Rule Rule;
typedef Microvm__Guest__V1__Neighbour Neighbour;
typedef Microvm__Guest__V1__Sysctl Sysctl;

struct complaint {
  char *text;
  size_t size;
};

static bool wrong(const struct complaint *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool wrong(const struct complaint *to, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(to->text, to->size, format, args);
  va_end(args);
  return false;
}

// As the kernel's dev_valid_name has it; it takes a % for a pattern.
static bool is_name(const char *name) {
  size_t length = strlen(name);
  if (length < 1 || length >= IFNAMSIZ || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return false;
  for (; *name; name++)
    if (isspace((unsigned char)*name) || strchr("/:%", *name))
      return false;
  return true;
}

// One interface's: neither all zeros nor a group's.
static bool is_mac(ProtobufCBinaryData mac) {
  static const uint8_t zeros[MAC];
  return mac.len == MAC && !(mac.data[0] & 1) && memcmp(mac.data, zeros, MAC) != 0;
}

static size_t address_length(uint32_t family) {
  return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

// Whether it is a prefix of addresses that are `length` bytes long, or none at all.
static bool is_prefix(ProtobufCBinaryData address, uint32_t prefix_length, size_t length) {
  return address.len == 0 ? prefix_length == 0 : address.len == length && prefix_length <= 8 * length;
}

static bool is_empty_or(ProtobufCBinaryData address, size_t length) {
  return address.len == 0 || address.len == length;
}

static bool has_interface(const Request *request, const char *name) {
  for (size_t i = 0; i < request->n_interfaces; i++)
    if (strcmp(request->interfaces[i]->name, name) == 0)
      return true;
  return false;
}

static bool check_address(const Address *address, const char *interface, const struct complaint *to) {
  size_t length = address->address.len;
  char text[NETWORK_TEXT];
  if (length != 4 && length != 16)
    return wrong(to, "an address of %s has %zu bytes, not 4 or 16", interface, length);
  network_prefix_text(address->address, address->prefix_length, text);
  if (address->prefix_length > 8 * length)
    return wrong(to, "address %s of %s: the prefix is longer than the address", text, interface);
  if (address->broadcast.len && (length != 4 || address->broadcast.len != 4))
    return wrong(to, "address %s of %s: only IPv4 has a broadcast address, of 4 bytes", text, interface);
  if (!is_empty_or(address->peer, length))
    return wrong(to, "address %s of %s: the peer is of another family", text, interface);
  if (address->scope > UINT8_MAX)
    return wrong(to, "address %s of %s: there is no scope %u", text, interface, address->scope);
  return true;
}

static bool check_interface(const Request *request, size_t index, const struct complaint *to) {
  const Interface *interface = request->interfaces[index];
  if (!is_name(interface->name) || strcmp(interface->name, "lo") == 0)
    return wrong(to, "interface %zu cannot have the name '%.40s'", index, interface->name);
  if (!is_mac(interface->device_mac) || !is_mac(interface->mac))
    return wrong(to, "interface %s: a MAC address has 6 bytes and is not a group's", interface->name);
  if (interface->mtu && (interface->mtu < MTU_MIN || interface->mtu > MTU_MAX))
    return wrong(to, "interface %s: the MTU %u is not from %d to %d", interface->name, interface->mtu,
                 MTU_MIN, MTU_MAX);
  for (size_t i = 0; i < index; i++) {
    if (strcmp(request->interfaces[i]->name, interface->name) == 0)
      return wrong(to, "two interfaces have the name %s", interface->name);
    if (memcmp(request->interfaces[i]->device_mac.data, interface->device_mac.data, MAC) == 0)
      return wrong(to, "interfaces %s and %s have the same device", request->interfaces[i]->name,
                   interface->name);
  }
  for (size_t i = 0; i < interface->n_addresses; i++)
    if (!check_address(interface->addresses[i], interface->name, to))
      return false;
  return true;
}

static bool check_route(const Request *request, size_t index, const struct complaint *to) {
  const Route *route = request->routes[index];
  size_t length = address_length(route->family);
  char text[NETWORK_TEXT];
  if (!length)
    return wrong(to, "route %zu: there is no family %u", index, route->family);
  if (!is_prefix(route->destination, route->prefix_length, length))
    return wrong(to, "route %zu: the destination is no prefix of its family", index);
  network_route_text(route, text);
  if (!is_empty_or(route->gateway, length) || !is_empty_or(route->source, length))
    return wrong(to, "route %s: the gateway or the source is of another family", text);
  if (route->interface[0] && strcmp(route->interface, "lo") != 0 && !has_interface(request, route->interface))
    return wrong(to, "route %s: there is no interface '%.40s'", text, route->interface);
  if (route->scope > UINT8_MAX || route->protocol > UINT8_MAX || route->type < RTN_UNICAST ||
      route->type > RTN_MAX)
    return wrong(to, "route %s: there is no scope %u, protocol %u or type %u", text, route->scope,
                 route->protocol, route->type);
  return true;
}

static bool check_rule(const Rule *rule, size_t index, const struct complaint *to) {
  size_t length = address_length(rule->family);
  if (!length)
    return wrong(to, "rule %zu: there is no family %u", index, rule->family);
  if (!is_prefix(rule->source, rule->source_prefix_length, length) ||
      !is_prefix(rule->destination, rule->destination_prefix_length, length))
    return wrong(to, "rule %zu: the source or the destination is no prefix of its family", index);
  if (rule->action != FR_ACT_TO_TBL && rule->action != FR_ACT_NOP &&
      (rule->action < FR_ACT_BLACKHOLE || rule->action > FR_ACT_PROHIBIT))
    return wrong(to, "rule %zu: the action %u is not known", index, rule->action);
  if (rule->action == FR_ACT_TO_TBL && !rule->table)
    return wrong(to, "rule %zu has no table", index);
  if ((rule->incoming_interface[0] && !is_name(rule->incoming_interface)) ||
      (rule->outgoing_interface[0] && !is_name(rule->outgoing_interface)))
    return wrong(to, "rule %zu: no interface can have such a name", index);
  return true;
}

static bool check_neighbour(const Request *request, size_t index, const struct complaint *to) {
  const Neighbour *neighbour = request->neighbours[index];
  if (neighbour->address.len != 4 && neighbour->address.len != 16)
    return wrong(to, "neighbour %zu: the address has %zu bytes, not 4 or 16", index, neighbour->address.len);
  if (!has_interface(request, neighbour->interface))
    return wrong(to, "neighbour %zu: there is no interface '%.40s'", index, neighbour->interface);
  if (neighbour->mac.len != (neighbour->proxy ? 0 : MAC))
    return wrong(to, "neighbour %zu: the MAC address has %zu bytes, not 6, or 0 of a proxy entry", index,
                 neighbour->mac.len);
  return true;
}

static bool check_counts(const Request *request, const struct complaint *to) {
  size_t addresses = 0;
  for (size_t i = 0; i < request->n_interfaces; i++)
    addresses += request->interfaces[i]->n_addresses;
  const struct {
    const char *what;
    size_t count, max;
  } kinds[] = {{"interfaces", request->n_interfaces, INTERFACES_MAX},
               {"addresses", addresses, OTHERS_MAX},
               {"routes", request->n_routes, OTHERS_MAX},
               {"rules", request->n_rules, OTHERS_MAX},
               {"neighbours", request->n_neighbours, OTHERS_MAX},
               {"sysctls", request->n_sysctls, OTHERS_MAX}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (kinds[i].count > kinds[i].max)
      return wrong(to, "%zu %s, at most %zu are allowed", kinds[i].count, kinds[i].what, kinds[i].max);
  return true;
}

// The path does not leave /proc/sys/net.
static bool check_sysctl(const Sysctl *sysctl, size_t index, const struct complaint *to) {
  const char *name = sysctl->name;
  size_t length = strlen(name);
  if (length < 1 || length > SYSCTL_NAME_MAX)
    return wrong(to, "sysctl %zu: a name has 1 to %d bytes", index, SYSCTL_NAME_MAX);
  for (const char *part = name; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
    size_t size = strcspn(part, "/");
    if (size == 0 || strncmp(part, "..", size) == 0)
      return wrong(to, "sysctl %zu: '%s' is no name", index, name);
  }
  if (strlen(sysctl->value) > SYSCTL_VALUE_MAX)
    return wrong(to, "sysctl %s: a value has at most %d bytes", name, SYSCTL_VALUE_MAX);
  return true;
}

bool network_check(const Request *request, char *text, size_t size) {
  const struct complaint to = {text, size};
  bool right = check_counts(request, &to);
  for (size_t i = 0; right && i < request->n_interfaces; i++)
    right = check_interface(request, i, &to);
  for (size_t i = 0; right && i < request->n_routes; i++)
    right = check_route(request, i, &to);
  for (size_t i = 0; right && i < request->n_rules; i++)
    right = check_rule(request->rules[i], i, &to);
  for (size_t i = 0; right && i < request->n_neighbours; i++)
    right = check_neighbour(request, i, &to);
  for (size_t i = 0; right && i < request->n_sysctls; i++)
    right = check_sysctl(request->sysctls[i], i, &to);
  return right;
}
