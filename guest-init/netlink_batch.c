// How requests are laid out; netlink.c sends them.
#include "log.h"
#include "netlink.h"

#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

struct nlmsghdr *netlink_message(const struct netlink_batch *batch, size_t index) {
  return (struct nlmsghdr *)(batch->bytes + batch->requests[index].offset);
}

// Zeroed room at the end. Lengths are multiples of 4, so that everything is aligned.
static void *append(struct netlink_batch *batch, size_t length) {
  if (batch->capacity - batch->length < length) {
    batch->capacity = 2 * batch->capacity + length + 4096;
    batch->bytes = realloc(batch->bytes, batch->capacity);
    if (!batch->bytes)
      fatal("no netlink message");
  }
  void *room = batch->bytes + batch->length;
  batch->length += length;
  return memset(room, 0, length);
}

static void add_request(struct netlink_batch *batch, const struct netlink_request *request) {
  if (batch->count == batch->room) {
    batch->room = 2 * batch->room + 16;
    batch->requests = realloc(batch->requests, batch->room * sizeof *request);
    if (!batch->requests)
      fatal("no netlink message");
  }
  batch->requests[batch->count] = *request;
  batch->requests[batch->count].offset = batch->length;
  batch->requests[batch->count++].error = NETLINK_UNSENT;
}

void *netlink_begin(struct netlink_batch *batch, const struct netlink_request *request, uint16_t type,
                    uint16_t flags, size_t header_size) {
  size_t length = NLMSG_SPACE(header_size);
  add_request(batch, request);
  struct nlmsghdr *message = append(batch, length);
  // Its number in the batch tells which request an answer is about.
  *message = (struct nlmsghdr){.nlmsg_len = length,
                               .nlmsg_type = type,
                               .nlmsg_flags = NLM_F_REQUEST | flags,
                               .nlmsg_seq = batch->count - 1};
  return NLMSG_DATA(message);
}

// The whole attribute, zeroed but for its header; the last message grows by it.
static struct rtattr *append_attribute(struct netlink_batch *batch, uint16_t type, size_t length) {
  struct rtattr *attribute = append(batch, RTA_SPACE(length));
  *attribute = (struct rtattr){.rta_type = type, .rta_len = RTA_LENGTH(length)};
  netlink_message(batch, batch->count - 1)->nlmsg_len += RTA_SPACE(length);
  return attribute;
}

void netlink_put(struct netlink_batch *batch, uint16_t attribute, const void *data, size_t length) {
  struct rtattr *added = append_attribute(batch, attribute, length);
  if (length)
    memcpy(RTA_DATA(added), data, length);
}

void netlink_put_u32(struct netlink_batch *batch, uint16_t attribute, uint32_t value) {
  netlink_put(batch, attribute, &value, sizeof value);
}

void netlink_put_text(struct netlink_batch *batch, uint16_t attribute, const char *text) {
  netlink_put(batch, attribute, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_batch *batch, uint16_t attribute) {
  size_t start = batch->length;
  append_attribute(batch, attribute | NLA_F_NESTED, 0);
  return start;
}

void netlink_nest_end(struct netlink_batch *batch, size_t start) {
  ((struct rtattr *)(batch->bytes + start))->rta_len = batch->length - start;
}

void netlink_add_undo(struct netlink_batch *batch, const struct netlink_batch *other, size_t index) {
  const struct nlmsghdr *added = netlink_message(other, index);
  add_request(batch, &(struct netlink_request){0});
  struct nlmsghdr *message = append(batch, added->nlmsg_len);
  memcpy(message, added, added->nlmsg_len);
  // RTM_DEL* follows its RTM_NEW*; the flags of the one mean something else in the other.
  message->nlmsg_type = added->nlmsg_type + 1;
  message->nlmsg_flags = NLM_F_REQUEST;
  message->nlmsg_seq = batch->count - 1;
}

void netlink_free(struct netlink_batch *batch) {
  free(batch->bytes);
  free(batch->requests);
  *batch = (struct netlink_batch){0};
}
