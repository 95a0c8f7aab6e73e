// What the kernel keeps of files.
#ifndef CACHES_H
#define CACHES_H

// Drops the page cache and the inodes that nobody uses.
int caches_drop(void);

#endif
