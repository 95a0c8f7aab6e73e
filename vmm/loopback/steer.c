// A program for the kernel's search for a listener (BPF_PROG_TYPE_SK_LOOKUP).
// It belongs to the network namespace as long as this process runs, and leaves
// nothing there.
#include "assemble.h"
#include "loopback.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of the sockets in their map; that of IPv6 follows.
enum { HOLDING = 0, ACCEPTING = 2, SOCKETS = 4 };

// Each lives for the instant until its segment has come in again.
#define DECISIONS_MAX 1024

static int decisions = -1;

static int bpf(enum bpf_cmd command, union bpf_attr *attr) {
  return syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int make_map(enum bpf_map_type type, size_t key, unsigned entries,
                    unsigned flags) {
  union bpf_attr attr = {.map_type = type,
                         .key_size = key,
                         .value_size = sizeof(uint32_t),
                         .max_entries = entries,
                         .map_flags = flags};
  int fd = bpf(BPF_MAP_CREATE, &attr);
  if (fd < 0)
    fail("BPF_MAP_CREATE");
  return fd;
}

static int update(int map, const void *key, uint32_t value) {
  union bpf_attr attr = {.map_fd = map,
                         .key = (uintptr_t)key,
                         .value = (uintptr_t)&value,
                         .flags = BPF_ANY};
  return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

// Labels.
enum { DIFFERENT = NO_LABEL + 1, ASK, IPV4, CHOOSE, PASS };

#define CONTEXT(field) (int)offsetof(struct bpf_sk_lookup, field)
// The key lies on the stack, and the number of a socket below it.
#define KEY (-(int)sizeof(struct key))
#define ON_STACK(field) (KEY + (int)offsetof(struct key, field))
#define NUMBER (KEY - 4)

static void load_key(struct program *program) {
  const struct {
    int from, or_from, to;
  } words[] = {
      {CONTEXT(family), -1, ON_STACK(family)},
      {CONTEXT(remote_port), -1, ON_STACK(remote_port)},
      {CONTEXT(local_port), -1, ON_STACK(local_port)},
      // Those of the other family are zero.
      {CONTEXT(remote_ip6[0]), CONTEXT(remote_ip4), ON_STACK(remote[0])},
      {CONTEXT(remote_ip6[1]), -1, ON_STACK(remote[1])},
      {CONTEXT(remote_ip6[2]), -1, ON_STACK(remote[2])},
      {CONTEXT(remote_ip6[3]), -1, ON_STACK(remote[3])},
      {CONTEXT(local_ip6[0]), CONTEXT(local_ip4), ON_STACK(local[0])},
      {CONTEXT(local_ip6[1]), -1, ON_STACK(local[1])},
      {CONTEXT(local_ip6[2]), -1, ON_STACK(local[2])},
      {CONTEXT(local_ip6[3]), -1, ON_STACK(local[3])},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    load(program, BPF_REG_1, BPF_REG_6, words[i].from);
    if (words[i].or_from >= 0) {
      load(program, BPF_REG_2, BPF_REG_6, words[i].or_from);
      emit(program, BPF_ALU64 | BPF_OR | BPF_X, BPF_REG_1, BPF_REG_2, 0, 0);
    }
    store(program, words[i].to, BPF_REG_1);
  }
}

static void load_masked(struct program *program, int offset, int mask) {
  load(program, BPF_REG_1, BPF_REG_10, offset);
  emit(program, BPF_ALU64 | BPF_AND | BPF_K, BPF_REG_1, 0, 0, mask);
}

// From the host to itself: to an address from that address, or to 127.0.0.0/8.
// Whatever comes from outside is neither, or the kernel has dropped it.
#define LOOPBACK_MASK htonl(0xff000000)
#define LOOPBACK_NET htonl(0x7f000000)
// Their address does not say which interface's they are.
#define LINK_LOCAL_MASK htonl(0xffc00000)
#define LINK_LOCAL_NET htonl(0xfe800000)

bool steer_concerns(const struct key *key) {
  if (memcmp(key->remote, key->local, sizeof key->local) == 0)
    return key->family == AF_INET ||
           (key->local[0] & LINK_LOCAL_MASK) != LINK_LOCAL_NET;
  return key->family == AF_INET &&
         (key->local[0] & LOOPBACK_MASK) == LOOPBACK_NET;
}

// The same for the kernel: goes on only with those.
static void emit_concerns(struct program *program) {
  for (int i = 0; i < 4; i++) {
    load(program, BPF_REG_1, BPF_REG_10, ON_STACK(remote[0]) + 4 * i);
    load(program, BPF_REG_2, BPF_REG_10, ON_STACK(local[0]) + 4 * i);
    jump_compared(program, BPF_JNE, BPF_REG_1, BPF_REG_2, DIFFERENT);
  }
  load(program, BPF_REG_1, BPF_REG_10, ON_STACK(family));
  jump(program, BPF_JEQ, BPF_REG_1, AF_INET, ASK);
  load_masked(program, ON_STACK(local[0]), LINK_LOCAL_MASK);
  jump(program, BPF_JEQ, BPF_REG_1, LINK_LOCAL_NET, PASS);
  jump(program, BPF_JA, 0, 0, ASK);
  place(program, DIFFERENT);
  load(program, BPF_REG_1, BPF_REG_10, ON_STACK(family));
  jump(program, BPF_JNE, BPF_REG_1, AF_INET, PASS);
  load_masked(program, ON_STACK(local[0]), LOOPBACK_MASK);
  jump(program, BPF_JNE, BPF_REG_1, LOOPBACK_NET, PASS);
  place(program, ASK);
}

// Register 7 becomes the number of the socket that is to have the segment:
// without a decision a holding one. One that is refused is left to the rest of
// the kernel, and so to a listener of the namespace's own.
static void emit_choice(struct program *program) {
  set(program, BPF_REG_7, HOLDING);
  load(program, BPF_REG_1, BPF_REG_10, ON_STACK(family));
  jump(program, BPF_JEQ, BPF_REG_1, AF_INET, IPV4);
  set(program, BPF_REG_7, HOLDING + 1);
  place(program, IPV4);
  call_map(program, BPF_FUNC_map_lookup_elem, decisions, KEY);
  jump(program, BPF_JEQ, BPF_REG_0, 0, CHOOSE);
  load(program, BPF_REG_8, BPF_REG_0, 0);
  call_map(program, BPF_FUNC_map_delete_elem, decisions, KEY);
  jump(program, BPF_JNE, BPF_REG_8, ACCEPTED, PASS);
  emit(program, BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_7, 0, 0, ACCEPTING);
  place(program, CHOOSE);
}

static void emit_assignment(struct program *program, int sockets) {
  store(program, NUMBER, BPF_REG_7);
  call_map(program, BPF_FUNC_map_lookup_elem, sockets, NUMBER);
  jump(program, BPF_JEQ, BPF_REG_0, 0, PASS);
  copy(program, BPF_REG_8, BPF_REG_0);
  copy(program, BPF_REG_1, BPF_REG_6);
  copy(program, BPF_REG_2, BPF_REG_8);
  set(program, BPF_REG_3, 0);
  emit(program, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sk_assign);
  copy(program, BPF_REG_1, BPF_REG_8);
  emit(program, BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sk_release);
}

static int load_program(int sockets) {
  static struct program program;
  copy(&program, BPF_REG_6, BPF_REG_1);
  load(&program, BPF_REG_1, BPF_REG_6, CONTEXT(protocol));
  jump(&program, BPF_JNE, BPF_REG_1, IPPROTO_TCP, PASS);
  load_key(&program);
  emit_concerns(&program);
  emit_choice(&program);
  emit_assignment(&program, sockets);
  place(&program, PASS);
  set(&program, BPF_REG_0, SK_PASS);
  emit(&program, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
  resolve(&program);
  union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SK_LOOKUP,
                         .expected_attach_type = BPF_SK_LOOKUP,
                         .insns = (uintptr_t)program.instructions,
                         .insn_cnt = program.length,
                         .license = (uintptr_t) "Apache-2.0"};
  int fd = bpf(BPF_PROG_LOAD, &attr);
  if (fd < 0)
    fail("BPF_PROG_LOAD");
  return fd;
}

static void attach(int program) {
  int namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  union bpf_attr attr = {.link_create = {.prog_fd = program,
                                         .target_fd = namespace,
                                         .attach_type = BPF_SK_LOOKUP}};
  // Open until the process ends, and with it the program goes.
  if (namespace < 0 || bpf(BPF_LINK_CREATE, &attr) < 0)
    fail("BPF_LINK_CREATE");
  close(namespace);
}

static void add_sockets(int map, uint32_t number,
                        const struct listeners *sockets) {
  const int fds[] = {sockets->ipv4, sockets->ipv6};
  for (uint32_t i = 0; i < 2; i++) {
    const uint32_t key = number + i;
    if (fds[i] >= 0 && update(map, &key, fds[i]) < 0)
      fail("a socket for BPF");
  }
}

void steer_open(const struct listeners *accepting,
                const struct listeners *holding) {
  // Before Linux 5.11 maps count as locked memory.
  const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
  // Without memory for entries that are not there yet.
  decisions = make_map(BPF_MAP_TYPE_HASH, sizeof(struct key), DECISIONS_MAX,
                       BPF_F_NO_PREALLOC);
  int sockets = make_map(BPF_MAP_TYPE_SOCKMAP, sizeof(uint32_t), SOCKETS, 0);
  add_sockets(sockets, HOLDING, holding);
  add_sockets(sockets, ACCEPTING, accepting);
  int program = load_program(sockets);
  attach(program);
  close(program);
}

void steer_decide(const struct key *key, enum verdict verdict) {
  // Without memory for it the connection is asked for once more.
  update(decisions, key, verdict);
}
