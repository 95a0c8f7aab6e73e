#include "console.h"
#include "crun.h"
#include "file.h"
#include "oci.h"

// It has its own cleanup_free, and so on: fd.h cannot be with it.
#include <libcrun/utils.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef runtime_spec_schema_config_schema_process Process;

// libcrun takes for granted what the specification demands.
static const char *why_not(const Process *process, const struct oci_exec *exec) {
  if (process->args_len < 1)
    return "args must not be empty";
  if (!process->cwd || process->cwd[0] != '/')
    return "cwd must be an absolute path";
  if (process->terminal != exec->terminal)
    return "terminal of the process and of the request differ";
  return NULL;
}

// NULL with the reason in the result.
static Process *parse(const struct oci_exec *exec, struct job_result *result) {
  libcrun_error_t error = NULL;
  struct parser_context context = {0, stderr};
  parser_error reason = NULL;
  yajl_val tree = NULL;
  cleanup_free char *text = strndup((const char *)exec->process, exec->process_length);
  if (!text || parse_json_file(&tree, text, &context, &error) < 0) {
    crun_fail_with(result, error);
    return NULL;
  }
  Process *process = make_runtime_spec_schema_config_schema_process(tree, &context, &reason);
  const char *wrong = process ? why_not(process, exec) : reason ? reason : "it is no object";
  if (!wrong)
    return process;
  result->error = -EINVAL;
  snprintf(result->text, sizeof result->text, "the process to exec: %s", wrong);
  return NULL;
}

// What the process that is to become the program says until it is that, or has ended.
static size_t read_report(int fd, char *text, size_t size) {
  size_t length = 0;
  ssize_t count;
  while (length < size - 1 && (count = read(fd, text + length, size - 1 - length)) > 0)
    length += count;
  text[length] = 0;
  return length;
}

static pid_t read_pid(int fd) {
  char text[32] = {0};
  return pread(fd, text, sizeof text - 1, 0) > 0 ? atoi(text) : 0;
}

// An exec that fails leaves nothing.
static void end_children(void) {
  FILE *file = fopen("/proc/thread-self/children", "re");
  pid_t pid;
  while (file && fscanf(file, "%d", &pid) == 1)
    kill(pid, SIGKILL);
  while (waitpid(-1, NULL, 0) > 0)
    ;
}

// The descriptors that libcrun needs: a socket for the terminal, or -1; a file for the pid; a pipe for the
// report.
struct handles {
  int listener, pid, report[2];
};

static int open_handles(struct handles *handles, const char *console) {
  *handles = (struct handles){.listener = -1};
  if (console && (handles->listener = console_listen(console)) < 0)
    return handles->listener;
  handles->pid = memfd_create("pid", MFD_CLOEXEC);
  return handles->pid < 0 || pipe2(handles->report, O_CLOEXEC) < 0 ? -errno : 0;
}

static void run(const struct oci_exec *exec, Process *process, const char *console,
                struct job_result *result) {
  struct handles handles;
  int failed = open_handles(&handles, process->terminal ? console : NULL);
  if (failed)
    return crun_fail(result, -failed, "the exec cannot begin");
  char pid_path[32];
  snprintf(pid_path, sizeof pid_path, "/proc/self/fd/%d", handles.pid);
  libcrun_context_t context = crun_context(exec->id);
  context.detach = true;
  context.pid_file = pid_path;
  context.console_socket = process->terminal ? console : NULL;
  // No descriptor up to the report's is closed before execve does, so the report's end means that it has.
  context.preserve_fds = handles.report[1] - 2;
  crun_report_to(handles.report[1]);
  libcrun_error_t error = NULL;
  failed = libcrun_container_exec(&context, exec->id, process, &error);
  close(handles.report[1]);
  if (failed < 0 && !error)
    crun_fail(result, ECHILD, "the process ended before it ran its program");
  else if (failed < 0)
    crun_fail_with(result, error);
  // The process itself knows it better.
  char text[sizeof result->text];
  if (read_report(handles.report[0], text, sizeof text)) {
    result->error = -EIO;
    strcpy(result->text, text);
  }
  result->pid = read_pid(handles.pid);
  if (!result->error && process->terminal && (result->fd = console_receive(handles.listener)) < 0)
    crun_fail(result, -result->fd, "the terminal did not come");
}

// libcrun sets it for the init only; what this process forks inherits it.
static int set_oom_score(const Process *process) {
  if (!process->oom_score_adj_present)
    return 0;
  char score[16];
  snprintf(score, sizeof score, "%d", process->oom_score_adj);
  return file_write("/proc/self/oom_score_adj", score);
}

void oci_exec(const struct oci_exec *exec, struct job_result *result) {
  // Until this reports, the process is its child, and none that guest-init would reap unknown.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || chdir(BUNDLE_ROOT) < 0)
    return crun_fail(result, errno, "the exec cannot begin");
  Process *process = parse(exec, result);
  if (!process)
    return;
  int failed = set_oom_score(process);
  if (failed)
    return crun_fail(result, -failed, "oomScoreAdj");
  char console[32];
  snprintf(console, sizeof console, "exec-%d.sock", getpid());
  run(exec, process, console, result);
  unlink(console);
  if (result->error)
    end_children();
}
