// The guest made ready to be saved.
#include "host.h"

#include "caches.h"
#include "ttrpc.h"

#include <signal.h>

static int dropped;

// The real one is the whole machine's.
int caches_drop(void) {
  dropped++;
  return 0;
}

static int call_template(void) {
  Microvm__Guest__V1__TemplateRequest request = MICROVM__GUEST__V1__TEMPLATE_REQUEST__INIT;
  return host_call("Template", &request.base);
}

static void none_with_containers(void) {
  host_subscribe();
  CHECK(host_run("a", "exec sleep 100"));
  CHECK(call_template() == TTRPC_FAILED_PRECONDITION);
  CHECK(host_signal("a", "", SIGKILL) == 0 && host_exit("a", "") == 128 + SIGKILL && host_delete("a") == 0);
}

// Another shim: its calls have the first ids, and the events are its own.
static void another_goes_on(void) {
  int before = dropped;
  host_subscribe();
  uint32_t events = host.events_call;
  CHECK(call_template() == 0 && dropped == before + 1);
  host.last_call = 0;
  host_subscribe();
  CHECK(host.events_call <= events);
  CHECK(host_run("a", "exit 3"));
  CHECK(host_exit("a", "") == 3 && host_delete("a") == 0);
}

WITH_HOST(none_with_containers)
WITH_HOST(another_goes_on)

const struct test template_tests[] = {
    {"template: none with containers", none_with_containers_with_host},
    {"template: another goes on", another_goes_on_with_host},
    {0},
};
