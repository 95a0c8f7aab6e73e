// How libcrun hands over the master of a terminal: it connects to a socket and sends it.
#ifndef CONSOLE_H
#define CONSOLE_H

// Both return a descriptor or a negative errno. The path is one for a Unix socket: at most 107 bytes.
int console_listen(const char *path);
// Once libcrun has returned: does not wait.
int console_receive(int listener);

#endif
