// Both ends of the network tests, on the host as in containers.
//
//   peer serve PORT [ADDRESS]
//     TCP and UDP; prints "ready", then a line for each peer
//   peer ask ADDRESS PORT BYTES [CONNECTIONS]
//     over TCP
//   peer ask-udp ADDRESS PORT BYTES
//     one datagram, not to be cut
//   peer tell ADDRESS PORT BYTES
//     one datagram, nothing awaited
//
// A question is bytes, over TCP up to the end of that direction; the answer is
// a line with the asker's address, the number of bytes and their checksum.
// "ask" opens all of its connections before it sends anything on one.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, MOST = 1024, LIMIT_MS = 20000 };

static void fail(const char *what) {
  printf("%s: %s\n", what, strerror(errno));
  exit(1);
}

struct sum {
  uint64_t bytes, hash;
};

static void add(struct sum *sum, const unsigned char *bytes, size_t count) {
  for (size_t i = 0; i < count; i++)
    sum->hash = sum->hash * 31 + bytes[i];
  sum->bytes += count;
}

// Bytes that tell their place, from an offset that is a multiple of 8.
static void fill(unsigned char *bytes, size_t count, uint64_t offset) {
  for (size_t i = 0; i < count; i += 8) {
    uint64_t word = ((offset + i) / 8 + 1) * 0x9e3779b97f4a7c15;
    memcpy(bytes + i, &word, sizeof word);
  }
}

static struct sockaddr_in6 address_of(const char *text, int port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                 .sin6_port = htons(port)};
  char mapped[INET6_ADDRSTRLEN + 8];
  snprintf(mapped, sizeof mapped, strchr(text, ':') ? "%s" : "::ffff:%s", text);
  if (inet_pton(AF_INET6, mapped, &address.sin6_addr) != 1)
    fail(text);
  return address;
}

static int answer(char *line, size_t size, const struct sockaddr_in6 *from,
                  const struct sum *sum) {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &from->sin6_addr, text, sizeof text);
  const char *plain = strncmp(text, "::ffff:", 7) == 0 ? text + 7 : text;
  return snprintf(line, size, "%s %llu %016llx\n", plain,
                  (unsigned long long)sum->bytes,
                  (unsigned long long)sum->hash);
}

static int open_socket(int type) {
  int fd = socket(AF_INET6, type, 0);
  int off = 0, on = 1;
  if (fd < 0)
    fail("socket");
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
  return fd;
}

static int open_server(int type, const char *address, int port) {
  struct sockaddr_in6 any = address_of(address, port);
  int fd = open_socket(type);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0)
    fail("bind");
  if (type == SOCK_STREAM && listen(fd, MOST) < 0)
    fail("listen");
  return fd;
}

static void watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
    fail("epoll");
}

static unsigned char buffer[CHUNK];

static void on_datagram(int fd) {
  struct sockaddr_in6 from;
  socklen_t size = sizeof from;
  ssize_t count =
      recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr *)&from, &size);
  if (count < 0)
    return;
  struct sum sum = {0};
  add(&sum, buffer, count);
  char line[128];
  int length = answer(line, sizeof line, &from, &sum);
  printf("udp %s", line);
  sendto(fd, line, length, 0, (struct sockaddr *)&from, size);
}

static void on_bytes(int fd, struct sum *sum) {
  ssize_t count = read(fd, buffer, sizeof buffer);
  if (count > 0) {
    add(sum, buffer, count);
    return;
  }
  struct sockaddr_in6 from;
  socklen_t size = sizeof from;
  char line[128];
  if (count == 0 && getpeername(fd, (struct sockaddr *)&from, &size) == 0) {
    int length = answer(line, sizeof line, &from, sum);
    printf("tcp %s", line);
    if (write(fd, line, length) != length)
      printf("the answer was not taken\n");
  }
  close(fd);
}

static _Noreturn void serve(const char *address, int port) {
  static struct sum sums[2 * MOST];
  int tcp = open_server(SOCK_STREAM, address, port),
      udp = open_server(SOCK_DGRAM, address, port);
  int epoll = epoll_create1(0);
  watch(epoll, tcp);
  watch(epoll, udp);
  printf("ready\n");
  for (;;) {
    struct epoll_event event;
    if (epoll_wait(epoll, &event, 1, -1) < 1)
      continue;
    int fd = event.data.fd;
    if (fd == udp)
      on_datagram(fd);
    else if (fd != tcp)
      on_bytes(fd, &sums[fd]);
    else if ((fd = accept(tcp, NULL, NULL)) >= 0 && fd < 2 * MOST) {
      sums[fd] = (struct sum){0};
      watch(epoll, fd);
    }
  }
}

