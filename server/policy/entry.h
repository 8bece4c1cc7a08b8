/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_ENTRY_H
#define SALLYPORT_SERVER_POLICY_ENTRY_H

/* What one entry of a policy's list must be. Pure: nothing is looked up. */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/error.h"
#include "sandbox/egress/host.h"

/* "/...", "~" or "~/...". */
bool entry_path_valid(const char *text);

#define ENTRY_HOST_BYTES (HOST_TEXT_BYTES + 2) /* with "*." in front */

/*
 * An entry of network.allowedDomains or deniedDomains: `example.org`, `*.example.org`, an address or
 * `localhost`, each with an optional `:port` (an IPv6 address then in brackets). `host` and `port` (0: none)
 * are what struct plan_rule holds. 0, or -EINVAL with a sentence that begins with the entry in quotes.
 */
int entry_domain(const char *text, char host[ENTRY_HOST_BYTES], uint16_t *port, struct err *err);

#endif
