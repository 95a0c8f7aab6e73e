// What happens in the guest, told to the subscriber in the order in which it happened.
#ifndef EVENTS_H
#define EVENTS_H

#include <stdbool.h>
#include <stdint.h>

// False if there is a subscriber already. Sends what has been kept.
bool events_subscribe(uint32_t call);
// An empty exec_id stands for the init.
void events_exit(const char *container_id, const char *exec_id, uint32_t status);
void events_oom(const char *container_id);
void events_close(void);

#endif
