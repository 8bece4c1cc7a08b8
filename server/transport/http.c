/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon in our loop, and a request from its head to the end of its connection (http.h). */
#include "server/transport/http.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_sessions.h"
#include "server/transport/http_tls.h"

/* ---- the daemon's turns ---- */

/* Runs the daemon, and has it run again when it wants to. */
static void run(struct http *http)
{
	unsigned long long timeout;
	bool timed;

	http->resumed = false;
	MHD_run(http->daemon);
	timed = MHD_get_timeout(http->daemon, &timeout) == MHD_YES;
	if (timed && timeout == 0) { /* it has more to do */
		http->resumed = true;
		http->loop->again = true;
		return;
	}
	if (timed)
		loop_timer_set(http->loop, &http->timer, loop_clock() + LOOP_MS(timeout));
	else
		loop_timer_clear(http->loop, &http->timer);
	links_end(http);
}

static void daemon_ready(struct loop_source *source, uint32_t events)
{
	run((struct http *)((char *)source - offsetof(struct http, source)));
}

static void daemon_timeout(struct loop_timer *timer)
{
	run((struct http *)((char *)timer - offsetof(struct http, timer)));
}

void http_flush(struct http *http)
{
	if (!http->resumed)
		return;
	run(http);
	http->loop->again =
		true; /* requests may have come in just now, and executors not been told of them */
}

/* Intermediaries end connections on which nothing passes ("encouraged to periodically emit an SSE comment").
 */
static void beat(struct loop_timer *timer)
{
	struct http *http = (struct http *)((char *)timer - offsetof(struct http, beat));

	for (struct exchange *exchange = http->exchanges; exchange; exchange = exchange->next)
		if (exchange->stream && exchange->stream->begun && exchange->suspended)
			stream_put(exchange->stream, ":\n\n", 3);
	sessions_tidy(http->sessions);
	loop_timer_set(http->loop, timer, http->loop->now + LOOP_MS(LIMIT_HTTP_BEAT_MS));
}

/* ---- one exchange ---- */

static struct exchange *exchange_new(struct http *http, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct exchange *exchange = info && info->socket_context ? calloc(1, sizeof *exchange) : NULL;

	if (!exchange)
		return NULL;
	exchange->http = http;
	exchange->connection = connection;
	exchange->begun = loop_clock();
	exchange->link = info->socket_context;
	exchange->link->exchange = exchange;
	link_expect(exchange->link, http->settings.request_ms, 0);
	buffer_init(&exchange->body, http->settings.body_bytes);
	stream_init(&exchange->own, http, NULL, 0);
	exchange->next = http->exchanges;
	if (http->exchanges)
		http->exchanges->previous = exchange;
	http->exchanges = exchange;
	return exchange;
}

static void forget_body(struct exchange *exchange)
{
	exchange->http->bodies -= buffer_length(&exchange->body);
	buffer_deinit(&exchange->body);
	buffer_init(&exchange->body, exchange->http->settings.body_bytes);
}

/* The connection of a session's stream is lost, or all was said: who may still ask for the rest? */
static void part_with_stream(struct exchange *exchange)
{
	struct stream *stream = exchange->stream;

	stream->exchange = NULL;
	if (stream == &exchange->own || stream == &exchange->session->unasked)
		return;
	if (stream->last && (!stream->begun || stream->sent == buffer_length(&stream->bytes)))
		session_stream_free(stream);
	else
		stream->lost_at = exchange->http->loop->now;
}

void exchange_part(struct exchange *exchange)
{
	if (exchange->stream)
		part_with_stream(exchange);
	if (exchange->peer) {
		mcp_route_gone(exchange->peer,
			       NULL); /* "MUST be treated .. as cancellation of that request" */
		mcp_peer_free(exchange->peer);
	}
	if (exchange->session)
		session_leave(exchange);
	if (exchange->streams) {
		exchange->caller->streams--;
		exchange->http->streams--;
		exchange->streams = false;
	}
	exchange->stream = NULL;
	exchange->peer = NULL;
}

static void exchange_free(struct exchange *exchange)
{
	struct http *http = exchange->http;

	exchange->link->exchange = NULL;
	link_expect(exchange->link, LIMIT_HTTP_IDLE_TIMES * http->settings.request_ms, 0);
	if (exchange->previous)
		exchange->previous->next = exchange->next;
	else
		http->exchanges = exchange->next;
	if (exchange->next)
		exchange->next->previous = exchange->previous;
	exchange_part(exchange);
	if (!exchange->answered)
		exchange_answered(exchange, 0);
	exchange_record(exchange);
	stream_deinit(&exchange->own);
	forget_body(exchange);
	free(exchange);
}

