/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_LISTENERS_H
#define SALLYPORT_SANDBOX_EGRESS_LISTENERS_H

/*
 * What listens inside a sandbox's own network so that its commands reach what the policy allows: derived from
 * the plan, pure. The sandbox makes these sockets (sandbox/layers/network.c) and the broker accepts on them;
 * whether a connection may go on is decided there, by name (rules.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/egress/addresses.h"
#include "sandbox/plan.h"

/* Names stand for addresses of this range (RFC 2544, never routed), which is local in every sandbox. */
#define SYNTHETIC_NETWORK     0xc6120000u /* 198.18.0.0 */
#define SYNTHETIC_PREFIX_BITS 15
#define SYNTHETIC_OWN         (SYNTHETIC_NETWORK + 1) /* what the interface itself is called */

#define LISTENERS_DNS_PORT 53 /* at 127.0.0.1, UDP and TCP */

struct listener {
	struct address address; /* all zero: any of its family */
	uint16_t port;
};

/*
 * TCP sockets: each port of an entry that is a name or a pattern on any address; what is written as an
 * address, or as localhost, on that address alone, so that the port stays free for others; DNS. No two of
 * them overlap. Returns how many, or -E2BIG when there are more than `max`.
 */
int listeners_list(const struct plan *plan, struct listener *list, size_t max);

/* Is this entry an address that must be made the sandbox's own, so that connecting to it is possible? */
bool listeners_local(const struct plan_rule *rule, struct address *address);

#endif
