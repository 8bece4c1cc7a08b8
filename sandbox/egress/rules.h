/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_RULES_H
#define SALLYPORT_SANDBOX_EGRESS_RULES_H

/*
 * The network policy: may something connect to this host and port, and by which rule? Pure functions over the
 * plan, without a system call, so that the broker (which decides) and explain_access (which foretells) are
 * one and the same code.
 *
 *  - network.deniedDomains wins over everything. An entry without a port denies every port.
 *  - network.allowedDomains not given (plan->network_listed false): any public address, ports 80 and 443.
 *  - given: only what an entry names; given and empty: nothing.
 *  - "example.org" is that name alone; "*.example.org" every name below it and not itself; an address is that
 *    address, however a name led there; "localhost" is the loopback (127.0.0.1 and ::1). An entry of
 *    allowedDomains without a port means 80 and 443.
 *  - An address that is not public is reached only where an entry of allowedDomains names exactly it (or
 *    localhost, for the two loopback addresses), with its port. A name that is allowed and resolves to it is
 *    not enough.
 *  - The loopback, however it is spelled, is that of the caller's own sandbox (rules_inside()), unless an
 *    entry of allowedDomains names it with that port: then it is the machine's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sandbox/egress/addresses.h"
#include "sandbox/plan.h"

#define RULES_INSIDE "default: a sandbox's own loopback" /* the rule by which rules_inside() allows */

struct rules_answer {
	bool allowed;
	char rule[128];   /* the entry or default that decided: "network.deniedDomains: *.example.org" */
	char reason[256]; /* one clause for people, without a full stop */
	char remedy[256]; /* a sentence: what would have to change; empty when allowed */
	char reach[256];  /* what may be reached instead: "example.org, *.example.net and 3 more" */
};

/*
 * Before a name is resolved. `host` as host_normalise() writes it. Allowed means: go on, and ask
 * rules_address() about every address. Returns answer->allowed.
 */
bool rules_host(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer);

/* Of one address that `host` stands for (or that it is): may it be connected to? rules_host() has allowed. */
bool rules_address(const struct plan *plan, const char *host, uint16_t port, const struct address *address,
		   struct rules_answer *answer);

/*
 * Does `host` mean the loopback of the caller's own sandbox, where its commands listen: localhost and names
 * below it (RFC 6761 section 6.3), 127.0.0.0/8, ::1, and the unspecified addresses, which servers print and
 * browsers take for it? Not when an entry of allowedDomains names that address or localhost with this port,
 * nor when one of deniedDomains does: then rules_host() says what holds. An empty allowedDomains does not
 * forbid it, since nothing leaves the sandbox.
 */
bool rules_inside(const struct plan *plan, const char *host, uint16_t port);

/* Of such a host, where on that loopback: an address of 127.0.0.0/8 in the machine's byte order, 1 for ::1,
 * or 0 for both, 127.0.0.1 first. */
uint32_t rules_inside_place(const char *host);

/* Does an entry's host ("example.org", "*.example.org", an address) name `host`? */
bool rules_host_matches(const char *entry, const char *host);

/*
 * Does any rule let commands reach anything? Only then has a sandbox a network at all: commands reach what
 * network.allowedDomains names and, unlike fetch_url, nothing when it is not given.
 */
bool rules_for_commands(const struct plan *plan);

/* May a name be looked up: is there a port on which rules_host() allows it? If not, `answer` says why not. */
bool rules_name(const struct plan *plan, const char *host, struct rules_answer *answer);

/*
 * Would the broker connect there, as far as it can be told without resolving: rules_host(), and for a host
 * that is an address or localhost also rules_address(). For other names "allowed" holds if the name's
 * addresses are public; `reason` says so. What commands ask is judged by this.
 */
bool rules_connect(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer);
/* The same of fetch_url, for which rules_inside() counts too. This is what explain_access shows. */
bool rules_explain(const struct plan *plan, const char *host, uint16_t port, struct rules_answer *answer);

#endif
