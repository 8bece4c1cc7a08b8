/* SPDX-License-Identifier: Apache-2.0 */
/* What changes while we serve (http.h): callers that are none any more, and keys. */
#include "server/transport/http_exchange.h"
#include "server/transport/http_sessions.h"

static void dismiss(struct exchange *exchange)
{
	exchange_part(exchange);
	exchange->caller = NULL;
	if (exchange->state == EXCHANGE_ANSWERED) { /* a stream, cut where it is; one message goes out */
		exchange->lost = true;
	} else {
		exchange->status = MHD_HTTP_UNAUTHORIZED;
		exchange->reason = "the bearer token of this request has been withdrawn";
	}
	exchange_wake(exchange);
}

void http_dismiss(struct http *http, const struct http_caller *caller)
{
	for (struct exchange *at = http->exchanges; at; at = at->next)
		if (at->caller == caller)
			dismiss(at);
	sessions_dismiss(http->sessions, caller);
}

void http_rekey(struct http *http, const struct token_keys *keys)
{
	sessions_rekey(http->sessions, keys);
}
