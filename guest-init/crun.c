#include "crun.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// In place of libcrun's own, which its constructor calls before main: there the program makes a sealed copy
// of itself and starts again, so that no container can write to the runtime on the host (CVE-2019-5736). Here
// there is no /proc yet, and a file that runs, /init, cannot be opened for writing.
int ensure_cloned_binary(void);
int ensure_cloned_binary(void) {
  return 0;
}

static int report = -1;

void crun_report_to(int fd) {
  report = fd;
}

static void on_message(int error, const char *message, int verbosity, void *arg) {
  (void)arg;
  const char *colon = error ? ": " : "", *reason = error ? strerror(error) : "";
  if (verbosity <= LIBCRUN_VERBOSITY_WARNING)
    log_info("libcrun: %s%s%s", message, colon, reason);
  if (verbosity == LIBCRUN_VERBOSITY_ERROR && report >= 0)
    dprintf(report, "%s%s%s", message, colon, reason);
}

libcrun_context_t crun_context(const char *id) {
  // What libcrun says before it looks at the context; its own handler writes to the container's stderr.
  crun_set_output_handler(on_message, NULL);
  return (libcrun_context_t){
      .id = id,
      .state_root = STATE_ROOT,
      .fifo_exec_wait_fd = -1,
      .output_handler = on_message,
  };
}

void crun_fail(struct job_result *result, int error, const char *what) {
  result->error = -error;
  snprintf(result->text, sizeof result->text, "%s: %s", what, strerror(error));
}

void crun_fail_with(struct job_result *result, libcrun_error_t error) {
  result->error = -EIO;
  if (!error || !error->msg)
    snprintf(result->text, sizeof result->text, "libcrun failed without a reason");
  else if (error->status > 0)
    snprintf(result->text, sizeof result->text, "%s: %s", error->msg, strerror(error->status));
  else
    snprintf(result->text, sizeof result->text, "%s", error->msg);
}
