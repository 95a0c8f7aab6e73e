#include "setup.h"

#include "clock.h"
#include "fd.h"
#include "guest.pb-c.h"
#include "rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define ENTROPY_MAX 512

// Directories of the host, each by a virtiofs device of its own: they differ in how the guest caches them.
struct share {
  const char *path;
  bool mounted;
};

static struct share shared = {.path = "/run/shared"}, volumes = {.path = "/run/volumes"};

static int add_entropy(const uint8_t *bytes, size_t length) {
  struct {
    struct rand_pool_info info;
    uint8_t bytes[ENTROPY_MAX];
  } pool = {.info = {.entropy_count = length * 8, .buf_size = length}};
  memcpy(pool.info.buf, bytes, length);
  cleanup_fd int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0)
    return -errno;
  // A template's clones have the same pool: what was drawn from it must not come again.
  return ioctl(fd, RNDRESEEDCRNG) < 0 ? -errno : 0;
}

static int mount_share(struct share *share, const char *tag) {
  if (mkdir(share->path, 0700) < 0 && errno != EEXIST)
    return -errno;
  if (mount(tag, share->path, "virtiofs", 0, NULL) < 0)
    return -errno;
  share->mounted = true;
  return 0;
}

static int unmount_share(struct share *share) {
  if (share->mounted && umount2(share->path, 0) < 0)
    return -errno;
  share->mounted = false;
  return 0;
}

int setup_undo(void) {
  int result = unmount_share(&shared);
  return result < 0 ? result : unmount_share(&volumes);
}

// Whether the call goes on; if not it has failed.
static bool add_share(uint32_t call, struct share *share, const char *tag) {
  if (!tag[0])
    return true;
  int result = share->mounted ? -EBUSY : mount_share(share, tag);
  if (result < 0)
    rpc_fail(call, result == -EBUSY ? TTRPC_FAILED_PRECONDITION : TTRPC_INTERNAL,
             "cannot mount the virtiofs %.80s at %s: %s", tag, share->path, strerror(-result));
  return result == 0;
}

void setup_handle(uint32_t call, const ProtobufCMessage *message) {
  const Microvm__Guest__V1__SetupRequest *request = (const Microvm__Guest__V1__SetupRequest *)message;
  if (request->entropy.len > ENTROPY_MAX)
    return rpc_fail(call, TTRPC_INVALID_ARGUMENT, "%zu bytes of entropy, %d are allowed",
                    request->entropy.len, ENTROPY_MAX);
  int result = request->clock_ns ? clock_set(request->clock_ns) : 0;
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot set the clock: %s", strerror(-result));
  result = request->entropy.len ? add_entropy(request->entropy.data, request->entropy.len) : 0;
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot add entropy: %s", strerror(-result));
  if (!add_share(call, &shared, request->shared_tag) || !add_share(call, &volumes, request->volumes_tag))
    return;
  Microvm__Guest__V1__SetupResponse response = MICROVM__GUEST__V1__SETUP_RESPONSE__INIT;
  rpc_answer(call, &response.base);
}
