// Messages over a Unix socket that may bring a descriptor.
#ifndef PASSFD_H
#define PASSFD_H

#include <stddef.h>
#include <sys/types.h>

// Without a descriptor if fd is -1.
int send_with_fd(int socket, const void *bytes, size_t length, int fd);
// Returns the length or a negative errno; *fd is -1 if none came.
ssize_t receive_with_fd(int socket, void *bytes, size_t length, int *fd);

#endif
