// The virtio-serial ports that QEMU gave names to.
#ifndef PORTS_H
#define PORTS_H

#include <stddef.h>

// Opens them non-blocking, waiting for those that the kernel has not found yet.
int ports_open(const char *const names[], int fds[], size_t count);

#endif
