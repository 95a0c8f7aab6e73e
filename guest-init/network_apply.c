#include "network_apply.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

// Takes away again what was added since it was taken back last.
static struct netlink_batch undo;

static size_t count_unreachable(const struct netlink_batch *batch, bool again) {
  size_t count = 0;
  for (size_t i = 0; i < batch->count; i++) {
    const int error = batch->requests[i].error;
    if (error != -ENETUNREACH && error != -EHOSTUNREACH)
      continue;
    count++;
    if (again)
      batch->requests[i].error = NETLINK_UNSENT;
  }
  return count;
}

// A gateway may be reached by a route that came later: those are tried again as long as that helps.
static int run_all(int fd, struct netlink_batch *batch) {
  int result = netlink_run(fd, batch);
  size_t before = 0;
  while (result == 0 && count_unreachable(batch, false) != before) {
    before = count_unreachable(batch, true);
    result = netlink_run(fd, batch);
  }
  return result;
}

static void remember(const struct netlink_batch *batch) {
  // The last first: other addresses of an interface may go with its first one, and routes with their source.
  for (size_t i = batch->count; i-- > 0;)
    if (batch->requests[i].error == 0 && netlink_message(batch, i)->nlmsg_type != RTM_SETLINK)
      netlink_add_undo(&undo, batch, i);
}

int network_apply(int fd, struct netlink_batch *batch) {
  int result = run_all(fd, batch);
  remember(batch);
  return result;
}

// What is not there any more needs no removal: its errors do not count.
int network_take_back(int fd) {
  int result = undo.count ? netlink_run(fd, &undo) : 0;
  netlink_free(&undo);
  return result;
}
