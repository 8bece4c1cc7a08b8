/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_URL_H
#define SALLYPORT_TOOLS_WEB_URL_H

/*
 * The URL check: one strict reading of a URL, rewritten into one spelling, so that rules, broker and libcurl
 * can never disagree about where it points. Pure; used by the frontend (a clear error at once, and
 * explain_access) and by the web executor, for what the model gave and for every redirect.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/error.h"
#include "protocol/limits.h"
#include "sandbox/egress/host.h"

struct url {
	bool https;
	char host[HOST_TEXT_BYTES]; /* one spelling (sandbox/egress/host.h); IPv6 without brackets */
	uint16_t port;              /* never 0 */
	char text[LIMIT_URL_BYTES]; /* the whole URL in its one spelling, without fragment */
};

/* No more of it than there is: most are short, and many are kept at once. */
static inline void url_copy(struct url *to, const struct url *from)
{
	memcpy(to, from, offsetof(struct url, text) + strlen(from->text) + 1);
}

/*
 * Reads `length` bytes of `text`. Accepted: http and https with an authority; white space around the URL is
 * dropped, characters that URLs must encode are encoded in path and query, "." and ".." segments are
 * resolved, the fragment is dropped. Refused with a sentence for the model: other schemes, user names and
 * passwords, backslashes, control characters inside, ports that are none, hosts as host_normalise() says.
 * Returns 0 or -EINVAL.
 */
int url_check(struct url *url, const char *text, size_t length, struct err *err);

/*
 * Resolves `reference`, as a Location header has it, against `base` (RFC 3986 section 5.2) and checks the
 * outcome like any other URL. Returns 0 or -EINVAL.
 */
int url_resolve(struct url *url, const struct url *base, const char *reference, struct err *err);

#endif
