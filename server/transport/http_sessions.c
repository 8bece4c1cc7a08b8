/* SPDX-License-Identifier: Apache-2.0 */
/* Legacy sessions (http_sessions.h): what is known of them here, found by their ids. */
#include "server/transport/http_sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"

#define BUCKETS 256 /* a power of two */

struct sessions {
	struct http *http;
	struct token_keys keys;
	struct session *buckets[BUCKETS]; /* by the token's number */
	struct session *newest, *oldest;  /* by last use */
	unsigned count;
	uint64_t ended[LIMIT_HTTP_ENDED_SESSIONS]; /* numbers of those that were deleted; 0: none */
	size_t next_ended;
};

static struct session **bucket_of(struct sessions *sessions, uint64_t number)
{
	return &sessions->buckets[number & (BUCKETS - 1)];
}

const char session_too_many[] =
	"too many sessions are in use with this token; end one first (policy: http.sessions)";

/* ---- the list by last use ---- */

static void unlink_use(struct session *session)
{
	struct sessions *sessions = session->sessions;

	*(session->previous ? &session->previous->next : &sessions->newest) = session->next;
	*(session->next ? &session->next->previous : &sessions->oldest) = session->previous;
}

static void link_use(struct session *session)
{
	struct sessions *sessions = session->sessions;

	session->used = sessions->http->loop->now;
	session->previous = NULL;
	session->next = sessions->newest;
	*(sessions->newest ? &sessions->newest->previous : &sessions->oldest) = session;
	sessions->newest = session;
}

/* ---- streams ---- */

struct stream *session_stream(struct session *session)
{
	struct stream *stream = malloc(sizeof *stream);

	if (!stream)
		return NULL;
	stream_init(stream, session->sessions->http, session, ++session->last_number);
	stream->next = session->streams;
	session->streams = stream;
	return stream;
}

void session_stream_free(struct stream *stream)
{
	struct stream **link = &stream->session->streams;

	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	if (stream->exchange)
		stream->exchange->stream = NULL;
	stream_deinit(stream);
	free(stream);
}

static int send_message(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	struct session *session = context;

	return stream_take(delivery->route ? delivery->route : &session->unasked, delivery, message);
}

static struct stream *find_stream(struct session *session, unsigned number)
{
	for (struct stream *at = session->streams; at; at = at->next)
		if (at->number == number)
			return at;
	return &session->unasked;
}

/* What was sent up to that event is sent; of an event that is not kept any more, all that is. */
static void rewind_to(struct stream *stream, unsigned event)
{
	char line[48];
	const char *bytes = buffer_data(&stream->bytes), *found, *end;
	size_t length = buffer_length(&stream->bytes);

	snprintf(line, sizeof line, "id: %u-%u\n", stream->number, event);
	found = length ? memmem(bytes, length, line, strlen(line)) : NULL;
	end = found ? memmem(found, length - (size_t)(found - bytes), "\n\n", 2) : NULL;
	stream->sent = end ? (size_t)(end + 2 - bytes) : 0;
}

void session_listen(struct exchange *exchange, const char *last_event)
{
	struct session *session = exchange->session;
	struct stream *stream = &session->unasked;
	unsigned number, event;

	if (last_event && sscanf(last_event, "%9u-%9u", &number, &event) == 2) {
		stream = find_stream(session, number);
		if (stream->number == number)
			rewind_to(stream, event);
	}
	if (stream->exchange) { /* it came again before we saw that it had gone */
		stream->exchange->stream = NULL;
		stream->exchange->lost = true;
		exchange_wake(stream->exchange);
	}
	exchange->stream = stream;
	stream->exchange = exchange;
	stream->lost_at = 0;
	stream->leaves = false;
	stream_begin(stream);
}

/* ---- sessions ---- */

static void end_exchanges(struct session *session)
{
	for (struct exchange *at = session->sessions->http->exchanges; at; at = at->next) {
		if (at->session != session)
			continue;
		at->session = NULL;
		at->stream = NULL;
		at->lost = at->state == EXCHANGE_WAITS || at->suspended;
		exchange_wake(at);
	}
}

static void session_free(struct session *session)
{
	struct sessions *sessions = session->sessions;
	struct session **link = bucket_of(sessions, session->token.number);

	end_exchanges(session);
	if (session->peer)
		mcp_route_gone(session->peer, NULL);
	mcp_peer_free(session->peer);
	while (session->streams)
		session_stream_free(session->streams);
	stream_deinit(&session->unasked);
	while (*link != session)
		link = &(*link)->same_bucket;
	*link = session->same_bucket;
	unlink_use(session);
	session->caller->sessions--;
	sessions->count--;
	free(session);
}

/* Which none is connected to, and nothing is in flight of: it can be made again from its token. */
static bool is_idle(const struct session *session)
{
	return session->exchanges == 0 && mcp_in_flight(session->peer) == 0;
}

/* For one more of this caller's. 0; -EBUSY: it has too many, and none of them is idle. */
static int make_room(struct sessions *sessions, const struct http_caller *caller)
{
	unsigned most = caller_sessions(caller);
	struct session *at = sessions->oldest;

	while (at && (sessions->count >= LIMIT_HTTP_SESSIONS || caller->sessions >= most)) {
		struct session *newer = at->previous;

		if (is_idle(at) && (sessions->count >= LIMIT_HTTP_SESSIONS || at->caller == caller))
			session_free(at);
		at = newer;
	}
	return caller->sessions >= most ? -EBUSY : 0;
}

