#include "netlink.h"

#include "fd.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/uio.h>

// The answers to so many requests fit into the socket's buffer, even if all fail.
#define AT_ONCE 64
// What the kernel fills at most with a part of a dump.
#define ANSWER_MAX 32768

int netlink_open(void) {
  const int on = 1;
  cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
  // Errors come without a copy of the request.
  if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on) < 0)
    return -errno;
  return take_fd(&fd);
}

// The length of the answer; it is there already. Only the kernel can send to a socket without an address.
static ssize_t receive(int fd, void *bytes, size_t size) {
  ssize_t length = recv(fd, bytes, size, MSG_TRUNC);
  if (length < 0)
    return errno == EAGAIN ? -EIO : -errno;
  return (size_t)length > size ? -EMSGSIZE : length;
}

// Notes errors until the answer to the request `last` has come: that one is answered in any case.
static int take_answers(int fd, struct netlink_batch *batch, size_t last) {
  _Alignas(struct nlmsghdr) uint8_t bytes[4096];
  for (;;) {
    ssize_t length = receive(fd, bytes, sizeof bytes);
    if (length < 0)
      return length;
    for (struct nlmsghdr *at = (void *)bytes; NLMSG_OK(at, length); at = NLMSG_NEXT(at, length)) {
      if (at->nlmsg_type != NLMSG_ERROR || at->nlmsg_seq >= batch->count)
        return -EPROTO;
      batch->requests[at->nlmsg_seq].error = ((struct nlmsgerr *)NLMSG_DATA(at))->error;
      if (at->nlmsg_seq == last)
        return 0;
    }
  }
}

static int run_some(int fd, struct netlink_batch *batch, const size_t *numbers, size_t count) {
  struct iovec parts[AT_ONCE];
  for (size_t i = 0; i < count; i++) {
    struct nlmsghdr *message = netlink_message(batch, numbers[i]);
    // A request that succeeds is answered only if that is asked for.
    message->nlmsg_flags |= i == count - 1 ? NLM_F_ACK : 0;
    parts[i] = (struct iovec){message, message->nlmsg_len};
  }
  if (sendmsg(fd, &(struct msghdr){.msg_iov = parts, .msg_iovlen = count}, 0) < 0)
    return -errno;
  for (size_t i = 0; i < count; i++)
    batch->requests[numbers[i]].error = 0;
  return take_answers(fd, batch, numbers[count - 1]);
}

int netlink_run(int fd, struct netlink_batch *batch) {
  size_t numbers[AT_ONCE], count = 0;
  int result = 0;
  for (size_t i = 0; i < batch->count && result == 0; i++) {
    if (batch->requests[i].error == NETLINK_UNSENT)
      numbers[count++] = i;
    if (count == AT_ONCE || (count && i == batch->count - 1)) {
      result = run_some(fd, batch, numbers, count);
      count = 0;
    }
  }
  return result;
}

int netlink_dump(int fd, struct netlink_batch *batch, void (*each)(const struct nlmsghdr *, void *),
                 void *context) {
  _Alignas(struct nlmsghdr) uint8_t bytes[ANSWER_MAX];
  const struct nlmsghdr *request = netlink_message(batch, batch->count - 1);
  if (send(fd, request, request->nlmsg_len, 0) < 0)
    return -errno;
  for (;;) {
    ssize_t length = receive(fd, bytes, sizeof bytes);
    if (length < 0)
      return length;
    for (struct nlmsghdr *at = (void *)bytes; NLMSG_OK(at, length); at = NLMSG_NEXT(at, length)) {
      if (at->nlmsg_type == NLMSG_DONE)
        return 0;
      if (at->nlmsg_type == NLMSG_ERROR)
        return ((struct nlmsgerr *)NLMSG_DATA(at))->error;
      each(at, context);
    }
  }
}
