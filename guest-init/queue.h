// Bytes on their way out: appended at one end, written to a descriptor from the other.
#ifndef QUEUE_H
#define QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct queue {
  uint8_t *bytes;
  size_t start, length, capacity;
};

// Room for that many bytes more at the queue's end; they count from queue_commit on. NULL without memory.
uint8_t *queue_reserve(struct queue *queue, size_t length);
void queue_commit(struct queue *queue, size_t length);
int queue_append(struct queue *queue, const void *bytes, size_t length);
// 0 once the queue is empty, -EAGAIN if the descriptor takes no more now, another -errno if it never will.
int queue_write(struct queue *queue, int fd);
void queue_free(struct queue *queue);

#endif