static int send_message(void *context, const struct mcp_delivery *delivery, struct buffer *message)
{
	return delivery->route ? stream_take(delivery->route, delivery, message) : 0;
}

static const char *find_header(void *context, const char *name)
{
	return head_find(context, name);
}

/* A conversation for this one request, or that of its session. 0 or -ENOMEM. */
static int converse(struct exchange *exchange)
{
	struct mcp_sink sink = {.send = send_message};
	int result;

	if (exchange->session) {
		exchange->stream = session_stream(exchange->session);
		result = exchange->stream ? 0 : -ENOMEM;
	} else {
		exchange->stream = &exchange->own;
		result = mcp_peer_new(&exchange->peer, exchange->caller->mcp, &sink);
	}
	if (result == 0)
		exchange->stream->exchange = exchange;
	return result;
}

void exchange_receive(struct exchange *exchange)
{
	struct mcp_headers headers = {.version = exchange->head[HEAD_VERSION],
				      .method = exchange->head[HEAD_METHOD],
				      .name = exchange->head[HEAD_NAME],
				      .find = find_header,
				      .heard = exchange->http->host.record ? &exchange->heard : NULL,
				      .context = exchange};
	int result = converse(exchange);

	exchange->state = EXCHANGE_WAITS;
	if (result == 0)
		result = mcp_receive_from(exchange_peer(exchange), exchange->stream, &headers,
					  buffer_data(&exchange->body), buffer_length(&exchange->body));
	forget_body(exchange);
	if (result == 0 && exchange->peer && mcp_peer_version(exchange->peer))
		result = session_begin(exchange);
	if (result < 0) {
		exchange->status =
			result == -EBUSY ? MHD_HTTP_TOO_MANY_REQUESTS : MHD_HTTP_SERVICE_UNAVAILABLE;
		exchange->reason = result == -EBUSY ? session_too_many : "out of memory; try again";
	}
}

static enum MHD_Result take_body(struct exchange *exchange, const char *bytes, size_t *length)
{
	struct http *http = exchange->http;
	int result = 0;

	if (exchange->status && (exchange->dropped += *length) > LIMIT_MESSAGE_BYTES)
		return MHD_NO;
	if (!exchange->status && http->bodies + *length > LIMIT_HTTP_BODIES_BYTES) {
		exchange->status = MHD_HTTP_SERVICE_UNAVAILABLE;
		exchange->reason = "too many long messages are being read at once; try again";
		forget_body(exchange);
	}
	if (!exchange->status)
		result = buffer_append(&exchange->body, bytes, *length);
	if (result == 0 && !exchange->status)
		http->bodies += *length;
	if (result == -EMSGSIZE) {
		exchange->status = MHD_HTTP_CONTENT_TOO_LARGE;
		exchange->reason = "the message is longer than what is accepted";
	}
	exchange->link->moved += *length;
	exchange->bytes_in += *length;
	*length = 0;
	return result == -ENOMEM ? MHD_NO : MHD_YES;
}

/*
 * A refusal waits for the body that follows the head, which is dropped: whoever still writes does not read
 * it, and proxies make a 502 of that. Not where it is in doubt what the body is, or when the client asks
 * first.
 */
static bool drops_body(const struct exchange *exchange)
{
	switch (exchange->status) {
	case MHD_HTTP_BAD_REQUEST:
	case MHD_HTTP_CONTENT_TOO_LARGE:
	case MHD_HTTP_NOT_IMPLEMENTED:
		return false;
	default:
		return (exchange->head[HEAD_LENGTH] || exchange->head[HEAD_TRANSFER]) &&
		       !head_find(exchange, MHD_HTTP_HEADER_EXPECT);
	}
}

/* As microhttpd has it: first with the head alone, then with each piece of the body, then without any, and
 * again whenever the connection was resumed before there was a response. */
