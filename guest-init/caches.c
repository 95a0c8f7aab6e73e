#include "caches.h"

#include "file.h"

#include <unistd.h>

int caches_drop(void) {
  sync();
  return file_write("/proc/sys/vm/drop_caches", "3");
}
