// Text for people that others wrote: names out of an image, the words of libcrun.
#ifndef TEXT_H
#define TEXT_H

// Makes it one line of UTF-8 in its place: what is none becomes '?', white space and control characters a
// space.
void text_clean(char *text);

#endif
