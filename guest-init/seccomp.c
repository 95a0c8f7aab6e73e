// microvm-seccomp, a program for the host: reads `linux.seccomp` of an OCI runtime specification, as JSON,
// from stdin and writes the filter, an array of struct sock_filter, to stdout. It is what libcrun would make
// of it in the guest, where compiling it takes longer than all the rest of a container's set-up.
#include "text.h"

#include <libcrun/container.h>
#include <libcrun/error.h>
#include <libcrun/seccomp.h>
#include <libcrun/utils.h>

#include <ocispec/runtime_spec_schema_config_linux.h>

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROFILE_MAX (4 << 20)

// See crun.c: a program that ends at once needs no sealed copy of itself.
int ensure_cloned_binary(void);
int ensure_cloned_binary(void) {
  return 0;
}

// Called by libcrun in the place of the real one (the linker's --wrap): a binary tree over the syscalls
// instead of a list, for the filter runs at each of them.
int __real_seccomp_export_bpf(const scmp_filter_ctx filter, int fd);
int __wrap_seccomp_export_bpf(const scmp_filter_ctx filter, int fd);
int __wrap_seccomp_export_bpf(const scmp_filter_ctx filter, int fd) {
  int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return result < 0 ? result : __real_seccomp_export_bpf(filter, fd);
}

static _Noreturn void fail(const char *what, const char *why) {
  char text[1024];
  snprintf(text, sizeof text, "%s: %s", what, why);
  text_clean(text);
  fprintf(stderr, "microvm-seccomp: %s\n", text);
  exit(1);
}

static _Noreturn void fail_with(libcrun_error_t error) {
  fail("the profile cannot be compiled", error && error->msg ? error->msg : "libcrun gives no reason");
}

// What libcrun prints by itself is in its errors, too.
static void on_message(int error, const char *message, int verbosity, void *arg) {
  (void)error, (void)message, (void)verbosity, (void)arg;
}

static char *read_profile(void) {
  char *text = malloc(PROFILE_MAX + 1);
  if (!text)
    fail("the profile cannot be read", strerror(ENOMEM));
  size_t length = fread(text, 1, PROFILE_MAX + 1, stdin);
  if (ferror(stdin))
    fail("stdin", strerror(errno));
  if (length > PROFILE_MAX)
    fail("the profile cannot be read", "it is longer than 4 MiB");
  text[length] = 0;
  return text;
}

static runtime_spec_schema_config_linux_seccomp *parse(const char *text) {
  struct parser_context context = {0, stderr};
  libcrun_error_t error = NULL;
  parser_error reason = NULL;
  yajl_val tree = NULL;
  if (parse_json_file(&tree, text, &context, &error) < 0)
    fail_with(error);
  if (!YAJL_IS_OBJECT(tree))
    fail("the profile cannot be read", "it is no JSON object");
  runtime_spec_schema_config_linux_seccomp *seccomp =
      make_runtime_spec_schema_config_linux_seccomp(tree, &context, &reason);
  if (!seccomp)
    fail("the profile cannot be read", reason ? reason : "no reason given");
  return seccomp;
}

// libcrun writes the filter to a file: only a whole one leaves.
static void write_out(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0)
    fail("filter", strerror(errno));
  size_t length = status.st_size;
  if (length == 0 || length % sizeof(struct sock_filter) ||
      length / sizeof(struct sock_filter) > BPF_MAXINSNS)
    fail("filter", "it has more instructions than the kernel takes, or none");
  char *bytes = malloc(length);
  if (!bytes || pread(fd, bytes, length, 0) != (ssize_t)length)
    fail("filter", "cannot be read back");
  if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout) != 0)
    fail("stdout", strerror(errno));
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc != 1) {
    fprintf(stderr, "usage: microvm-seccomp < LINUX_SECCOMP_JSON > FILTER\n");
    return 1;
  }
  crun_set_output_handler(on_message, NULL);
  char *text = read_profile();
  runtime_spec_schema_config_linux linux_ = {.seccomp = parse(text)};
  runtime_spec_schema_config_schema spec = {.linux = &linux_};
  libcrun_container_t container = {.container_def = &spec};
  struct libcrun_seccomp_gen_ctx_s generation;
  libcrun_seccomp_gen_ctx_init(&generation, &container, true, LIBCRUN_SECCOMP_SKIP_CACHE);
  generation.fd = memfd_create("filter", MFD_CLOEXEC);
  if (generation.fd < 0)
    fail("filter", strerror(errno));
  libcrun_error_t error = NULL;
  if (libcrun_generate_seccomp(&generation, &error) < 0)
    fail_with(error);
  write_out(generation.fd);
  return 0;
}
