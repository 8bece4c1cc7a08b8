/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the body, judged before any of it is read: is it framed in one way only, is it meant for
 * us (Host, Origin: DNS rebinding), by whom is it, and is it something we do? The first that fails is
 * answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/transport/http_exchange.h"
#include "server/transport/http_sessions.h"

#define ENDPOINT "/mcp"
#define METRICS  "/metrics"
#define MODERN   "2026-07-28"

static const char *const names[HEAD_COUNT] = {
	[HEAD_ACCEPT] = "Accept",
	[HEAD_AUTHORIZATION] = "Authorization",
	[HEAD_LENGTH] = "Content-Length",
	[HEAD_TYPE] = "Content-Type",
	[HEAD_HOST] = "Host",
	[HEAD_LAST_EVENT] = "Last-Event-ID",
	[HEAD_METHOD] = "Mcp-Method",
	[HEAD_NAME] = "Mcp-Name",
	[HEAD_ORIGIN] = "Origin",
	[HEAD_REQUEST] = "X-Request-Id",
	[HEAD_SESSION] = "Mcp-Session-Id",
	[HEAD_TRANSFER] = "Transfer-Encoding",
	[HEAD_VERSION] = "MCP-Protocol-Version",
};

const char *head_find(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

static void refuse(struct exchange *exchange, unsigned status, const char *reason)
{
	exchange->status = status;
	exchange->reason = reason;
}

/* Two of a kind could be read in two ways by two readers; Accept is a list, and may be spread. */
static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
				   const char *value)
{
	struct exchange *exchange = context;

	for (size_t i = 0; i < HEAD_COUNT; i++) {
		if (strcasecmp(names[i], name) != 0)
			continue;
		if (i == HEAD_ACCEPT) {
			exchange->takes_json |= strstr(value, "application/json") || strstr(value, "*/*") ||
						strstr(value, "application/*");
			exchange->takes_events |= strstr(value, "text/event-stream") ||
						  strstr(value, "*/*") || strstr(value, "text/*");
		} else if (exchange->head[i] && i == HEAD_REQUEST) {
			break; /* the first; proxies add theirs */
		} else if (exchange->head[i]) {
			refuse(exchange, MHD_HTTP_BAD_REQUEST,
			       "a header is there twice that may be there once");
		}
		exchange->head[i] = value ? value : "";
		break;
	}
	return MHD_YES;
}

/* ---- is it meant for us? ---- */

/* HOST[:PORT] of these names. */
static bool is_host(const char *text, size_t length, const char *name)
{
	size_t known = strlen(name);

	if (length < known || strncasecmp(text, name, known) != 0)
		return false;
	if (length == known)
		return true;
	if (text[known] != ':' || length == known + 1)
		return false;
	return strspn(text + known + 1, "0123456789") >= length - known - 1;
}

/* A name of the loopback, or one that the person gave. */
static bool is_ours(const struct exchange *exchange, const char *text)
{
	static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
	const char *const *hosts = exchange->http->settings.hosts;
	size_t length = strlen(text);

	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++)
		if (is_host(text, length, loopback[i]))
			return true;
	for (; hosts && *hosts; hosts++)
		if (is_host(text, length, *hosts))
			return true;
	return false;
}

/* "*" permits any name to call us by, but no page of any to ask us. */
static bool is_any(const struct exchange *exchange)
{
	const char *const *hosts = exchange->http->settings.hosts;

	while (hosts && *hosts && strcmp(*hosts, "*") != 0)
		hosts++;
	return hosts && *hosts;
}

/* A page that we may be asked by: of one of our own names, or named by the person. */
static bool is_origin(const struct exchange *exchange, const char *text)
{
	const char *const *origins = exchange->http->settings.origins;
	const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
			   : strncmp(text, "https://", 8) == 0 ? text + 8
							       : NULL;

	for (; origins && *origins; origins++)
		if (strcasecmp(*origins, text) == 0)
			return true;
	return host && is_ours(exchange, host);
}

