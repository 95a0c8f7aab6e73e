// What the parts of the probe share; main.c says what it is.
#ifndef PROBE_H
#define PROBE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/fs.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// A user and group that is not root.
#define OTHER 1000

// say.c
void say(const char *name, long result);
void say_number(const char *name, long long number);
void say_mode(const char *name, const char *path);
long make(const char *path, mode_t mode, const char *content);
void say_content(const char *name, const char *path);
// Runs the function as another user with the extra group; what it says appears
// in order.
void as_other(void (*function)(void), gid_t extra);

// access.c
void modes(void);
void permissions(void);
void attributes(void);
void acls(void);

// names.c
void names(void);
void unlinked(void);
void times(void);
void special(void);
void notifications(void);
void directories(void);
void programs(const char *self);
int list(const char *path);

// content.c
struct flock whole(short type);
void locks(void);
void mappings(void);
void space(void);
void direct(void);
void append(void);
void copies(void);

// peer.c
int try_lock(const char *path);
int watch(const char *path);
int talk(const char *how, const char *path);

#endif
