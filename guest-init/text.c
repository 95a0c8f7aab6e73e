#include "text.h"

#include <stdint.h>
#include <string.h>

// The length of the character there, 0 if it is none: overlong, a surrogate, too large or cut off.
static size_t character(const uint8_t *at) {
  static const struct {
    uint8_t mask, lead;
    uint32_t least;
  } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (size_t more = 0; more < sizeof forms / sizeof *forms; more++) {
    if ((at[0] & forms[more].mask) != forms[more].lead)
      continue;
    uint32_t value = at[0] & (uint8_t)~forms[more].mask;
    for (size_t i = 1; i <= more; i++) {
      if ((at[i] & 0xc0) != 0x80)
        return 0;
      value = value << 6 | (at[i] & 0x3f);
    }
    if (value < forms[more].least || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
      return 0;
    return more + 1;
  }
  return 0;
}

void text_clean(char *text) {
  uint8_t *at = (uint8_t *)text;
  while (*at) {
    size_t length = character(at);
    if (length == 0)
      *at++ = '?';
    else if (length == 1 && (*at < ' ' || *at == 0x7f))
      *at++ = ' ';
    else
      at += length;
  }
}
