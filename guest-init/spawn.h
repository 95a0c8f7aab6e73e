// Makes a process by a job, with its standard streams: what Create and Exec have in common.
#ifndef SPAWN_H
#define SPAWN_H

#include "guest.pb-c.h"
#include "job.h"
#include "process.h"

struct spawn;

struct spawn_kind {
  // In the child of a job: makes it.
  void (*work)(const struct spawn *, struct job_result *);
  // In guest-init, exactly once. If the result is no error, the process has its pid and its streams.
  void (*done)(struct process *, uint32_t call, const struct job_result *);
};

struct spawn {
  struct job job;
  struct spawn *next;
  const struct spawn_kind *kind;
  struct process *process;
  // The call to be answered.
  uint32_t call;
  // What it is to be.
  uint8_t *json;
  size_t json_length;
  // Ends of the pipes, guest-init's and the process's, -1 where there is none.
  int ours[3], theirs[3];
};

// Begins what waits, as far as it may: called when the container is no longer frozen, or has ended.
void spawn_go_on(struct container *container);
// NULL if a process may have these streams and this specification, else why not.
const char *spawn_why_not(const Microvm__Guest__V1__Stdio *stdio, const ProtobufCBinaryData *json);
// Begins at once or in its turn. `done` may be called before this returns.
void spawn_start(const struct spawn_kind *kind, struct process *process, uint32_t call,
                 const Microvm__Guest__V1__Stdio *stdio, const ProtobufCBinaryData *json);

#endif
