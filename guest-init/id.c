#include "id.h"

#include <string.h>

static bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool id_is_valid(const char *id) {
  size_t length = strlen(id);
  if (length < 1 || length > ID_MAX || !is_alphanumeric(id[0]))
    return false;
  for (size_t i = 0; i < length; i++)
    if (!is_alphanumeric(id[i]) && !strchr("_.-", id[i]))
      return false;
  return true;
}
