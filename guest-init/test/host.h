// Plays the shim: the whole server but for boot and libcrun, with sockets for its ports.
#ifndef HOST_H
#define HOST_H

#include "guest.pb-c.h"
#include "test.h"

// Turns of the loop, each of at most a millisecond, before something counts as not coming.
#define PATIENCE 5000

struct host {
  int control, io;
  uint8_t in[1 << 16];
  size_t length;
  uint32_t last_call, events_call;
  // Of the last answer taken.
  uint32_t code;
  char message[256];
  uint8_t payload[4096];
  size_t payload_length;
};

extern struct host host;

void host_set_up(void);
void host_tear_down(void);

// Turns the loop once and reads what has come; what the loop returned.
int host_turn(void);
// Sends a request; returns the number of the call.
uint32_t host_send(const char *method, const ProtobufCMessage *message);
// The status code of the answer, or a negative number if none comes.
int host_answer(uint32_t call);
// Both.
int host_call(const char *method, const ProtobufCMessage *message);

uint32_t host_send_create(const char *id, const char *command, uint32_t in, uint32_t out, uint32_t err);
// Creates and starts it without streams.
bool host_run(const char *id, const char *command);
int host_start(const char *id);
int host_signal(const char *id, const char *exec_id, uint32_t number);
int host_delete(const char *id);

void host_subscribe(void);
// The next event, to be freed; NULL if none comes.
Microvm__Guest__V1__Event *host_event(void);
// The exit status in the next event, or a negative number if that is none of this process.
int host_exit(const char *id, const char *exec_id);

// A test between set-up and tear-down.
#define WITH_HOST(test)                                                                                      \
  static void test##_with_host(void) {                                                                       \
    host_set_up();                                                                                           \
    test();                                                                                                  \
    host_tear_down();                                                                                        \
  }

#endif
