// Lines that tell what came of an expectation.
#include "probe.h"

void say(const char *name, long result) {
  printf("%s: %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
}

void say_number(const char *name, long long number) {
  printf("%s: %lld\n", name, number);
}

void say_mode(const char *name, const char *path) {
  struct stat st;
  if (lstat(path, &st) < 0)
    return say(name, -1);
  printf("%s: %06o %u:%u links %lu\n", name, st.st_mode, st.st_uid, st.st_gid, (unsigned long)st.st_nlink);
}

long make(const char *path, mode_t mode, const char *content) {
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, mode);
  long written = fd < 0 ? -1 : write(fd, content, strlen(content));
  close(fd);
  return written;
}

void say_content(const char *name, const char *path) {
  char text[200] = "";
  int fd = open(path, O_RDONLY);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
    say(name, -1);
  else
    printf("%s: \"%s\"\n", name, text);
  close(fd);
}

void as_other(void (*function)(void), gid_t extra) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    if (setgroups(1, &extra) < 0 || setgid(OTHER) < 0 || setuid(OTHER) < 0)
      say("become another user", -1);
    function();
    fflush(stdout);
    _exit(0);
  }
  int status;
  waitpid(pid, &status, 0);
  if (status)
    say_number("a child ended badly", status);
}
