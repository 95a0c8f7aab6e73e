// What is asked of libcrun, in its own words: everything that knows libcrun is behind this.
#ifndef OCI_H
#define OCI_H

#include "job.h"

#include <stddef.h>
#include <stdint.h>

struct oci_create {
  const char *id;
  // config.json; not terminated.
  const uint8_t *spec;
  size_t spec_length;
  // The master of the terminal comes with the result.
  bool terminal;
};

struct oci_exec {
  // The container.
  const char *id;
  // The `process` object of the specification; not terminated.
  const uint8_t *process;
  size_t process_length;
  bool terminal;
};

// These run in a job's child. The process that they make becomes a child of guest-init when that ends.
void oci_create(const struct oci_create *create, struct job_result *result);
// Comes back when the process runs its program, or with the reason why it cannot.
void oci_exec(const struct oci_exec *exec, struct job_result *result);
// `resources` is `linux.resources` of the specification; not terminated.
void oci_update(const char *id, const uint8_t *resources, size_t length, struct job_result *result);
void oci_delete(const char *id, struct job_result *result);
// Lets the waiting init go on. Does not block; -ESRCH if nobody waits.
int oci_start(const char *id);

#endif
