// Notices that the kernel killed a container's process for want of memory.
#ifndef OOM_H
#define OOM_H

#include "container.h"

int oom_open(void);
void oom_watch(struct container *container);
void oom_unwatch(struct container *container);
// Reports what has happened and was not reported yet: before an Exit, whose cause it may be.
void oom_check(struct container *container);

#endif
