// The ends of processes: of jobs, of containers, and of whoever was left to PID 1.
#ifndef REAP_H
#define REAP_H

// SIGCHLD has to be blocked.
int reap_open(void);
void reap_close(void);

#endif
