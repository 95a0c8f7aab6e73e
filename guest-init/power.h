#ifndef POWER_H
#define POWER_H

#include <stdbool.h>

// Kills all processes and ends the VM. `orderly`: file systems are written out first, within a time limit.
_Noreturn void power_off(bool orderly);

#endif
