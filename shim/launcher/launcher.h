// The parts of containerd-shim-microvm-v2; main.c says what it is.
#pragma once
#include <sys/types.h>

// Kinds of messages of the daemon's: see main.c.
enum { OUTPUT, ERROR, SHARE };

// Says what went wrong, and gives the exit status.
int fail(const char *what);

// Starts the daemon, does what it asks for, and gives the exit status.
int start(const char *shim, int argc, char **argv);

// Of a child: becomes the daemon, which has the flags, the standard input and
// `channel`. `containerd` is the OOM score of whoever runs us.
_Noreturn void become_daemon(const char *shim, int argc, char **argv,
                             int channel, int containerd);
