// Headers of ttrpc messages on the control port.
#ifndef TTRPC_H
#define TTRPC_H

#include <stddef.h>
#include <stdint.h>

#define TTRPC_HEADER 10
#define TTRPC_DATA_MAX (4 << 20)

enum ttrpc_type { TTRPC_REQUEST = 1, TTRPC_RESPONSE = 2, TTRPC_DATA = 3 };
enum ttrpc_flag { TTRPC_REMOTE_CLOSED = 1 };

// gRPC's.
enum ttrpc_code {
  TTRPC_OK = 0,
  TTRPC_INVALID_ARGUMENT = 3,
  TTRPC_NOT_FOUND = 5,
  TTRPC_ALREADY_EXISTS = 6,
  TTRPC_FAILED_PRECONDITION = 9,
  TTRPC_UNIMPLEMENTED = 12,
  TTRPC_INTERNAL = 13,
  TTRPC_UNAVAILABLE = 14,
};

struct ttrpc_header {
  uint32_t length;
  uint32_t stream;
  uint8_t type;
  uint8_t flags;
};

void ttrpc_encode(uint8_t bytes[TTRPC_HEADER], const struct ttrpc_header *header);
void ttrpc_decode(const uint8_t bytes[TTRPC_HEADER], struct ttrpc_header *header);
// 0, or -EPROTO if a client may not send this after the stream `last`: ids are odd and grow.
int ttrpc_check_request(const struct ttrpc_header *header, uint32_t last);

#endif
