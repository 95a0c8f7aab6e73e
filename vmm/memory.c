// The memory of a VM that begins as a template's, and the template's files.
//
//   microvm-memory load BYTES [MEMORY-FD STATE-FD]
//     makes an anonymous file of that size, says "FD <number>" on standard
//     output, and when a line has come on standard input copies the template's
//     memory, if there is one, into it, and says "DONE <checksums>". The file
//     is there for others while this process is: as /proc/PID/fd/<number>.
//   microvm-memory save FROM-FD TO-FD STATE-FD
//     writes what is not zero of one file into another, which must be empty,
//     to the same places, and says "DONE <checksums>".
//
// The checksums are that of what was copied, with the places, the same for
// both; and that of all of the state.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nmmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE 4096

static void fail(const char *what) {
  fprintf(stderr, "microvm-memory: %s: %s\n", what, strerror(errno));
  exit(1);
}

static off_t size_of(int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0)
    fail("fstat");
  return status.st_size;
}

// CRC-32C of a page and its place: the same, however the pages are joined to
// pieces. Of four lanes, for each step takes the processor three cycles.
__attribute__((target("sse4.2"))) static uint64_t
add_page(uint64_t sum, const void *page, uint64_t place) {
  const uint64_t *words = page;
  uint64_t lanes[4] = {_mm_crc32_u64(sum, place)};
  for (size_t i = 0; i < PAGE / sizeof *words; i += 4)
    for (int lane = 0; lane < 4; lane++)
      lanes[lane] = _mm_crc32_u64(lanes[lane], words[i + lane]);
  for (int lane = 1; lane < 4; lane++)
    lanes[0] = _mm_crc32_u64(lanes[0], lanes[lane]);
  return lanes[0];
}

static void write_all(int to, const uint8_t *bytes, size_t length, off_t at) {
  for (size_t done = 0; done < length;) {
    ssize_t count = pwrite(to, bytes + done, length - done, at + done);
    if (count < 0 && errno != EINTR)
      fail("write");
    if (count > 0)
      done += count;
  }
}

static bool is_zero(const uint8_t *page) {
  return page[0] == 0 && memcmp(page, page + 1, PAGE - 1) == 0;
}

// Of one piece of data: the runs of pages that are not zero.
static uint64_t copy_runs(int to, const uint8_t *bytes, off_t start, off_t end,
                          uint64_t sum) {
  for (off_t at = start; at < end;) {
    off_t run = at;
    for (; run < end && !is_zero(bytes + run); run += PAGE)
      sum = add_page(sum, bytes + run, run);
    write_all(to, bytes + at, run - at, at);
    at = run + PAGE;
  }
  return sum;
}

static uint64_t copy(int from, int to, off_t size) {
  const uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, from, 0);
  if (bytes == MAP_FAILED)
    fail("mmap");
  uint64_t sum = 0;
  for (off_t end = 0;;) {
    off_t start = lseek(from, end, SEEK_DATA);
    if (start < 0 && errno == ENXIO)
      return sum;
    if (start < 0 || (end = lseek(from, start, SEEK_HOLE)) < 0)
      fail("lseek");
    start &= ~(off_t)(PAGE - 1);
    // Mapped at once, instead of a fault for each few pages. Where it cannot
    // be, the faults do.
    madvise((void *)(bytes + start), end - start, MADV_POPULATE_READ);
    sum = copy_runs(to, bytes, start, end, sum);
  }
}

static void check_size(int fd, off_t size) {
  if (size <= 0 || size % PAGE || size_of(fd) != size) {
    fprintf(
        stderr,
        "microvm-memory: the template is not of %jd bytes, in whole pages\n",
        (intmax_t)size);
    exit(1);
  }
}

static uint64_t sum_of(int fd) {
  uint8_t page[PAGE];
  uint64_t sum = 0;
  for (off_t at = 0;; at += PAGE) {
    memset(page, 0, sizeof page);
    ssize_t count = pread(fd, page, sizeof page, at);
    if (count < 0)
      fail("read");
    if (count > 0)
      sum = add_page(sum, page, at);
    if (count < PAGE)
      return sum;
  }
}

static uint64_t load(off_t size, int from) {
  if (from >= 0)
    check_size(from, size);
  int fd = memfd_create("microvm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  // A file that shrinks would end who has it mapped.
  if (fd < 0 || ftruncate(fd, size) < 0 ||
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
    fail("memfd");
  printf("FD %d\n", fd);
  fflush(stdout);
  // Whose cgroup pays is settled by then.
  if (getchar() != '\n')
    exit(1);
  return from < 0 ? 0 : copy(from, fd, size);
}

static uint64_t save(int from, int to) {
  off_t size = size_of(from);
  if (size_of(to) != 0 || ftruncate(to, size) < 0)
    fail("the new template");
  uint64_t sum = copy(from, to, size);
  if (fsync(to) < 0)
    fail("fsync");
  return sum;
}

int main(int argc, char **argv) {
  bool loads = (argc == 3 || argc == 5) && strcmp(argv[1], "load") == 0;
  if (!loads && (argc != 5 || strcmp(argv[1], "save") != 0)) {
    fprintf(stderr,
            "usage: %s load BYTES [MEMORY-FD STATE-FD] | save FROM-FD TO-FD "
            "STATE-FD\n",
            argv[0]);
    return 2;
  }
  uint64_t sum = loads ? load(atoll(argv[2]), argc == 5 ? atoi(argv[3]) : -1)
                       : save(atoi(argv[2]), atoi(argv[3]));
  printf("DONE %08" PRIx64 " %08" PRIx64 "\n", sum,
         argc == 5 ? sum_of(atoi(argv[4])) : 0);
  return 0;
}
