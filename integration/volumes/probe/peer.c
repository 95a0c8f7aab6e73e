// One of two programs that meet by a file.
#include "probe.h"

int try_lock(const char *path) {
  int fd = open(path, O_RDWR);
  bool got = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
  return puts(got ? "the lock is free" : "the lock is taken") < 0;
}

int watch(const char *path) {
  char buffer[4096] __attribute__((aligned(8)));
  int fd = inotify_init1(0);
  if (inotify_add_watch(fd, path, IN_CREATE) < 0)
    return 1;
  puts("watching");
  fflush(stdout);
  for (ssize_t length; (length = read(fd, buffer, sizeof buffer)) > 0;) {
    for (char *at = buffer; at < buffer + length;) {
      const struct inotify_event *event = (const struct inotify_event *)at;
      puts(event->name);
      if (strcmp(event->name, "end") == 0)
        return 0;
      at += sizeof *event + event->len;
    }
  }
  return 1;
}

static int serve(int fd, const struct sockaddr_un *address) {
  if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0 || listen(fd, 1) < 0)
    return 1;
  puts("listening");
  fflush(stdout);
  return write(accept(fd, NULL, NULL), "hello", 5) != 5;
}

static int ask(int fd, const struct sockaddr_un *address) {
  char text[20] = "";
  if (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0)
    return puts(strerrorname_np(errno)) < 0;
  return read(fd, text, sizeof text - 1) < 0 || puts(text) < 0;
}

int talk(const char *how, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  return strcmp(how, "--serve") == 0 ? serve(fd, &address) : ask(fd, &address);
}
