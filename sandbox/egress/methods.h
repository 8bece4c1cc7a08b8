/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_METHODS_H
#define SALLYPORT_SANDBOX_EGRESS_METHODS_H

/*
 * What a request of fetch_url may be, beside where it goes (rules.h): GET and HEAD without headers of the
 * model's own everywhere, and with them at the loopback of the caller's own sandbox, which nothing leaves;
 * any other method, headers and a body where an entry of network.methods names the host and that method. So
 * without an entry fetch_url changes nothing anywhere, and says so (readOnlyHint). Pure functions
 * over the plan: the frontend asks them for a clear refusal at once, the web executor at every hop.
 */

#include "sandbox/egress/rules.h"

/* In the order of enum plan_method, and NULL: as they are written in requests and policies. */
extern const char *const plan_methods[];

/*
 * `host` as host_normalise() writes it; rules_host() decides about it. `more`: the request has headers of the
 * model's own, or a body. Returns answer->allowed; answer->reach says what may be asked instead.
 */
bool rules_method(const struct plan *plan, const char *host, uint16_t port, enum plan_method method,
		  bool more, struct rules_answer *answer);

/* Does the entry name this host and port? Without a port it names 80 and 443. */
bool rules_names(const struct plan_rule *rule, const char *host, uint16_t port);

/*
 * A header that the model wants to send there: NULL, or why not: a sentence's end ("is not a header's name").
 * Names are RFC 9110 tokens, values visible characters, spaces and tabs; what belongs to the connection, to
 * the framing of messages, to proxies and to browsers is ours, and what policy injects for the host is its
 * own.
 */
const char *rules_header(const struct plan *plan, const char *host, uint16_t port, const char *name,
			 size_t name_length, const char *value, size_t value_length);

/* The same of the name of a header that policy injects, wherever it goes. */
const char *rules_header_of_policy(const char *name);

#endif
