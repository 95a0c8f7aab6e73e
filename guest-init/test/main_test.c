#include "test.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

bool test_failed;
static const char *data_directory;
static int passed, failed;

static bool parse_vector(char *line, struct vector *vector) {
  line[strcspn(line, "#\n")] = 0;
  char *name = strtok(line, " \t"), *word;
  if (!name)
    return false;
  *vector = (struct vector){0};
  strncpy(vector->name, name, sizeof vector->name - 1);
  size_t digits = 0;
  while ((word = strtok(NULL, " \t"))) {
    for (; *word && digits < 2 * sizeof vector->bytes; word++, digits++) {
      int value = isdigit((unsigned char)*word) ? *word - '0' : tolower((unsigned char)*word) - 'a' + 10;
      vector->bytes[digits / 2] = vector->bytes[digits / 2] << 4 | value;
    }
  }
  vector->length = digits / 2;
  return true;
}

int vectors_read(const char *file, struct vector *vectors, int capacity) {
  char path[512], line[2048];
  snprintf(path, sizeof path, "%s/%s", data_directory, file);
  FILE *stream = fopen(path, "re");
  if (!stream)
    return -1;
  int count = 0;
  while (count < capacity && fgets(line, sizeof line, stream))
    count += parse_vector(line, &vectors[count]);
  fclose(stream);
  return count;
}

static void run_all(const struct test *tests) {
  for (; tests->name; tests++) {
    test_failed = false;
    tests->run();
    if (test_failed) {
      fprintf(stderr, "FAILED: %s\n", tests->name);
      failed++;
    } else {
      passed++;
    }
  }
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY_OF_VECTORS\n", argv[0]);
    return 2;
  }
  data_directory = argv[1];
  // As PID 1 is: the parent of what jobs leave behind, with SIGCHLD blocked for a signalfd.
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  signal(SIGPIPE, SIG_IGN);
  // Ignored in what a shell starts in the background, and inherited by every process of the tests.
  signal(SIGINT, SIG_DFL);
  signal(SIGQUIT, SIG_DFL);
  run_all(frame_tests);
  run_all(ttrpc_tests);
  run_all(text_tests);
  run_all(container_tests);
  run_all(inlet_tests);
  run_all(outlet_tests);
  run_all(server_tests);
  run_all(life_tests);
  run_all(exec_tests);
  run_all(dial_tests);
  run_all(manage_tests);
  run_all(template_tests);
  run_all(cgroup_tests);
  run_all(network_check_tests);
  run_all(network_links_tests);
  run_all(network_routes_tests);
  printf("guest-init: %d passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
