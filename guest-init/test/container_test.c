#include "container.h"
#include "test.h"

#include <string.h>

static void ids(void) {
  char longest[ID_MAX + 2];
  memset(longest, 'a', sizeof longest);
  longest[ID_MAX + 1] = 0;
  CHECK(!id_is_valid(longest));
  longest[ID_MAX] = 0;
  CHECK(id_is_valid(longest));
  CHECK(id_is_valid("A") && id_is_valid("0_.-z"));
  const char *const bad[] = {"", ".", "..", "-a", "_a", "a/b", "a b", "a\n", "\xc3\xa4"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    CHECK(!id_is_valid(bad[i]));
}

static void table(void) {
  struct container *a = container_add("a"), *b = container_add("b");
  CHECK(a && b && a->oom_watch == -1 && a->state == CONTAINER_CREATING);
  a->init.pid = 11;
  b->init.pid = 22;
  b->init.streams[2] = 5;
  b->oom_watch = 3;
  CHECK(container_find("a") == a && container_find("b") == b && !container_find("c"));
  CHECK(container_find_pid(22) == &b->init && !container_find_pid(33));
  CHECK(container_find_oom_watch(3) == b && !container_find_oom_watch(4));
  CHECK(container_has_stream(5) && !container_has_stream(6));
  container_remove(b);
  CHECK(!container_find("b") && !container_has_stream(5) && container_find("a") == a);
  container_remove(a);
  CHECK(!container_find("a"));
}

const struct test container_tests[] = {
    {"container: ids", ids},
    {"container: table", table},
    {0},
};
