#include "test.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool becomes(const char *before, const char *after) {
  // Exactly as long as it is: what reads beyond the end is found.
  char *text = strdup(before);
  text_clean(text);
  bool same = strcmp(text, after) == 0;
  free(text);
  return same;
}

static void clean(void) {
  CHECK(becomes("", "") && becomes("a~", "a~"));
  CHECK(becomes("a\nb\tc\x7f\x1b[1m", "a b c  [1m"));
  CHECK(becomes("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
}

static void no_utf8(void) {
  // Alone, cut off, overlong, a surrogate, too large.
  CHECK(becomes("\x80", "?") && becomes("\xff", "?"));
  CHECK(becomes("\xc3", "?") && becomes("\xe2\x82", "??") && becomes("\xf0\x9f\x98", "???"));
  CHECK(becomes("\xc0\x80", "??") && becomes("\xe0\x80\xaf", "???"));
  CHECK(becomes("\xed\xa0\x80", "???") && becomes("\xf4\x90\x80\x80", "????"));
  CHECK(becomes("\xc3(", "?("));
}

const struct test text_tests[] = {
    {"text: one line of UTF-8", clean},
    {"text: what is no UTF-8", no_utf8},
    {0},
};
