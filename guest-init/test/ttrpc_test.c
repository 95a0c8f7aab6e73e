#include "guest.pb-c.h"
#include "test.h"
#include "ttrpc.h"
#include "ttrpc.pb-c.h"
#include "wire.h"

#include <errno.h>
#include <string.h>

static bool round_trip(const uint8_t bytes[TTRPC_HEADER]) {
  struct ttrpc_header header;
  uint8_t again[TTRPC_HEADER];
  ttrpc_decode(bytes, &header);
  ttrpc_encode(again, &header);
  return memcmp(bytes, again, sizeof again) == 0;
}

static void header_fields(void) {
  const uint8_t bytes[] = {0, 0x40, 0, 0, 0x7f, 0xff, 0xff, 0xfd, 1, 1};
  struct ttrpc_header header;
  ttrpc_decode(bytes, &header);
  CHECK(header.length == TTRPC_DATA_MAX && header.stream == 0x7ffffffd);
  CHECK(header.type == TTRPC_REQUEST && header.flags == TTRPC_REMOTE_CLOSED);
  CHECK(round_trip(bytes));
}

static void header_vectors(void) {
  struct vector vectors[64];
  int headers = 0, count = vectors_read("ttrpc.vectors", vectors, 64);
  for (int i = 0; i < count; i++) {
    if (strncmp(vectors[i].name, "header-", 7) != 0)
      continue;
    CHECK(vectors[i].length == TTRPC_HEADER && round_trip(vectors[i].bytes));
    headers++;
  }
  CHECK(headers > 0);
}

// Of the envelope guest-init knows only what it uses; that is all there is in a call of its own service.
static bool same_again(const ProtobufCMessageDescriptor *type, const struct vector *vector) {
  const uint8_t *data = vector->bytes + TTRPC_HEADER;
  uint8_t again[sizeof vector->bytes];
  ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, vector->length - TTRPC_HEADER, data);
  if (!message)
    return false;
  size_t length = protobuf_c_message_pack(message, again);
  protobuf_c_message_free_unpacked(message, NULL);
  return length == vector->length - TTRPC_HEADER && memcmp(again, data, length) == 0;
}

static void message_vectors(void) {
  struct vector vectors[64];
  int seen = 0, count = vectors_read("ttrpc.vectors", vectors, 64);
  for (int i = 0; i < count; i++) {
    const char *name = vectors[i].name;
    const ProtobufCMessageDescriptor *type = NULL;
    if (strcmp(name, "request-hello") == 0 || strcmp(name, "request-events") == 0 ||
        strcmp(name, "request-create") == 0)
      type = &ttrpc__request__descriptor;
    else if (strncmp(name, "response-", 9) == 0)
      type = &ttrpc__response__descriptor;
    else if (strncmp(name, "events-data-", 12) == 0)
      type = &microvm__guest__v1__event__descriptor;
    if (!type)
      continue;
    CHECK(get_u32(vectors[i].bytes) == vectors[i].length - TTRPC_HEADER);
    CHECK(same_again(type, &vectors[i]));
    seen++;
  }
  CHECK(seen >= 8);
}

static void what_a_client_may_send(void) {
  const struct ttrpc_header sound = {.length = 9, .stream = 5, .type = TTRPC_REQUEST, .flags = 1};
  CHECK(ttrpc_check_request(&sound, 3) == 0);
  CHECK(ttrpc_check_request(&sound, 5) == -EPROTO);
  struct ttrpc_header header = sound;
  header.stream = 6;
  CHECK(ttrpc_check_request(&header, 3) == -EPROTO);
  header = sound;
  header.length = TTRPC_DATA_MAX + 1;
  CHECK(ttrpc_check_request(&header, 3) == -EPROTO);
  header = sound;
  header.type = TTRPC_DATA;
  CHECK(ttrpc_check_request(&header, 3) == -EPROTO);
  header = sound;
  header.flags = 2;
  CHECK(ttrpc_check_request(&header, 3) == -EPROTO);
}

const struct test ttrpc_tests[] = {
    {"ttrpc: the fields of a header", header_fields},
    {"ttrpc: vectors are read and written", header_vectors},
    {"ttrpc: messages in the vectors are read and written", message_vectors},
    {"ttrpc: what a client may send", what_a_client_may_send},
    {0},
};
