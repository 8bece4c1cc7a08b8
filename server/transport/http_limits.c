/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one caller may ask: a token bucket, kept as the moment at which it will be full again. Each
 * request moves that away by what one costs, and it may lie LIMIT_HTTP_BURST_MS ahead of now. */
#include "protocol/limits.h"
#include "server/transport/http_exchange.h"

unsigned caller_streams(const struct http_caller *caller)
{
	return caller->most_streams ? caller->most_streams : LIMIT_HTTP_STREAMS;
}

unsigned caller_sessions(const struct http_caller *caller)
{
	return caller->most_sessions ? caller->most_sessions : LIMIT_HTTP_SESSIONS;
}

unsigned caller_wait(struct http_caller *caller, uint64_t now)
{
	uint64_t rate =
		caller->requests_per_1000_s ? caller->requests_per_1000_s : LIMIT_HTTP_RATE_THOUSANDTHS;
	uint64_t cost = 1000000000000 / rate, most = now + LOOP_MS(LIMIT_HTTP_BURST_MS);
	uint64_t full = (caller->bucket_full > now ? caller->bucket_full : now) + cost;

	if (full > most)
		return (unsigned)((full - most + 999999999) / 1000000000);
	caller->bucket_full = full;
	return 0;
}
