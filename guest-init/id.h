// Names of containers and of execs.
#ifndef ID_H
#define ID_H

#include <stdbool.h>

#define ID_MAX 76

// containerd's rule: such a name is also safe as one of a file.
bool id_is_valid(const char *id);

#endif
