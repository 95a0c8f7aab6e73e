// The io port: carries the frames of all streams, each stream in its turn.
#ifndef MUX_H
#define MUX_H

#include "stream.h"

// Takes the descriptor, which must not block.
int mux_open(int fd);
void mux_close(void);
// Takes the stream; it is freed when it has ended.
void mux_add(struct stream *stream);
struct stream *mux_find(uint32_t id);
// Ends a stream from this side, with EOF or GONE as its direction has it. Unknown ids are no error.
void mux_end(uint32_t id);
// Looks at a stream as if it had become ready: before something that should come after its last bytes.
int mux_poll(uint32_t id);
// Has the port pump in its own turn.
void mux_again(void);
// Sends what streams have to send until the port is full or all wait.
int mux_pump(void);

#endif
