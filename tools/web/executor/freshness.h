/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_FRESHNESS_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_FRESHNESS_H

/* How long an answer may be shown again, by its server's word (RFC 9111), for a cache of one caller's. Pure.
 */

#include <stdint.h>

#include "protocol/limits.h"

struct freshness {
	uint64_t until; /* monotonic milliseconds; up to then nobody need be asked */
	char etag[LIMIT_WEB_VALIDATOR_BYTES], last_modified[LIMIT_WEB_VALIDATOR_BYTES]; /* "": none */
};

/* Headers as they came, NULL for those that did not. Times that cannot be read are past. */
struct freshness_headers {
	const char *cache_control, *expires, *date, *age, *vary, *etag, *last_modified;
};

void freshness_read(struct freshness *freshness, const struct freshness_headers *headers, uint64_t now);
/* Retry-After: milliseconds from now, a number of seconds or a date (`seconds`: the present, since 1970);
 * -1: it says neither. */
int64_t freshness_retry_after(const char *value, int64_t seconds);

#endif
