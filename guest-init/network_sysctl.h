#ifndef NETWORK_SYSCTL_H
#define NETWORK_SYSCTL_H

#include "guest.pb-c.h"

// Sets it, if this kernel has it and takes the value. The name has been checked.
void network_sysctl_set(const Microvm__Guest__V1__Sysctl *sysctl);

#endif
