// What the parts of microvm-loopback share; main.c says what it does.
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A connection, as the kernel sees its first segment come in. An IPv4 address
// is in the first word; addresses and `remote_port` are in network byte order.
struct key {
  uint32_t family;
  uint32_t remote_port, local_port;
  uint32_t remote[4], local[4];
};

enum verdict { REFUSED, ACCEPTED };

// Says what failed, and ends the process.
_Noreturn void fail(const char *what);

// steer.c: has the kernel look for the listener of a connection here first.

// One for each family, -1 for none.
struct listeners {
  int ipv4, ipv6;
};
// For the namespace that this process is in, until the process has ended.
void steer_open(const struct listeners *accepting,
                const struct listeners *holding);
// Whether a connection is one that is held until `steer_decide`.
bool steer_concerns(const struct key *key);
// Holds for the next segment of that connection, once.
void steer_decide(const struct key *key, enum verdict verdict);

// segment.c: the first segments of connections.

struct segment {
  uint8_t bytes[160];
  size_t length;
};
// A socket that gets a copy of each that comes in by loopback.
int segment_watch(void);
// False if there is none to take, or none that is sound.
bool segment_take(int fd, struct segment *segment, struct key *key);
// Has it come in again. What is lost comes again by itself, a second later.
void segment_repeat(const struct segment *segment, const struct key *key);
void segment_open(void);

// listener.c

// On loopback, at any port; a family that is missing has -1.
struct listeners listener_open(void);
// They take no connection, and the other side is not told.
void listener_hold(const struct listeners *listeners);
// Hands them to the parent, a Node process, over its channel.
void listener_hand_over(const struct listeners *listeners, int channel);

#endif