/* With a conversation that goes on where the token says. 0, -EBUSY or -ENOMEM; *made. */
static int make(struct sessions *sessions, struct http_caller *caller, const struct token *token,
		struct session **made)
{
	struct session *session, **bucket = bucket_of(sessions, token->number);
	struct mcp_sink sink = {.send = send_message};
	uint64_t streams;
	int result = make_room(sessions, caller);

	if (result < 0)
		return result;
	session = calloc(1, sizeof *session);
	if (!session)
		return -ENOMEM;
	session->sessions = sessions;
	session->caller = caller;
	caller->sessions++;
	session->token = *token;
	stream_init(&session->unasked, sessions->http, session, 0);
	session->same_bucket = *bucket;
	*bucket = session;
	link_use(session);
	sessions->count++;
	sink.context = session;
	/* a stream that another replica had, or we before a restart, is not taken for one of these */
	result = token_number(&streams);
	session->last_number = (uint32_t)(streams % LIMIT_HTTP_STREAM_NUMBERS);
	if (result == 0)
		result = mcp_peer_new(&session->peer, caller->mcp, &sink);
	if (result == 0)
		result = mcp_peer_resume(session->peer, token->version, token->client, token->capabilities);
	if (result == 0)
		result = token_write(&sessions->keys, caller->name, &session->token, session->id);
	if (result < 0) {
		session_free(session);
		return result;
	}
	*made = session;
	return 0;
}

int session_begin(struct exchange *exchange)
{
	struct sessions *sessions = exchange->http->sessions;
	struct session *session;
	struct token token = {0};
	int result = token_number(&token.number);

	snprintf(token.version, sizeof token.version, "%s", mcp_peer_version(exchange->peer));
	if (mcp_peer_client(exchange->peer))
		snprintf(token.client, sizeof token.client, "%s", mcp_peer_client(exchange->peer));
	token.capabilities = (uint8_t)mcp_peer_capabilities(exchange->peer);
	if (result == 0)
		result = make(sessions, exchange->caller, &token, &session);
	if (result == 0)
		session_join(session, exchange);
	return result;
}

static bool was_ended(const struct sessions *sessions, uint64_t number)
{
	for (size_t i = 0; i < LIMIT_HTTP_ENDED_SESSIONS; i++)
		if (sessions->ended[i] == number)
			return true;
	return false;
}

int session_find(struct sessions *sessions, struct http_caller *caller, const char *id,
		 struct session **session)
{
	struct token token;

	if (token_read(&sessions->keys, caller->name, id, &token) < 0 || was_ended(sessions, token.number))
		return -ENOENT;
	for (struct session *at = *bucket_of(sessions, token.number); at; at = at->same_bucket)
		if (at->token.number == token.number) {
			*session = at;
			return 0;
		}
	return make(sessions, caller, &token, session);
}

void session_end(struct session *session)
{
	struct sessions *sessions = session->sessions;

	sessions->ended[sessions->next_ended] = session->token.number;
	sessions->next_ended = (sessions->next_ended + 1) % LIMIT_HTTP_ENDED_SESSIONS;
	session_free(session);
}

void session_join(struct session *session, struct exchange *exchange)
{
	exchange->session = session;
	session->exchanges++;
	unlink_use(session);
	link_use(session);
}

void session_leave(struct exchange *exchange)
{
	exchange->session->exchanges--;
	exchange->session = NULL;
}

/* ---- all of them ---- */

static void tidy_streams(struct session *session)
{
	uint64_t now = session->sessions->http->loop->now;
	struct stream *next;

	for (struct stream *at = session->streams; at; at = next) {
		next = at->next;
		if (at->last && at->lost_at && now - at->lost_at > LOOP_MS(LIMIT_HTTP_RESUME_MS))
			session_stream_free(at);
	}
}

void sessions_tidy(struct sessions *sessions)
{
	uint64_t now = sessions->http->loop->now;
	struct session *newer;

	for (struct session *at = sessions->oldest; at; at = newer) {
		newer = at->previous;
		tidy_streams(at);
		if (is_idle(at) && now - at->used > LOOP_MS(LIMIT_HTTP_SESSION_IDLE_MS))
			session_free(at);
	}
}

unsigned sessions_count(const struct sessions *sessions)
{
	return sessions->count;
}

void sessions_close(struct sessions *sessions)
{
	for (struct session *at = sessions->oldest; at; at = at->previous) {
		at->unasked.last = true;
		if (at->unasked.exchange)
			exchange_wake(at->unasked.exchange);
	}
}

void sessions_dismiss(struct sessions *sessions, const struct http_caller *caller)
{
	struct session *newer;

	for (struct session *at = sessions->oldest; at; at = newer) {
		newer = at->previous;
		if (at->caller == caller)
			session_free(at);
	}
}

void sessions_rekey(struct sessions *sessions, const struct token_keys *keys)
{
	sessions->keys = *keys;
}

int sessions_new(struct sessions **sessions, struct http *http, const struct token_keys *keys)
{
	struct sessions *made = calloc(1, sizeof *made);

	if (!made)
		return -ENOMEM;
	made->http = http;
	made->keys = *keys;
	*sessions = made;
	return 0;
}

void sessions_free(struct sessions *sessions)
{
	if (!sessions)
		return;
	while (sessions->oldest)
		session_free(sessions->oldest);
	free(sessions);
}
