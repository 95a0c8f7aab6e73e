#include "loopback.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096

static int open_at(const void *address, socklen_t size) {
  const struct sockaddr *at = address;
  int fd = socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  if (fd >= 0 && at->sa_family == AF_INET6)
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (fd >= 0 && (bind(fd, at, size) < 0 || listen(fd, BACKLOG) < 0)) {
    close(fd);
    fd = -1;
  }
  return fd;
}

struct listeners listener_open(void) {
  const struct sockaddr_in ipv4 = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6,
                                    .sin6_addr = in6addr_loopback};
  struct listeners listeners = {open_at(&ipv4, sizeof ipv4),
                                open_at(&ipv6, sizeof ipv6)};
  if (listeners.ipv4 < 0)
    fail("a listener");
  return listeners;
}

void listener_hold(const struct listeners *listeners) {
  // From the header of TCP on. What belongs to no connection is still refused.
  struct sock_filter no_connections[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK | TH_RST | TH_FIN),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffff),
  };
  const struct sock_fprog filter = {.len = sizeof no_connections /
                                           sizeof *no_connections,
                                    .filter = no_connections};
  const int fds[] = {listeners->ipv4, listeners->ipv6};
  for (size_t i = 0; i < 2; i++)
    if (fds[i] >= 0 && setsockopt(fds[i], SOL_SOCKET, SO_ATTACH_FILTER, &filter,
                                  sizeof filter) < 0)
      fail("SO_ATTACH_FILTER");
}

// As one Node process hands the handle of a server to another.
static void hand_over(int fd, int channel, const char *message) {
  char text[128];
  int length = snprintf(
      text, sizeof text,
      "{\"cmd\":\"NODE_HANDLE\",\"type\":\"net.Native\",\"msg\":\"%s\"}\n",
      message);
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof fd)];
  } control = {.header = {.cmsg_level = SOL_SOCKET,
                          .cmsg_type = SCM_RIGHTS,
                          .cmsg_len = CMSG_LEN(sizeof fd)}};
  memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
  struct iovec bytes = {text, length};
  struct msghdr packet = {.msg_iov = &bytes,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control};
  if (sendmsg(channel, &packet, MSG_NOSIGNAL) != length)
    fail("the parent's channel");
}

void listener_hand_over(const struct listeners *listeners, int channel) {
  if (listeners->ipv6 >= 0)
    hand_over(listeners->ipv6, channel, "more");
  hand_over(listeners->ipv4, channel, "last");
}
