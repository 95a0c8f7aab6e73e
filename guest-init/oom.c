#include "oom.h"

#include "cgroup_file.h"
#include "events.h"
#include "loop.h"

#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

static int on_ready(struct source *source);
static struct source notifications = {.fd = -1, .on_ready = on_ready};

void oom_check(struct container *container) {
  if (!container->cgroup)
    return;
  uint64_t kills = cgroup_key(container->cgroup, "memory.events", "oom_kill");
  if (kills > container->oom_kills)
    events_oom(container->id);
  container->oom_kills = kills;
}

// The kernel notifies of every change of memory.events; what it counts is read from there.
static int on_ready(struct source *source) {
  char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
  ssize_t length;
  while ((length = read(source->fd, buffer, sizeof buffer)) > 0) {
    const struct inotify_event *event;
    for (char *at = buffer; at < buffer + length; at += sizeof *event + event->len) {
      event = (const struct inotify_event *)at;
      struct container *container = container_find_oom_watch(event->wd);
      if (container && (event->mask & IN_MODIFY))
        oom_check(container);
    }
  }
  return 0;
}

int oom_open(void) {
  notifications.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  return notifications.fd < 0 ? -errno : loop_add(&notifications, EPOLLIN);
}

void oom_watch(struct container *container) {
  char path[4096 + 64];
  if (!container->cgroup)
    return;
  snprintf(path, sizeof path, CGROUP_ROOT "%s/memory.events", container->cgroup);
  container->oom_watch = inotify_add_watch(notifications.fd, path, IN_MODIFY);
}

void oom_unwatch(struct container *container) {
  if (container->oom_watch >= 0)
    inotify_rm_watch(notifications.fd, container->oom_watch);
  container->oom_watch = -1;
}
