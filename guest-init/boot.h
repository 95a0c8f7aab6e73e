// What a kernel leaves to its init: file systems, control groups, the loopback interface, limits.
#ifndef BOOT_H
#define BOOT_H

int boot(void);

#endif
