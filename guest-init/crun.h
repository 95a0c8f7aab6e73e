// libcrun as guest-init calls it: in the child of a job, once.
#ifndef CRUN_H
#define CRUN_H

#include "job.h"

#include <libcrun/container.h>
#include <libcrun/error.h>

#define STATE_ROOT "/run/crun"
#define BUNDLE_ROOT "/run/bundle"

libcrun_context_t crun_context(const char *id);
// Errors that libcrun reports in a process it has forked go there, too: its caller does not get them.
void crun_report_to(int fd);
void crun_fail(struct job_result *result, int error, const char *what);
void crun_fail_with(struct job_result *result, libcrun_error_t error);

#endif
