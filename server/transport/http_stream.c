/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said to one client, as server-sent events (https://html.spec.whatwg.org/multipage/
 * server-sent-events.html) or as one message: it waits here until the client can take it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/jsonrpc.h"
#include "protocol/limits.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_sessions.h"

void stream_init(struct stream *stream, struct http *http, struct session *session, uint32_t number)
{
	*stream = (struct stream){.http = http, .session = session, .number = number};
	buffer_init(&stream->bytes, LIMIT_OUTGOING_BYTES);
}

void stream_deinit(struct stream *stream)
{
	buffer_deinit(&stream->bytes);
}

/* Who does not read, or for whom there is no memory, is not served any longer. */
static void give_up(struct stream *stream)
{
	stream->last = true;
	if (!stream->exchange)
		return;
	stream->exchange->lost = true;
	exchange_wake(stream->exchange);
}

/*
 * Gives back what need not be kept. Of what the client has, a session's stream keeps the last part, for those
 * who come again; of what a session says unasked while nobody listens it keeps as much. What goes are whole
 * events.
 */
void stream_forget_old(struct stream *stream)
{
	bool unheard = stream->session && stream == &stream->session->unasked && !stream->exchange;
	size_t keep = stream->session ? LIMIT_HTTP_KEPT_BYTES : 0;
	size_t old = unheard ? buffer_length(&stream->bytes) : stream->sent, cut = old - keep;
	const char *bytes = buffer_data(&stream->bytes), *end;

	if (old <= 2 * keep)
		return;
	if (stream->session) {
		end = memmem(bytes + cut, old - cut, "\n\n", 2);
		if (!end)
			return;
		cut = (size_t)(end + 2 - bytes);
	}
	buffer_consume(&stream->bytes, cut);
	stream->sent -= stream->sent < cut ? stream->sent : cut;
}

void stream_put(struct stream *stream, const char *bytes, size_t length)
{
	if (buffer_append(&stream->bytes, bytes, length) < 0)
		give_up(stream);
	else if (stream->exchange)
		exchange_wake(stream->exchange);
}

/* A stream that can be resumed begins with an event that says where, and when to come again (2025-11-25,
 * "Sending Messages to the Server", 6); before that an event without data was not foreseen. */
static bool can_come_back(const struct stream *stream)
{
	return stream->session && strcmp(mcp_peer_version(stream->session->peer), "2025-11-25") >= 0;
}

void stream_begin(struct stream *stream)
{
	char first[96];

	if (stream->begun)
		return;
	stream->begun = true;
	if (!can_come_back(stream))
		return;
	snprintf(first, sizeof first, "id: %u-0\nretry: %u\ndata: \n\n", stream->number, LIMIT_HTTP_RETRY_MS);
	stream_put(stream, first, strlen(first));
}

/* One message, a line of JSON with its newline, as an event. */
static void put_event(struct stream *stream, const struct buffer *message)
{
	struct buffer *out = &stream->bytes;
	char head[48] = "data: ";

	stream->events++;
	if (stream->session)
		snprintf(head, sizeof head, "id: %u-%u\ndata: ", stream->number, stream->events);
	if (buffer_reserve(out, strlen(head) + buffer_length(message) + 1) < 0) {
		give_up(stream);
		return;
	}
	buffer_append_text(out, head);
	buffer_append(out, buffer_data(message), buffer_length(message));
	buffer_append(out, "\n", 1);
}

static bool takes_events(const struct stream *stream)
{
	return stream->begun || (stream->exchange && stream->exchange->takes_events);
}

/* The client comes back, if it was told where to. */
static void leave(struct stream *stream)
{
	if (!stream->exchange || !takes_events(stream) || !can_come_back(stream))
		return;
	stream_begin(stream);
	stream->leaves = true;
	exchange_wake(stream->exchange);
}

/* What was asked is cancelled. */
static void end_unanswered(struct stream *stream)
{
	stream->last = true;
	if (stream->exchange)
		exchange_wake(stream->exchange);
	else if (!stream->begun)
		session_stream_free(stream);
}

int stream_take(struct stream *stream, const struct mcp_delivery *delivery, struct buffer *message)
{
	if (stream->last) /* it was given up, or what follows the answer */
		return -EPIPE;
	if (delivery->leave) {
		leave(stream);
		return 0;
	}
	if (delivery->none) {
		end_unanswered(stream);
		return 0;
	}
	if (!delivery->last && !takes_events(stream))
		return -ENOTSUP; /* it can take the answer only: who asks it something is to know */
	if (!delivery->last)
		stream_begin(stream);
	stream->last = delivery->last;
	stream->code = delivery->code;
	stream->crowded = delivery->crowded;
	if (stream->begun) {
		put_event(stream, message);
		stream_forget_old(stream);
	} else { /* the whole answer: its allocation is the body */
		buffer_deinit(&stream->bytes);
		stream->bytes = *message;
		buffer_init(message, message->max);
	}
	if (stream->exchange)
		exchange_wake(stream->exchange);
	else if (!stream->begun) /* nobody was told how to come back for it */
		session_stream_free(stream);
	return 0;
}
