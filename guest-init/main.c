// PID 1 of the VM. Serves the shim over two virtio-serial ports until told to end; see proto/guest.md.
#include "boot.h"
#include "log.h"
#include "loop.h"
#include "mux.h"
#include "oom.h"
#include "ports.h"
#include "power.h"
#include "reap.h"
#include "rpc.h"
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GOODBYE_MS 1000

// The initramfs has the node; whatever the kernel gave us on 0 to 2 is replaced by it.
static void silence_stdio(void) {
  int fd = open("/dev/null", O_RDWR);
  for (int i = 0; i < 3; i++)
    if (fd != i)
      dup2(fd, i);
  if (fd > 2)
    close(fd);
}

static void block_signals(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  signal(SIGPIPE, SIG_IGN);
}

static int serve(void) {
  static const char *const names[] = {"microvm.control", "microvm.io"};
  int ports[2];
  int result = ports_open(names, ports, 2);
  if (result == 0)
    result = loop_open();
  if (result == 0)
    result = reap_open();
  if (result == 0)
    result = oom_open();
  if (result == 0)
    result = mux_open(ports[1]);
  if (result == 0)
    result = rpc_open(ports[0], service_name, service_methods);
  while (result == 0 && !service_shut_down())
    result = loop_turn(-1);
  return result;
}

// The answer to Shutdown leaves with the next turns.
static void say_goodbye(void) {
  while (rpc_pending() && loop_turn(GOODBYE_MS) == 0)
    ;
}

// A process that writes a lot is not put aside at each write for us to read it. Jobs are as any other
// process.
static void let_others_finish(void) {
  sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
}

int main(void) {
  if (getpid() != 1) {
    fprintf(stderr, "guest-init: this is the init of a virtual machine, it runs as PID 1 only\n");
    return 2;
  }
  silence_stdio();
  block_signals();
  let_others_finish();
  int result = boot();
  if (result == 0)
    result = serve();
  if (result == 0)
    say_goodbye();
  else if (result != -EPIPE)
    log_error("powering off: %s", strerror(-result));
  power_off(result == 0);
}
