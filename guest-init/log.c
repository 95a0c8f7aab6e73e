#include "log.h"

#include "fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Opened for each message: a forked child has closed every descriptor but its own.
static void write_log(int level, const char *format, va_list args) {
  char line[900];
  int length = snprintf(line, sizeof line, "<%d>guest-init: ", level);
  int rest = vsnprintf(line + length, sizeof line - length, format, args);
  if (rest > 0)
    length += rest < (int)sizeof line - length ? rest : (int)sizeof line - length - 1;
  cleanup_fd int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
  // Nowhere to tell of a failure to tell.
  if (fd >= 0 && write(fd, line, length) < 0)
    return;
}

void log_error(const char *format, ...) {
  int saved = errno;
  va_list args;
  va_start(args, format);
  write_log(3, format, args);
  va_end(args);
  errno = saved;
}

void log_info(const char *format, ...) {
  int saved = errno;
  va_list args;
  va_start(args, format);
  write_log(6, format, args);
  va_end(args);
  errno = saved;
}

void fatal(const char *what) {
  log_error("%s: %s", what, strerror(errno));
  abort();
}
