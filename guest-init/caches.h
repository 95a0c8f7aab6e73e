// What the kernel keeps of files.
#ifndef CACHES_H
#define CACHES_H

// Drops the page cache, and the inodes of the host's directories: those of the next host are others.
int caches_drop(void);

#endif
