// Both ends of the network rows: what a connection carries, and how long an
// answer takes.
//
//   flow serve PORT                    prints "ready", then serves one client
//                                      after the other
//   flow send ADDRESS PORT BYTES       times BYTES to the server
//   flow receive ADDRESS PORT BYTES    times BYTES from the server
//   flow ask ADDRESS PORT TIMES        times questions of one byte, each asked
//                                      when the one before has its answer
//
// A client prints milliseconds. It begins with what it wants, as one character
// and a number; a byte from the server says that all has come.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct request {
  char kind;
  uint64_t count;
} __attribute__((packed));

static char buffer[1 << 17];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void put(int fd, uint64_t bytes) {
  while (bytes > 0) {
    size_t most = bytes < sizeof buffer ? bytes : sizeof buffer;
    ssize_t count = write(fd, buffer, most);
    if (count <= 0)
      fail("write");
    bytes -= count;
  }
}

static void take(int fd, uint64_t bytes) {
  while (bytes > 0) {
    size_t most = bytes < sizeof buffer ? bytes : sizeof buffer;
    ssize_t count = read(fd, buffer, most);
    if (count <= 0)
      fail("read");
    bytes -= count;
  }
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  if (fd < 0)
    fail("socket");
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

static void answer(int fd) {
  struct request request;
  if (recv(fd, &request, sizeof request, MSG_WAITALL) != sizeof request)
    return;
  if (request.kind == 's') {
    take(fd, request.count);
    put(fd, 1);
  }
  if (request.kind == 'r')
    put(fd, request.count);
  for (uint64_t i = 0; request.kind == 'a' && i < request.count; i++) {
    take(fd, 1);
    put(fd, 1);
  }
}

static _Noreturn void serve(int port) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
  int listener = open_socket();
  if (bind(listener, (struct sockaddr *)&any, sizeof any) < 0 ||
      listen(listener, 1) < 0)
    fail("listen");
  puts("ready");
  fflush(stdout);
  for (;;) {
    int fd = accept(listener, NULL, NULL), on = 1;
    if (fd < 0)
      fail("accept");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    answer(fd);
    close(fd);
  }
}

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int run(char kind, const char *address, int port, uint64_t count) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  const struct request request = {kind, count};
  int fd = open_socket();
  if (inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
      connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
    fail(address);
  double begun = now_ms();
  if (write(fd, &request, sizeof request) != sizeof request)
    fail("write");
  if (kind == 's') {
    put(fd, count);
    take(fd, 1);
  }
  if (kind == 'r')
    take(fd, count);
  for (uint64_t i = 0; kind == 'a' && i < count; i++) {
    put(fd, 1);
    take(fd, 1);
  }
  printf("%.3f\n", now_ms() - begun);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "serve") == 0)
    serve(atoi(argv[2]));
  if (argc != 5)
    return 2;
  return run(argv[1][0], argv[2], atoi(argv[3]), strtoull(argv[4], NULL, 10));
}
