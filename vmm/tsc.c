// Prints the frequency of the processor's time-stamp counter in kHz. QEMU's own
// translator gives the guest the host's counter as it is, but nothing to
// measure it by; and no file of the host's kernel tells it.
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

// Long enough for some parts in a million: looking at both clocks takes well
// under a microsecond.
#define INTERVAL_NS 10000000

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

// Both clocks at one moment: of several looks the one that took the shortest
// time, for any may be interrupted.
static void look(uint64_t *ns, uint64_t *ticks) {
  uint64_t best = UINT64_MAX;
  for (int i = 0; i < 16; i++) {
    uint64_t before = __rdtsc(), time = now(), after = __rdtsc();
    if (after - before < best) {
      best = after - before;
      *ns = time;
      *ticks = before + (after - before) / 2;
    }
  }
}

int main(void) {
  uint64_t ns[2], ticks[2];
  look(&ns[0], &ticks[0]);
  nanosleep(&(struct timespec){.tv_nsec = INTERVAL_NS}, NULL);
  look(&ns[1], &ticks[1]);
  printf("%.0f\n",
         (double)(ticks[1] - ticks[0]) * 1e6 / (double)(ns[1] - ns[0]));
  return 0;
}
