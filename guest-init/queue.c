#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint8_t *queue_reserve(struct queue *queue, size_t length) {
  if (queue->start) {
    memmove(queue->bytes, queue->bytes + queue->start, queue->length);
    queue->start = 0;
  }
  if (queue->length + length > queue->capacity) {
    size_t capacity = queue->capacity ? queue->capacity : 4096;
    while (capacity < queue->length + length)
      capacity *= 2;
    uint8_t *bytes = realloc(queue->bytes, capacity);
    if (!bytes)
      return NULL;
    queue->bytes = bytes;
    queue->capacity = capacity;
  }
  return queue->bytes + queue->length;
}

void queue_commit(struct queue *queue, size_t length) {
  queue->length += length;
}

int queue_append(struct queue *queue, const void *bytes, size_t length) {
  uint8_t *room = queue_reserve(queue, length);
  if (!room)
    return -ENOMEM;
  memcpy(room, bytes, length);
  queue_commit(queue, length);
  return 0;
}

int queue_write(struct queue *queue, int fd) {
  while (queue->length) {
    ssize_t written = write(fd, queue->bytes + queue->start, queue->length);
    if (written < 0) {
      if (errno == EINTR)
        continue;
      return -errno;
    }
    queue->start += written;
    queue->length -= written;
  }
  // An idle queue costs no memory.
  queue_free(queue);
  return 0;
}

void queue_free(struct queue *queue) {
  free(queue->bytes);
  *queue = (struct queue){0};
}