static void judge_address(struct exchange *exchange)
{
	const char *host = exchange->head[HEAD_HOST], *origin = exchange->head[HEAD_ORIGIN];

	if (!host)
		refuse(exchange, MHD_HTTP_BAD_REQUEST, "the Host header is missing");
	else if (!is_any(exchange) && !is_ours(exchange, host))
		refuse(exchange, MHD_HTTP_FORBIDDEN,
		       "this is not a name of this server (the Host header); --host permits more names");
	else if (origin && !is_origin(exchange, origin))
		refuse(exchange, MHD_HTTP_FORBIDDEN,
		       "web pages of this origin may not ask this server (the Origin header); --origin "
		       "permits more");
}

/* ---- is it framed in one way? (RFC 9112, 6.3) ---- */

static void judge_framing(struct exchange *exchange)
{
	const char *length = exchange->head[HEAD_LENGTH], *transfer = exchange->head[HEAD_TRANSFER];
	size_t digits = length ? strspn(length, "0123456789") : 0;

	if (length && transfer)
		refuse(exchange, MHD_HTTP_BAD_REQUEST,
		       "Content-Length and Transfer-Encoding exclude each other");
	else if (transfer && strcasecmp(transfer, "chunked") != 0)
		refuse(exchange, MHD_HTTP_NOT_IMPLEMENTED,
		       "of transfer encodings only chunked is understood");
	else if (length && (digits == 0 || length[digits]))
		refuse(exchange, MHD_HTTP_BAD_REQUEST, "Content-Length is not a number");
	else if (length && (digits > 9 || strtoul(length, NULL, 10) > exchange->http->settings.body_bytes))
		refuse(exchange, MHD_HTTP_CONTENT_TOO_LARGE, "the message is longer than what is accepted");
}

/* ---- is it something we do? ---- */

static bool is_json(const char *type)
{
	static const char json[] = "application/json";

	return type && strncasecmp(type, json, sizeof json - 1) == 0 &&
	       strchr("; \t", type[sizeof json - 1]) != NULL;
}

static void find_session(struct exchange *exchange)
{
	const char *id = exchange->head[HEAD_SESSION], *version = exchange->head[HEAD_VERSION];
	struct session *session;
	int result;

	/* "An Mcp-Session-Id header on a request: ignore it" */
	if (!id || (version && strcmp(version, MODERN) == 0))
		return;
	result = session_find(exchange->http->sessions, exchange->caller, id, &session);
	if (result == 0)
		session_join(session, exchange);
	else if (result == -ENOENT)
		refuse(exchange, MHD_HTTP_NOT_FOUND,
		       "there is no such session (any more); initialize a new one");
	else if (result == -EBUSY)
		refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS, session_too_many);
	else
		refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory; try again");
}

static void judge_streams(struct exchange *exchange, bool get)
{
	const char *method =
		exchange->head[HEAD_METHOD]; /* it is in the body too, and is compared with that */
	bool listens = get || (method && strcmp(method, "subscriptions/listen") == 0);

	if (listens && exchange->caller->streams >= caller_streams(exchange->caller))
		refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS,
		       "too many streams are open with this token; end one first (policy: http.streams)");
}