static void send_all(int fd, uint64_t bytes, struct sum *sum) {
  for (uint64_t sent = 0; sent < bytes;) {
    size_t count = bytes - sent < CHUNK ? bytes - sent : CHUNK;
    fill(buffer, count, sent);
    add(sum, buffer, count);
    for (size_t done = 0; done < count;) {
      ssize_t wrote = write(fd, buffer + done, count - done);
      if (wrote < 0)
        fail("write");
      done += wrote;
    }
    sent += count;
  }
}

static void expect_answer(int fd, const struct sum *sum, int quiet) {
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  char line[128] = "", wanted[64];
  if (poll(&ready, 1, LIMIT_MS) == 0) {
    errno = ETIMEDOUT;
    fail("answer");
  }
  ssize_t count = read(fd, line, sizeof line - 1);
  if (count < 0)
    fail("answer");
  snprintf(wanted, sizeof wanted, " %llu %016llx\n",
           (unsigned long long)sum->bytes, (unsigned long long)sum->hash);
  char *space = strchr(line, ' ');
  if (space == NULL || strcmp(space, wanted) != 0) {
    printf("wrong answer: %sinstead of%s", line, wanted);
    exit(1);
  }
  if (!quiet)
    printf("%.*s %llu\n", (int)(space - line), line,
           (unsigned long long)sum->bytes);
}

static int ask(const struct sockaddr_in6 *to, uint64_t bytes, int connections) {
  static int fds[MOST];
  static struct sum sums[MOST];
  if (connections > MOST)
    return 2;
  for (int i = 0; i < connections; i++) {
    fds[i] = open_socket(SOCK_STREAM);
    if (connect(fds[i], (const struct sockaddr *)to, sizeof *to) < 0)
      fail("connect");
  }
  for (int i = 0; i < connections; i++) {
    send_all(fds[i], bytes, &sums[i]);
    shutdown(fds[i], SHUT_WR);
  }
  for (int i = 0; i < connections; i++)
    expect_answer(fds[i], &sums[i], i > 0);
  return 0;
}

// A router's refusal of its size comes back after the first; then the kernel
// refuses by itself.
static int ask_udp(const struct sockaddr_in6 *to, size_t bytes) {
  int fd = open_socket(SOCK_DGRAM), always = IP_PMTUDISC_DO;
  setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always);
  setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &always, sizeof always);
  if (connect(fd, (const struct sockaddr *)to, sizeof *to) < 0)
    fail("connect");
  struct sum sum = {0};
  fill(buffer, (bytes + 7) & ~(size_t)7, 0);
  add(&sum, buffer, bytes);
  if (send(fd, buffer, bytes, 0) < 0)
    fail("send");
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  // Without error an answer, or one is lost on the way: a second time is
  // allowed.
  if (poll(&ready, 1, 2000) == 0 && send(fd, buffer, bytes, 0) < 0)
    fail("send");
  expect_answer(fd, &sum, 0);
  return 0;
}

static int tell(const struct sockaddr_in6 *to, size_t bytes) {
  fill(buffer, (bytes + 7) & ~(size_t)7, 0);
  if (sendto(open_socket(SOCK_DGRAM), buffer, bytes, 0,
             (const struct sockaddr *)to, sizeof *to) < 0)
    fail("send");
  return 0;
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc >= 3 && strcmp(argv[1], "serve") == 0)
    serve(argc > 3 ? argv[3] : "::", atoi(argv[2]));
  if (argc < 5)
    return 2;
  struct sockaddr_in6 to = address_of(argv[2], atoi(argv[3]));
  uint64_t bytes = strtoull(argv[4], NULL, 10);
  if (strcmp(argv[1], "ask") == 0)
    return ask(&to, bytes, argc > 5 ? atoi(argv[5]) : 1);
  if (bytes > CHUNK - 8)
    return 2;
  if (strcmp(argv[1], "ask-udp") == 0)
    return ask_udp(&to, bytes);
  if (strcmp(argv[1], "tell") == 0)
    return tell(&to, bytes);
  return 2;
}
