// Requests to the kernel's rtnetlink, many in one system call. The kernel carries them out before the call
// returns.
#ifndef NETLINK_H
#define NETLINK_H

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

// A request that has not been sent.
#define NETLINK_UNSENT 1

struct netlink_request {
  // Where its message is in the batch's bytes.
  size_t offset;
  // NETLINK_UNSENT, 0 or a negative errno.
  int error;
  // What an error message calls it: the step, the interface (or NULL), and what the step is about (or NULL).
  const char *step, *interface;
  const void *subject;
};

struct netlink_batch {
  uint8_t *bytes;
  size_t length, capacity;
  struct netlink_request *requests;
  size_t count, room;
};

// The message of a request; valid until something is added.
struct nlmsghdr *netlink_message(const struct netlink_batch *batch, size_t index);
// Begins a request and returns its header after the netlink one, zeroed; valid until something is put into
// it.
void *netlink_begin(struct netlink_batch *batch, const struct netlink_request *request, uint16_t type,
                    uint16_t flags, size_t header_size);
// Puts an attribute into the request begun last.
void netlink_put(struct netlink_batch *batch, uint16_t attribute, const void *data, size_t length);
void netlink_put_u32(struct netlink_batch *batch, uint16_t attribute, uint32_t value);
void netlink_put_text(struct netlink_batch *batch, uint16_t attribute, const char *text);
// An attribute that holds those put until the end; what it returns is for the end.
size_t netlink_nest(struct netlink_batch *batch, uint16_t attribute);
void netlink_nest_end(struct netlink_batch *batch, size_t start);
// Adds what takes away again what request `index` of the other batch has added.
void netlink_add_undo(struct netlink_batch *batch, const struct netlink_batch *other, size_t index);
void netlink_free(struct netlink_batch *batch);

// A descriptor or a negative errno.
int netlink_open(void);
// Sends, in order, the requests that are unsent, and sets their errors. A negative errno if the socket fails.
int netlink_run(int fd, struct netlink_batch *batch);
// Sends the request begun last, a dump, and calls back for each message of the answer.
int netlink_dump(int fd, struct netlink_batch *batch,
                 void (*each)(const struct nlmsghdr *message, void *context), void *context);

#endif
