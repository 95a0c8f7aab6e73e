#include "loopback.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

// Of the segments that are repeated, so that they are not taken for new ones.
#define MARK 0x6d76766d
#define LOOPBACK_INDEX 1

static int raw4 = -1, raw6 = -1;

// The first segment of a connection that is none of ours: SYN without ACK, RST
// and FIN. It sees packets from their IP header on.
static const struct sock_filter new_connections[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_MARK),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MARK, 13, 0),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SKF_AD_OFF + SKF_AD_PROTOCOL),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 5, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 10),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 8),
    BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
    BPF_JUMP(BPF_JMP | BPF_JA, 3, 0, 0),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
    BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, sizeof(struct ip6_hdr)),
    BPF_STMT(BPF_LD | BPF_B | BPF_IND, 13),
    BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK | TH_RST | TH_FIN),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, 0),
    BPF_STMT(BPF_RET | BPF_K, 0xffff),
};

int segment_watch(void) {
  // Without a protocol it gets nothing before it is bound.
  int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
  const struct sock_fprog filter = {
      .len = sizeof new_connections / sizeof *new_connections,
      .filter = (struct sock_filter *)new_connections};
  const struct sockaddr_ll place = {.sll_family = AF_PACKET,
                                    .sll_protocol = htons(ETH_P_ALL),
                                    .sll_ifindex = LOOPBACK_INDEX};
  if (fd < 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0 ||
      setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) <
          0 ||
      bind(fd, (const struct sockaddr *)&place, sizeof place) < 0)
    fail("a packet socket");
  return fd;
}

static int open_raw(int family) {
  int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW), mark = MARK;
  if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) < 0)
    fail("SO_MARK");
  return fd;
}

void segment_open(void) {
  raw4 = open_raw(AF_INET);
  raw6 = open_raw(AF_INET6);
  if (raw4 < 0)
    fail("a raw socket");
}

// Where TCP begins, 0 if it is not there in full.
static size_t tcp_offset(const struct segment *segment) {
  const size_t length = segment->length;
  if (length < sizeof(struct iphdr))
    return 0;
  const struct iphdr *ip = (const struct iphdr *)segment->bytes;
  size_t offset = ip->version == 4 ? ip->ihl * 4u : sizeof(struct ip6_hdr);
  return offset + sizeof(struct tcphdr) <= length ? offset : 0;
}

bool segment_take(int fd, struct segment *segment, struct key *key) {
  ssize_t count =
      recv(fd, segment->bytes, sizeof segment->bytes, MSG_TRUNC | MSG_DONTWAIT);
  // Longer ones carry data; they come without it, too.
  if (count <= 0 || (size_t)count > sizeof segment->bytes)
    return false;
  segment->length = count;
  size_t offset = tcp_offset(segment);
  if (offset == 0)
    return false;
  const struct tcphdr *tcp = (const struct tcphdr *)(segment->bytes + offset);
  *key =
      (struct key){.remote_port = tcp->source, .local_port = ntohs(tcp->dest)};
  const struct iphdr *ip = (const struct iphdr *)segment->bytes;
  if (ip->version == 4) {
    key->family = AF_INET;
    key->remote[0] = ip->saddr;
    key->local[0] = ip->daddr;
  } else {
    const struct ip6_hdr *ip6 = (const struct ip6_hdr *)segment->bytes;
    key->family = AF_INET6;
    memcpy(key->remote, &ip6->ip6_src, sizeof key->remote);
    memcpy(key->local, &ip6->ip6_dst, sizeof key->local);
  }
  return true;
}

static uint32_t add_words(uint32_t sum, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i + 1 < length; i += 2)
    sum += at[i] << 8 | at[i + 1];
  return length % 2 ? sum + (at[length - 1] << 8) : sum;
}

// On loopback the kernel leaves it out.
static void fill_checksum(struct segment *segment, const struct key *key,
                          size_t offset) {
  struct tcphdr *tcp = (struct tcphdr *)(segment->bytes + offset);
  size_t length = segment->length - offset;
  tcp->check = 0;
  uint32_t sum = IPPROTO_TCP + length;
  sum = add_words(sum, key->remote, sizeof key->remote);
  sum = add_words(sum, key->local, sizeof key->local);
  sum = add_words(sum, tcp, length);
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  tcp->check = htons(~sum);
}

void segment_repeat(const struct segment *segment, const struct key *key) {
  struct segment again = *segment;
  fill_checksum(&again, key, tcp_offset(segment));
  struct sockaddr_in to4 = {.sin_family = AF_INET,
                            .sin_addr.s_addr = key->local[0]};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
  memcpy(&to6.sin6_addr, key->local, sizeof to6.sin6_addr);
  if (key->family == AF_INET)
    sendto(raw4, again.bytes, again.length, 0, (struct sockaddr *)&to4,
           sizeof to4);
  else
    sendto(raw6, again.bytes, again.length, 0, (struct sockaddr *)&to6,
           sizeof to6);
}
