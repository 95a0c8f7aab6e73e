// The end of a container's processes, told in the order that the protocol promises: the init's last.
#ifndef ENDING_H
#define ENDING_H

#include "container.h"

// `status` as waitpid gives it. An exec is removed by it. A negative errno ends the loop.
int ending_exited(struct process *process, int status);
// Tells of the init's end if nothing holds it back any more. To be called when an exec has been removed.
int ending_conclude(struct container *container);

#endif
