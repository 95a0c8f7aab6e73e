// A process that Create or Exec makes: the init of a container, or one that was added to it.
#ifndef PROCESS_H
#define PROCESS_H

#include "id.h"

#include <stdint.h>
#include <sys/types.h>

struct container;

struct process {
  struct process *next;
  struct container *container;
  // Empty for the init.
  char id[ID_MAX + 1];
  // 0 while there is none: it is being made, or it has ended.
  pid_t pid;
  // Numbers of stdin, stdout and stderr on the io port; 0 for none.
  uint32_t streams[3];
  // stdin and stdout are one terminal.
  bool terminal;
};

#endif