static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *bytes, size_t *length,
			      void **slot)
{
	struct exchange *exchange = *slot;

	if (!exchange) {
		exchange = *slot = exchange_new(context, connection);
		if (!exchange)
			return MHD_NO;
		head_judge(exchange, url, method);
		return exchange->status && !drops_body(exchange)
			       ? exchange_refuse(exchange, exchange->status, exchange->reason)
			       : MHD_YES;
	}
	if (exchange->lost || (exchange->link->gone && exchange->state == EXCHANGE_WAITS))
		return MHD_NO;
	if (*length)
		return take_body(exchange, bytes, length);
	if (!exchange->status && exchange->post && exchange->state < EXCHANGE_WAITS)
		exchange_receive(exchange);
	if (exchange->status)
		return exchange_refuse(exchange, exchange->status, exchange->reason);
	return exchange_answer(exchange);
}

static void completed(void *context, struct MHD_Connection *connection, void **slot,
		      enum MHD_RequestTerminationCode code)
{
	if (*slot)
		exchange_free(*slot);
	*slot = NULL;
}

/* ---- beginning and end ---- */

static void preset(struct http_settings *settings)
{
	if (!settings->body_bytes)
		settings->body_bytes = LIMIT_MESSAGE_BYTES;
	if (!settings->request_ms)
		settings->request_ms = LIMIT_HTTP_REQUEST_MS;
}

int http_init(struct http *http, struct loop *loop, const struct http_host *host,
	      const struct http_settings *settings, int listener, struct err *err)
{
	static const struct MHD_OptionItem in_clear[] = {{MHD_OPTION_END, 0, NULL}};
	bool secure = settings->certificate != NULL;
	const union MHD_DaemonInfo *info;
	unsigned idle_s; /* on which nothing passes at all: an answer that nobody takes is given up early */
	int result;

	*http = (struct http){.loop = loop, .host = *host, .settings = *settings};
	preset(&http->settings);
	idle_s = (LIMIT_HTTP_IDLE_TIMES * http->settings.request_ms + 999) / 1000;
	http->source = (struct loop_source){.fd = -1, .ready = daemon_ready};
	http->timer.fire = daemon_timeout;
	http->beat.fire = beat;
	result = token_number(&http->next_id);
	if (result == 0)
		result = sessions_new(&http->sessions, http, settings->keys);
	if (result < 0)
		return err_set(err, result, "out of memory");
	http->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (secure ? MHD_USE_TLS : 0), 0, NULL, NULL, handle,
		http, MHD_OPTION_ARRAY, secure ? tls_options : in_clear, MHD_OPTION_LISTEN_SOCKET, listener,
		MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, link_changed,
		http, MHD_OPTION_CONNECTION_LIMIT, settings->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)LIMIT_HTTP_HEAD_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
	info = http->daemon ? MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info)
		return err_set(err, -EIO, "the HTTP daemon does not start");
	result = loop_watch(loop, &http->source, info->epoll_fd, EPOLLIN);
	if (result == 0)
		result = loop_timer_set(loop, &http->beat, loop_clock() + LOOP_MS(LIMIT_HTTP_BEAT_MS));
	return result < 0 ? err_set(err, result, "the HTTP daemon cannot be watched: %s", err_name(result))
			  : 0;
}

bool http_busy(const struct http *http)
{
	for (const struct exchange *exchange = http->exchanges; exchange; exchange = exchange->next)
		if (exchange->state == EXCHANGE_BODY || exchange->state == EXCHANGE_WAITS ||
		    (exchange->stream && !exchange->lost))
			return true;
	return false;
}

void http_stop(struct http *http)
{
	struct exchange *next;
	int listener;

	http->stopping = true;
	listener = MHD_quiesce_daemon(http->daemon);
	if (listener >= 0)
		close(listener); /* who comes now asks somebody else */
	for (struct exchange *exchange = http->exchanges; exchange; exchange = next) {
		next = exchange->next;
		if (exchange->peer)
			mcp_close(exchange->peer);
	}
	sessions_close(http->sessions);
}

void http_deinit(struct http *http)
{
	loop_timer_clear(http->loop, &http->timer);
	loop_timer_clear(http->loop, &http->beat);
	loop_forget(http->loop, &http->source);
	for (struct exchange *exchange = http->exchanges; exchange; exchange = exchange->next)
		if (exchange->suspended) {
			exchange->lost = true;
			exchange->suspended = false;
			MHD_resume_connection(exchange->connection);
		}
	if (http->daemon)
		MHD_stop_daemon(http->daemon); /* completes every exchange */
	sessions_free(http->sessions);
}