static void judge_post(struct exchange *exchange)
{
	const char *method = exchange->head[HEAD_METHOD];

	exchange->post = true;
	exchange->state = EXCHANGE_BODY;
	if (!is_json(exchange->head[HEAD_TYPE]))
		refuse(exchange, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type must be application/json");
	else if (!exchange->takes_json)
		refuse(exchange, MHD_HTTP_NOT_ACCEPTABLE,
		       "Accept must list application/json and text/event-stream");
	else if (!exchange->takes_events && method && strcmp(method, "subscriptions/listen") == 0)
		refuse(exchange, MHD_HTTP_NOT_ACCEPTABLE,
		       "Accept must list text/event-stream: a subscription is answered by events alone");
	else
		judge_streams(exchange, false);
	if (!exchange->status)
		find_session(exchange);
}

/* Of legacy sessions only: listening, and the end. */
static void judge_other(struct exchange *exchange, const char *method)
{
	bool get = strcmp(method, "GET") == 0;

	if (get || strcmp(method, "DELETE") == 0)
		find_session(exchange);
	if (exchange->status)
		return;
	if (!exchange->session)
		refuse(exchange, MHD_HTTP_METHOD_NOT_ALLOWED,
		       "messages come by POST; GET and DELETE are for sessions of older protocol versions");
	else if (get && !exchange->takes_events)
		refuse(exchange, MHD_HTTP_NOT_ACCEPTABLE, "Accept must list text/event-stream");
	else if (get)
		judge_streams(exchange, true);
	if (exchange->status)
		return;
	if (get)
		session_listen(exchange, exchange->head[HEAD_LAST_EVENT]);
	else
		session_end(exchange->session);
}

static bool is_look(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* For who keeps watch over processes: is it there, and does it take requests? Asked by any name, and without
 * a token; nothing is said but that. */
static bool is_probe(struct exchange *exchange, const char *url, const char *method)
{
	bool ready = strcmp(url, "/readyz") == 0;

	if ((!ready && strcmp(url, "/healthz") != 0) || !is_look(method))
		return false;
	exchange->probe = true;
	refuse(exchange, ready && exchange->http->stopping ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK,
	       exchange->http->stopping ? "about to end\n" : "ok\n");
	return true;
}

void head_judge(struct exchange *exchange, const char *url, const char *method)
{
	struct http *http = exchange->http;
	struct http_caller *(*authorize)(void *context, const char *authorization);

	exchange->verb = method;
	exchange->path = url;
	MHD_get_connection_values(exchange->connection, MHD_HEADER_KIND, take_header, exchange);
	exchange_name(exchange);
	if (!exchange->head[HEAD_ACCEPT]) /* "a default of any" (RFC 9110, 12.5.1) */
		exchange->takes_json = exchange->takes_events = true;
	if (exchange->link->stranger)
		refuse(exchange, MHD_HTTP_FORBIDDEN,
		       "this socket is not for your user; --allow-uid permits more users");
	if (!exchange->status)
		judge_framing(exchange);
	if (!exchange->status && is_probe(exchange, url, method))
		return;
	if (!exchange->status && exchange->link->crowded)
		refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "too many connections are open; try again");
	if (!exchange->status)
		judge_address(exchange);
	exchange->metrics = http->host.authorize_metrics && is_look(method) && strcmp(url, METRICS) == 0;
	if (!exchange->status && !exchange->metrics && strcmp(url, ENDPOINT) != 0)
		refuse(exchange, MHD_HTTP_NOT_FOUND, "there is nothing here; the endpoint is " ENDPOINT);
	if (exchange->status)
		return;
	authorize = exchange->metrics ? http->host.authorize_metrics : http->host.authorize;
	exchange->caller = authorize(http->host.context, exchange->head[HEAD_AUTHORIZATION]);
	if (exchange->caller)
		exchange->retry_s = caller_wait(exchange->caller, http->loop->now);
	if (!exchange->caller)
		refuse(exchange, MHD_HTTP_UNAUTHORIZED,
		       "a bearer token is needed, and one that is known here");
	else if (exchange->metrics && !exchange->retry_s)
		refuse(exchange, MHD_HTTP_OK, NULL);
	else if (http->stopping)
		refuse(exchange, MHD_HTTP_SERVICE_UNAVAILABLE, "the server is about to end");
	else if (exchange->retry_s)
		refuse(exchange, MHD_HTTP_TOO_MANY_REQUESTS,
		       "too many requests come with this token; slow down (policy: http.requestsPerSecond)");
	else if (strcmp(method, "POST") == 0)
		judge_post(exchange);
	else
		judge_other(exchange, method);
}
