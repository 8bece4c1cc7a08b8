/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_HTTP_SESSIONS_H
#define SALLYPORT_SERVER_TRANSPORT_HTTP_SESSIONS_H

/*
 * Legacy sessions (2025-11-25 basic/transports, "Session Management"). The id is a signed token that says all
 * that is needed to go on with the session: whoever has the key can serve it, also a replica that never saw
 * it. What is kept of it here is what cannot move: calls in flight, subscriptions, streams to be resumed.
 */

#include "server/transport/http_exchange.h"
#include "server/transport/http_token.h"

struct session {
	struct sessions *sessions;
	struct http_caller *caller;
	struct session *previous, *next; /* the one used last comes first */
	struct session *same_bucket;
	struct mcp_peer *peer;
	struct token token;
	char id[TOKEN_TEXT + 1];
	struct stream unasked;  /* what it says unasked: a GET listens to it */
	struct stream *streams; /* of POSTs that are not over, and those that may be resumed */
	uint32_t last_number;   /* of a stream */
	unsigned exchanges;     /* connected just now */
	uint64_t used;
};

/* `keys` sign and check the ids. */
int sessions_new(struct sessions **sessions, struct http *http, const struct token_keys *keys);
void sessions_free(struct sessions *sessions);

/* What is said where one of these is -EBUSY: the caller has too many, and none is idle. */
extern const char session_too_many[];
/* initialize was answered in this exchange's conversation: begins the session. 0, -EBUSY or -ENOMEM. */
int session_begin(struct exchange *exchange);
/* The session of this id: *session. -ENOENT: there is none (any more), or it is another caller's; -EBUSY;
 * -ENOMEM. */
int session_find(struct sessions *sessions, struct http_caller *caller, const char *id,
		 struct session **session);
/* DELETE: its calls are cancelled, its streams end, and its id is never taken again. */
void session_end(struct session *session);
/* The exchange is one of this session's, until session_leave(). */
void session_join(struct session *session, struct exchange *exchange);
void session_leave(struct exchange *exchange);
/* A stream for a POST. NULL without memory. */
struct stream *session_stream(struct session *session);
/* It is over, and nobody will ask for it. */
void session_stream_free(struct stream *stream);
/* GET: the exchange listens to what its session says unasked, or goes on with a stream where a Last-Event-ID
 * (or NULL) says. */
void session_listen(struct exchange *exchange, const char *last_event);
/* The server ends: streams that only listen do. */
void sessions_close(struct sessions *sessions);
/* Those of this caller end, as if they were deleted; their ids are not remembered. */
void sessions_dismiss(struct sessions *sessions, const struct http_caller *caller);
/* Ids are signed and checked by these from here on. */
void sessions_rekey(struct sessions *sessions, const struct token_keys *keys);
unsigned sessions_count(const struct sessions *sessions);
/* What is old goes. */
void sessions_tidy(struct sessions *sessions);

#endif
