#include "net.h"

#include "netlink.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// One more in a repeated field.
#define ADD(owner, field, element)                                                                           \
  do {                                                                                                       \
    (owner)->field = realloc((owner)->field, ((owner)->n_##field + 1) * sizeof *(owner)->field);             \
    (owner)->field[(owner)->n_##field++] = (element);                                                        \
  } while (0)

ProtobufCBinaryData net_bytes(const char *address) {
  ProtobufCBinaryData bytes = {0};
  if (!address)
    return bytes;
  bytes.data = malloc(16);
  bytes.len = strchr(address, ':') ? 16 : 4;
  if (inet_pton(bytes.len == 4 ? AF_INET : AF_INET6, address, bytes.data) != 1)
    abort();
  return bytes;
}

static ProtobufCBinaryData mac_bytes(const uint8_t mac[6]) {
  ProtobufCBinaryData bytes = {.len = 6, .data = malloc(6)};
  memcpy(bytes.data, mac, 6);
  return bytes;
}

static ProtobufCBinaryData prefix_bytes(const char *prefix, uint32_t *length) {
  char text[64] = "";
  if (!prefix)
    return net_bytes(NULL);
  strncpy(text, prefix, sizeof text - 1);
  char *slash = strchr(text, '/');
  *slash = 0;
  *length = atoi(slash + 1);
  return net_bytes(text);
}

NetworkRequest *net_request(void) {
  NetworkRequest *request = malloc(sizeof *request);
  microvm__guest__v1__network_request__init(request);
  return request;
}

Interface *net_interface(NetworkRequest *request, const uint8_t mac[6], const char *name) {
  Interface *interface = malloc(sizeof *interface);
  microvm__guest__v1__interface__init(interface);
  interface->device_mac = mac_bytes(mac);
  interface->mac = mac_bytes(mac);
  interface->name = strdup(name);
  interface->up = true;
  ADD(request, interfaces, interface);
  return interface;
}

Address *net_address(Interface *interface, const char *prefix) {
  Address *address = malloc(sizeof *address);
  microvm__guest__v1__address__init(address);
  address->address = prefix_bytes(prefix, &address->prefix_length);
  ADD(interface, addresses, address);
  return address;
}

Route *net_route(NetworkRequest *request, const char *prefix, const char *gateway, const char *interface) {
  Route *route = malloc(sizeof *route);
  microvm__guest__v1__route__init(route);
  route->destination = prefix_bytes(prefix, &route->prefix_length);
  route->gateway = net_bytes(gateway);
  route->family = route->destination.len + route->gateway.len >= 16 ? AF_INET6 : AF_INET;
  route->interface = strdup(interface);
  route->table = RT_TABLE_MAIN;
  route->scope = gateway || route->family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
  route->protocol = RTPROT_STATIC;
  route->type = RTN_UNICAST;
  ADD(request, routes, route);
  return route;
}

Rule *net_rule(NetworkRequest *request, uint32_t family, uint32_t priority, uint32_t table) {
  Rule *rule = malloc(sizeof *rule);
  microvm__guest__v1__rule__init(rule);
  rule->family = family;
  rule->priority = priority;
  rule->table = table;
  rule->action = FR_ACT_TO_TBL;
  ADD(request, rules, rule);
  return rule;
}

Neighbour *net_neighbour(NetworkRequest *request, const char *address, const uint8_t mac[6],
                         const char *interface) {
  Neighbour *neighbour = malloc(sizeof *neighbour);
  microvm__guest__v1__neighbour__init(neighbour);
  neighbour->address = net_bytes(address);
  neighbour->proxy = !mac;
  if (mac)
    neighbour->mac = mac_bytes(mac);
  neighbour->interface = strdup(interface);
  ADD(request, neighbours, neighbour);
  return neighbour;
}

Microvm__Guest__V1__Sysctl *net_sysctl(NetworkRequest *request, const char *name, const char *value) {
  Microvm__Guest__V1__Sysctl *sysctl = malloc(sizeof *sysctl);
  microvm__guest__v1__sysctl__init(sysctl);
  sysctl->name = strdup(name);
  sysctl->value = strdup(value);
  ADD(request, sysctls, sysctl);
  return sysctl;
}

static void run(void (*prepare)(void), void (*test)(void)) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) {
    prepare();
    if (!test_failed)
      test();
    fflush(NULL);
    _exit(test_failed);
  }
  int status = 0;
  CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

static void prepare_nothing(void) {}

void net_run(void (*test)(void)) {
  run(prepare_nothing, test);
}

static void prepare_namespace(void) {
  CHECK(unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0);
  struct netlink_batch batch = {0};
  netlink_begin(&batch, &(struct netlink_request){0}, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
                sizeof(struct ifinfomsg));
  netlink_put_text(&batch, IFLA_IFNAME, "eth0");
  size_t info = netlink_nest(&batch, IFLA_LINKINFO);
  netlink_put_text(&batch, IFLA_INFO_KIND, "veth");
  netlink_nest_end(&batch, info);
  int fd = netlink_open();
  CHECK(netlink_run(fd, &batch) == 0 && batch.requests[0].error == 0);
  close(fd);
  net_ip("link set lo up");
}

void net_run_in_namespace(void (*test)(void)) {
  run(prepare_namespace, test);
}

const char *net_ip(const char *arguments) {
  static char output[16384];
  char command[256];
  snprintf(command, sizeof command, "ip %s 2>&1", arguments);
  FILE *pipe = popen(command, "re");
  size_t length = 0;
  for (int next, last = 0; pipe && (next = fgetc(pipe)) != EOF && length < sizeof output - 1; last = next) {
    next = isspace(next) ? ' ' : next;
    if (next != ' ' || last != ' ')
      output[length++] = next;
  }
  output[length] = 0;
  if (pipe)
    pclose(pipe);
  return output;
}

static bool is_so(bool so, const char *arguments, const char *output) {
  if (!so)
    fprintf(stderr, "ip %s: %s\n", arguments, output);
  return so;
}

bool net_ip_says(const char *arguments, const char *expected) {
  const char *output = net_ip(arguments);
  return is_so(strstr(output, expected), arguments, output);
}

bool net_ip_says_only(const char *arguments, const char *expected) {
  const char *output = net_ip(arguments);
  return is_so(strcmp(output, expected) == 0, arguments, output);
}
