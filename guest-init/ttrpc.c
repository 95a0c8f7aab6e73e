#include "ttrpc.h"

#include "wire.h"

#include <errno.h>

void ttrpc_encode(uint8_t bytes[TTRPC_HEADER], const struct ttrpc_header *header) {
  put_u32(bytes, header->length);
  put_u32(bytes + 4, header->stream);
  bytes[8] = header->type;
  bytes[9] = header->flags;
}

void ttrpc_decode(const uint8_t bytes[TTRPC_HEADER], struct ttrpc_header *header) {
  *header = (struct ttrpc_header){
      .length = get_u32(bytes),
      .stream = get_u32(bytes + 4),
      .type = bytes[8],
      .flags = bytes[9],
  };
}

int ttrpc_check_request(const struct ttrpc_header *header, uint32_t last) {
  if (header->length > TTRPC_DATA_MAX || header->type != TTRPC_REQUEST)
    return -EPROTO;
  if (header->flags & ~TTRPC_REMOTE_CLOSED)
    return -EPROTO;
  return header->stream % 2 == 1 && header->stream > last ? 0 : -EPROTO;
}
