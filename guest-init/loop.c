#include "loop.h"

#include "fd.h"

#include <errno.h>
#include <stddef.h>

static int epoll_fd = -1;
static struct source *waiting;

int loop_open(void) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  return epoll_fd < 0 ? -errno : 0;
}

void loop_close(void) {
  close_and_reset(&epoll_fd);
  waiting = NULL;
}

int loop_add(struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events | EPOLLET, .data.ptr = source};
  return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_remove(struct source *source) {
  if (source->fd >= 0)
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
  for (struct source **at = &waiting; *at; at = &(*at)->next_again) {
    if (*at == source) {
      *at = source->next_again;
      break;
    }
  }
  source->again = false;
}

void loop_again(struct source *source) {
  if (source->again)
    return;
  source->again = true;
  source->next_again = NULL;
  struct source **at = &waiting;
  while (*at)
    at = &(*at)->next_again;
  *at = source;
}

static int ready(struct source *source, uint32_t events) {
  source->events = events;
  return source->on_ready(source);
}

int loop_turn(int timeout_ms) {
  if (waiting) {
    struct source *source = waiting;
    waiting = source->next_again;
    source->again = false;
    int result = ready(source, 0);
    if (result < 0)
      return result;
    timeout_ms = 0;
  }
  // One event a call: a handler may free any source, also one whose event would be next in a batch.
  struct epoll_event event;
  int count = epoll_wait(epoll_fd, &event, 1, waiting ? 0 : timeout_ms);
  if (count < 0)
    return errno == EINTR ? 0 : -errno;
  return count ? ready(event.data.ptr, event.events) : 0;
}
