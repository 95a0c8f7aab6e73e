// A test is a function; what it expects it says with CHECK, and the first that fails ends it.
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct test {
  const char *name;
  void (*run)(void);
};

// Each file's tests, ended by one without a name.
extern const struct test cgroup_tests[], container_tests[], dial_tests[], exec_tests[], frame_tests[],
    inlet_tests[], life_tests[], manage_tests[], network_check_tests[], network_links_tests[],
    network_routes_tests[], outlet_tests[], server_tests[], template_tests[], text_tests[], ttrpc_tests[];

extern bool test_failed;

#define CHECK(condition)                                                                                     \
  do {                                                                                                       \
    if (!(condition)) {                                                                                      \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                \
      test_failed = true;                                                                                    \
      return;                                                                                                \
    }                                                                                                        \
  } while (0)

struct vector {
  char name[64];
  uint8_t bytes[256];
  size_t length;
};

// Reads a file of golden vectors; returns how many there are, -1 if there is no such file.
int vectors_read(const char *file, struct vector *vectors, int capacity);

#endif
