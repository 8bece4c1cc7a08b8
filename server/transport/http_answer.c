/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers: one JSON message, a stream of server-sent events (https://html.spec.whatwg.org/multipage/
 * server-sent-events.html), a bare status. What is said before the client can take it waits in the stream.
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

/* ---- streams ---- */

void stream_init(struct stream *stream, struct http *http, struct session *session, uint32_t number)
{
	*stream = (struct stream){.http = http, .session = session, .number = number};
	buffer_init(&stream->bytes, LIMIT_OUTGOING_BYTES);
}

void stream_deinit(struct stream *stream)
{
	buffer_deinit(&stream->bytes);
}

void exchange_wake(struct exchange *exchange)
{
	if (!exchange->suspended)
		return;
	exchange->suspended = false;
	exchange->http->resumed = true;
	if (exchange->state == EXCHANGE_ANSWERED)
		link_expect(exchange->link, exchange->http->settings.request_ms, 0);
	MHD_resume_connection(exchange->connection);
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
static void forget_old(struct stream *stream)
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
		return 0; /* it can take the answer only */
	if (!delivery->last)
		stream_begin(stream);
	stream->last = delivery->last;
	stream->code = delivery->code;
	stream->crowded = delivery->crowded;
	if (stream->begun) {
		put_event(stream, message);
		forget_old(stream);
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

/* ---- responses ---- */

static void add_session(const struct exchange *exchange, struct MHD_Response *response)
{
	if (exchange->session)
		MHD_add_response_header(response, "Mcp-Session-Id", exchange->session->id);
}

/* `length` of the body, as far as that is known. */
static enum MHD_Result queue(struct exchange *exchange, unsigned status, struct MHD_Response *response,
			     size_t length)
{
	enum MHD_Result result;
	char seconds[16];

	if (!response)
		return MHD_NO;
	exchange->state = EXCHANGE_ANSWERED;
	exchange_answered(exchange, status);
	link_expect(exchange->link, exchange->http->settings.request_ms, length);
	exchange->bytes_out = length;
	MHD_add_response_header(response, "X-Request-Id", exchange->id);
	if (exchange->link->crowded)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	if (status == MHD_HTTP_SERVICE_UNAVAILABLE || status == MHD_HTTP_TOO_MANY_REQUESTS) {
		snprintf(seconds, sizeof seconds, "%u", exchange->retry_s ? exchange->retry_s : 1);
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	result = MHD_queue_response(exchange->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result queue_empty(struct exchange *exchange, unsigned status)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(0, (char *)"", MHD_RESPMEM_PERSISTENT);

	if (response)
		add_session(exchange, response);
	return queue(exchange, status, response, 0);
}

/* How an error of the protocol is told in HTTP. A legacy client's transport takes anything but 200 for its
 * own failure, and never shows the error. */
static unsigned status_of(const struct exchange *exchange)
{
	if (exchange->stream->crowded)
		return MHD_HTTP_TOO_MANY_REQUESTS;
	if (exchange->session)
		return MHD_HTTP_OK;
	switch (exchange->stream->code) {
	case MCP_PARSE_ERROR:
	case MCP_INVALID_REQUEST:
	case MCP_INVALID_PARAMS:
	case MCP_HEADER_MISMATCH:
	case MCP_MISSING_CAPABILITY:
	case MCP_UNSUPPORTED_VERSION:
		return MHD_HTTP_BAD_REQUEST;
	case MCP_METHOD_NOT_FOUND:
		return MHD_HTTP_NOT_FOUND;
	default:
		return MHD_HTTP_OK;
	}
}

static enum MHD_Result queue_message(struct exchange *exchange)
{
	struct buffer *bytes = &exchange->stream->bytes;
	struct MHD_Response *response;
	size_t length = buffer_length(bytes);

	if (bytes->start) { /* what is freed must be what was allocated */
		memmove(bytes->bytes, buffer_data(bytes), buffer_length(bytes));
		bytes->end -= bytes->start;
		bytes->start = 0;
	}
	response = MHD_create_response_from_buffer(length, bytes->bytes, MHD_RESPMEM_MUST_FREE);
	if (response) {
		buffer_init(bytes, bytes->max);
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		add_session(exchange, response);
	}
	return queue(exchange, status_of(exchange), response, length);
}

/*
 * The stream is broken off. The daemon has an answer for that (MHD_CONTENT_READER_END_WITH_ERROR), after
 * which it does not look at the connection again (0.9.75), so that it stays open; it does close one that it
 * cannot write to. Nobody hears of a proper end: nothing can be said any more.
 */
static ssize_t break_off(struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (!info)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	shutdown(info->connect_fd, SHUT_RDWR);
	return MHD_CONTENT_READER_END_OF_STREAM;
}

/* As microhttpd has it: bytes, or the end, or 0 when there are none yet; then the connection is suspended. */
static ssize_t read_stream(void *context, uint64_t position, char *bytes, size_t size)
{
	struct exchange *exchange = context;
	struct stream *stream = exchange->stream;
	size_t left;

	if (!stream || exchange->lost || exchange->link->gone)
		return break_off(exchange);
	left = buffer_length(&stream->bytes) - stream->sent;
	if (left == 0 && (stream->last || stream->leaves))
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (left == 0) {
		if (link_gone(exchange->link))
			return MHD_CONTENT_READER_END_WITH_ERROR;
		exchange->suspended = true;
		link_rest(exchange->link);
		MHD_suspend_connection(exchange->connection);
		return 0;
	}
	if (left > size)
		left = size;
	memcpy(bytes, buffer_data(&stream->bytes) + stream->sent, left);
	stream->sent += left;
	exchange->link->moved += left;
	exchange->bytes_out += left;
	forget_old(stream);
	return (ssize_t)left;
}

static enum MHD_Result queue_stream(struct exchange *exchange)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, LIMIT_HTTP_CHUNK_BYTES, read_stream, exchange, NULL);

	if (response) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache, no-transform");
		MHD_add_response_header(response, "X-Accel-Buffering", "no");
		add_session(exchange, response);
		exchange->streams = true;
		exchange->caller->streams++;
		exchange->http->streams++;
	}
	return queue(exchange, MHD_HTTP_OK, response, 0);
}

static enum MHD_Result wait(struct exchange *exchange)
{
	if (link_gone(exchange->link))
		return MHD_NO;
	exchange->suspended = true;
	link_rest(exchange->link);
	MHD_suspend_connection(exchange->connection);
	return MHD_YES;
}

struct mcp_peer *exchange_peer(const struct exchange *exchange)
{
	return exchange->peer ? exchange->peer : exchange->session->peer;
}

static enum MHD_Result answer_probe(struct exchange *exchange)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(exchange->reason), (char *)exchange->reason, MHD_RESPMEM_PERSISTENT);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	return queue(exchange, exchange->status, response, strlen(exchange->reason));
}

