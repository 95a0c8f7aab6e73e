#ifndef NETWORK_CHECK_H
#define NETWORK_CHECK_H

#include "guest.pb-c.h"

#include <stdbool.h>

// Whether the request can be carried out; if not, `text` says what is wrong with it.
bool network_check(const Microvm__Guest__V1__NetworkRequest *request, char *text, size_t size);

#endif
