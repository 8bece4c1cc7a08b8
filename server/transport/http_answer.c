/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses: one JSON message, a stream of server-sent events, an error in words, a bare status.
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
	stream_forget_old(stream);
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
