/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one caller may ask: a token bucket, kept as the moment at which it will be full again. Each
 * request moves that away by what one costs, and it may lie LIMIT_HTTP_BURST_MS ahead of now. */
#include "protocol/limits.h"
#include "server/transport/http_exchange.h"

unsigned caller_wait(struct http_caller *caller, uint64_t now, uint64_t per_1000_seconds)
{
	uint64_t cost = 1000000000000 / per_1000_seconds, most = now + LOOP_MS(LIMIT_HTTP_BURST_MS);
	uint64_t full = (caller->bucket_full > now ? caller->bucket_full : now) + cost;

	if (full > most)
		return (unsigned)((full - most + 999999999) / 1000000000);
	caller->bucket_full = full;
	return 0;
}
