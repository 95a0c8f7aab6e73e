// Files of the kernel that take a line.
#ifndef FILE_H
#define FILE_H

// Writes the text into a file that is there. 0 or a negative errno.
int file_write(const char *path, const char *text);

#endif
