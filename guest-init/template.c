#include "template.h"

#include "caches.h"
#include "container.h"
#include "events.h"
#include "guest.pb-c.h"
#include "rpc.h"
#include "setup.h"

#include <malloc.h>
#include <string.h>

void template_handle(uint32_t call, const ProtobufCMessage *message) {
  (void)message;
  if (container_any())
    return rpc_fail(call, TTRPC_FAILED_PRECONDITION, "there are containers: a template has none");
  int result = setup_undo();
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot unmount a directory of the host: %s", strerror(-result));
  result = caches_drop();
  if (result < 0)
    return rpc_fail(call, TTRPC_INTERNAL, "cannot drop the caches: %s", strerror(-result));
  malloc_trim(0);
  events_close();
  Microvm__Guest__V1__TemplateResponse response = MICROVM__GUEST__V1__TEMPLATE_RESPONSE__INIT;
  rpc_answer(call, &response.base);
  rpc_restart();
}
