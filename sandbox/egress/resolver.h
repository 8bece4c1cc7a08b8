/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_RESOLVER_H
#define SALLYPORT_SANDBOX_EGRESS_RESOLVER_H

/*
 * Names to addresses: what /etc/hosts said at start, else the name servers that resolv.conf named at start,
 * asked by c-ares inside the broker's event loop. Exactly the name that was asked for: no search domains, no
 * aliases. localhost and what ends in .localhost is the loopback and never asked for (RFC 6761 section 6.3).
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/error.h"
#include "protocol/limits.h"
#include "sandbox/egress/addresses.h"

struct resolver;

/*
 * Called exactly once for each lookup. result: 0, -ENOENT (there is no such name, or it has no address),
 * -ETIMEDOUT (no name server answered), -EIO (name servers failed), -ENOMEM; `why` says it in words.
 * `addresses` are borrowed, at most LIMIT_BROKER_ADDRESSES, the best first.
 */
typedef void (*resolver_done)(void *context, int result, const struct address *addresses, size_t count,
			      const char *why);

/* Reads resolv.conf and hosts: call it before the process is sealed. Opens nothing that stays. 0 or -errno.
 */
int resolver_new(struct resolver **resolver, struct err *err);
/* Before the first lookup: `epoll` gets the resolver's sockets, each with data.u64 = its descriptor * 2 + 1
 * (pointers are even). */
void resolver_attach(struct resolver *resolver, int epoll);
void resolver_free(struct resolver *resolver);

/* May call `done` before it returns. `host` is copied. */
void resolver_lookup(struct resolver *resolver, const char *host, resolver_done done, void *context);

/* One of its sockets is ready. */
void resolver_ready(struct resolver *resolver, int fd, uint32_t events);
/* Milliseconds until it wants resolver_expire(), at most `most`. */
int resolver_timeout(struct resolver *resolver, int most);
void resolver_expire(struct resolver *resolver);

/* How much of `name` stands before one of the domains that resolv.conf says to search (programs that read it
 * try a name with each of them behind it); 0: it ends in none. */
size_t resolver_search(const struct resolver *resolver, const char *name);

/* Is it what the machine calls itself? */
bool resolver_is_machine(const struct resolver *resolver, const char *name);

/* The first of the text of a resolv.conf(5). Pure. */
size_t hosts_search(const char *text, size_t length, const char *name);

/* Finds `host` in the text of a hosts file (hosts(5)); returns how many addresses were written. Pure. */
size_t hosts_find(const char *text, size_t length, const char *host, struct address *addresses, size_t max);

#endif