static enum MHD_Result answer_error(struct exchange *exchange, unsigned status, const char *reason)
{
	_cleanup_(buffer_deinit) struct buffer text;
	struct MHD_Response *response;
	struct json_writer writer;

	buffer_init(&text, 1024);
	json_writer_init(&writer, &text);
	json_object(&writer);
	json_key_text(&writer, "jsonrpc", "2.0");
	json_key(&writer, "error");
	json_object(&writer);
	json_key_int(&writer, "code", MCP_INVALID_REQUEST);
	json_key_text(&writer, "message", reason);
	json_object_end(&writer);
	json_object_end(&writer);
	response = MHD_create_response_from_buffer(buffer_length(&text), buffer_data(&text),
						   MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	if (status == MHD_HTTP_UNAUTHORIZED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE,
					"Bearer realm=\"sallyport\"");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "POST");
	return queue(exchange, status, response, buffer_length(&text));
}

static enum MHD_Result answer_metrics(struct exchange *exchange)
{
	struct MHD_Response *response = NULL;
	struct buffer text;
	size_t length;

	buffer_init(&text, LIMIT_METRICS_BYTES);
	if (http_metrics(exchange->http, &text) == 0)
		response = MHD_create_response_from_buffer(buffer_length(&text), text.bytes,
							   MHD_RESPMEM_MUST_FREE);
	length = buffer_length(&text);
	if (response)
		buffer_init(&text, 0); /* its allocation is the response's now */
	buffer_deinit(&text);
	if (!response)
		return answer_error(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory; try again");
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				"text/plain; version=0.0.4; charset=utf-8");
	return queue(exchange, MHD_HTTP_OK, response, length);
}

enum MHD_Result exchange_refuse(struct exchange *exchange, unsigned status, const char *reason)
{
	if (exchange->probe)
		return answer_probe(exchange);
	if (exchange->metrics && status == MHD_HTTP_OK)
		return answer_metrics(exchange);
	return answer_error(exchange, status, reason);
}

enum MHD_Result exchange_answer(struct exchange *exchange)
{
	struct stream *stream = exchange->stream;

	if (!stream)
		return queue_empty(exchange, MHD_HTTP_NO_CONTENT);
	if (stream->begun)
		return queue_stream(exchange);
	if (stream->last && buffer_length(&stream->bytes))
		return queue_message(exchange);
	/* a notification, a response, or what was cancelled */
	if (stream->last || !mcp_route_waits(exchange_peer(exchange), stream))
		return queue_empty(exchange, MHD_HTTP_ACCEPTED);
	return wait(exchange);
}
