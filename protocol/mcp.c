/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MCP: one message in, by one method table with a column an era, answers out. The client is not trusted in
 * anything; nothing here blocks, and nothing here does I/O.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

struct mcp_method {
	const char *name;
	mcp_handler *legacy, *modern; /* NULL: the era does not have it */
	bool early;                   /* legacy: allowed before initialize (lifecycle, "Initialization") */
	bool (*offered)(const struct mcp_host *host); /* NULL: by every host */
};

static bool has_prompts(const struct mcp_host *host)
{
	return host->prompts;
}

static bool has_tasks(const struct mcp_host *host)
{
	return host->tasks;
}

/* Sorted by name. */
static const struct mcp_method methods[] = {
	{"completion/complete", mcp_completion_complete, mcp_completion_complete},
	{"initialize", mcp_legacy_initialize, NULL, .early = true},
	{"logging/setLevel", mcp_legacy_set_level, NULL},
	{"ping", mcp_legacy_ping, NULL, .early = true},
	{"prompts/get", mcp_prompts_get, mcp_prompts_get, .offered = has_prompts},
	{"prompts/list", mcp_prompts_list, mcp_prompts_list, .offered = has_prompts},
	{"resources/list", mcp_resources_list, mcp_resources_list},
	{"resources/read", mcp_resources_read, mcp_resources_read},
	{"resources/subscribe", mcp_resources_subscribe, NULL},
	{"resources/templates/list", mcp_resources_templates, mcp_resources_templates},
	{"resources/unsubscribe", mcp_resources_unsubscribe, NULL},
	{"server/discover", NULL, mcp_modern_discover},
	{"subscriptions/listen", NULL, mcp_subscriptions_listen},
	{"tasks/cancel", NULL, mcp_tasks_cancel, .offered = has_tasks},
	{"tasks/get", NULL, mcp_tasks_get, .offered = has_tasks},
	{"tasks/update", NULL, mcp_tasks_update, .offered = has_tasks},
	{"tools/call", mcp_tools_call, mcp_tools_call},
	{"tools/list", mcp_tools_list, mcp_tools_list},
};

static int compare_method(const void *name, const void *method)
{
	return strcmp(name, ((const struct mcp_method *)method)->name);
}

/* ---- answers ---- */

int mcp_send(struct mcp_peer *peer, const struct mcp_delivery *delivery, struct buffer *message)
{
	int result = buffer_append(message, "\n", 1);

	if (result == 0 && !peer->closing)
		result = peer->sink.send(peer->sink.context, delivery, message);
	buffer_clear(message, LIMIT_FRAME_BYTES);
	return result;
}

void mcp_send_none(struct mcp_peer *peer, void *route)
{
	struct mcp_delivery delivery = {.route = route, .last = true, .none = true};
	struct buffer nothing;

	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	if (route && !peer->closing)
		peer->sink.send(peer->sink.context, &delivery, &nothing);
}

int mcp_answer(const struct mcp_origin *origin, struct jsonrpc_id id, int code, struct buffer *answer)
{
	struct mcp_delivery delivery = {
		.route = origin->route, .last = true, .code = code, .crowded = origin->crowded};

	if (!origin->batch)
		return mcp_send(origin->peer, &delivery, answer);
	mcp_batch_answer(origin->batch, id, answer);
	buffer_clear(answer, LIMIT_FRAME_BYTES);
	return 0;
}

int mcp_write_result_tail(const struct mcp_origin *origin, const char *type, struct buffer *out,
			  const char *more, size_t more_length)
{
	static const char modern[] = "},\"resultType\":\""; /* basic, "ResultType" */
	const char *server_meta = origin->peer->caller->server_meta;
	size_t server = origin->era == MCP_MODERN ? strlen(server_meta) : 0;
	int result = buffer_reserve(out, server + more_length + sizeof modern + strlen(type) + 32);

	if (result < 0)
		return result;
	if (!server && !more_length)
		return buffer_append(out, "}}", 2);
	if (out->bytes[out->end - 1] != '{')
		buffer_append(out, ",", 1);
	buffer_append(out, "\"_meta\":{", 9);
	buffer_append(out, server_meta, server);
	if (server && more_length)
		buffer_append(out, ",", 1);
	buffer_append(out, more, more_length);
	if (!server)
		return buffer_append(out, "}}}", 3);
	buffer_append(out, modern, sizeof modern - 1);
	buffer_append_text(out, type);
	return buffer_append(out, "\"}}", 3);
}

int mcp_reply_begin(struct mcp_incoming *incoming, struct json_writer *writer)
{
	struct buffer *out = &incoming->origin.peer->caller->reply;

	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(writer, out);
	writer->result = jsonrpc_write_result(out, incoming->message.id);
	json_object(writer);
	return writer->result;
}

int mcp_reply_end(struct mcp_incoming *incoming, struct json_writer *writer)
{
	struct buffer *reply = &incoming->origin.peer->caller->reply;

	if (writer->result == 0)
		writer->result = mcp_write_result_tail(&incoming->origin, "complete", reply, NULL, 0);
	if (writer->result < 0)
		return writer->result;
	return mcp_answer(&incoming->origin, incoming->message.id, 0, reply);
}

int mcp_reply_empty(struct mcp_incoming *incoming)
{
	struct json_writer writer;
	int result = mcp_reply_begin(incoming, &writer);

	return result < 0 ? result : mcp_reply_end(incoming, &writer);
}

/* Where it could not be read, JSON-RPC 2.0 (5) has null, and so do revisions whose schema demands an id; from
 * 2025-11-25 on theirs allows none, but not null. */
static struct jsonrpc_id find_error_id(const struct mcp_incoming *incoming)
{
	const char *version = incoming->origin.peer->version;

	if (incoming->message.id.length == 0 && version && strcmp(version, "2025-11-25") < 0)
		return (struct jsonrpc_id){"null", 4};
	return incoming->message.id;
}

int mcp_reply_error_data(struct mcp_incoming *incoming, int code, const char *message, const char *data)
{
	struct buffer *reply = &incoming->origin.peer->caller->reply;
	struct jsonrpc_id id = find_error_id(incoming);
	int result;

	buffer_clear(reply, LIMIT_FRAME_BYTES);
	result = jsonrpc_write_error(reply, id, code, message, data);
	if (result < 0)
		return result;
	return mcp_answer(&incoming->origin, id, code, reply);
}

int mcp_reply_missing(struct mcp_incoming *incoming, unsigned missing)
{
	_cleanup_(buffer_deinit) struct buffer data;
	int result;

	buffer_init(&data, LIMIT_FRAME_BYTES);
	result = mcp_capabilities_write_required(&data, missing);
	return result < 0 ? result
			  : mcp_reply_error_data(incoming, MCP_MISSING_CAPABILITY,
						 "Missing required client capability", buffer_data(&data));
}

int mcp_reply_error(struct mcp_incoming *incoming, int code, const char *format, ...)
{
	struct err text;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text.text, 256, format, arguments); /* json_escape mends a character that was cut */
	va_end(arguments);
	return mcp_reply_error_data(incoming, code, text.text, NULL);
}

/* ---- messages ---- */

static int handle_request(struct mcp_incoming *incoming)
{
	struct mcp_peer *peer = incoming->origin.peer;
	const char *name = incoming->message.method;
	const struct mcp_method *method;
	mcp_handler *handler;
	int result;

	if (mcp_requests_find(peer, incoming->message.id))
		return mcp_reply_error(incoming, MCP_INVALID_REQUEST,
				       "Invalid Request: a request with this id is still in flight");
	result = mcp_modern_check(incoming);
	if (result)
		return result < 0 ? result : 0;
	method = bsearch(name, methods, ARRAY_SIZE(methods), sizeof *methods, compare_method);
	if (method && method->offered && !method->offered(&peer->caller->host))
		method = NULL;
	handler = !method ? NULL : incoming->origin.era == MCP_MODERN ? method->modern : method->legacy;
	if (!handler && method && incoming->origin.era == MCP_LEGACY)
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: %s needs params._meta with \"" MCP_META_VERSION
				       "\" and \"" MCP_META_CAPABILITIES "\"",
				       name);
	if (!handler)
		return mcp_reply_error(incoming, MCP_METHOD_NOT_FOUND, "Method not found: %.100s", name);
	if (incoming->origin.era == MCP_LEGACY && !peer->version && !method->early)
		return mcp_reply_error(incoming, MCP_INVALID_REQUEST,
				       "Invalid Request: send initialize first, or put \"" MCP_META_VERSION
				       "\": \"" MCP_MODERN_VERSION "\" into params._meta");
	return handler(incoming);
}

static void handle_cancelled(struct mcp_incoming *incoming)
{
	static const char *const path[] = {"params", "requestId", NULL};
	struct mcp_peer *peer = incoming->origin.peer;
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "requestId");
	struct mcp_request *request;
	struct json_span span;
	void *route;

	/* raw, since a number past 2^53 has no other identity */
	if ((!cJSON_IsString(id) && !cJSON_IsNumber(id)) ||
	    json_locate(incoming->text, incoming->length, path, &span, NULL) < 0 ||
	    span.length > LIMIT_ID_BYTES)
		return;
	request = mcp_requests_find(peer, (struct jsonrpc_id){incoming->text + span.start, span.length});
	if (!request)
		return; /* answered already, or never heard of: both are ordinary (cancellation, "Error
			   Handling") */
	if (request->kind == MCP_REQUEST_SUBSCRIPTION) {
		mcp_subscription_end(request);
		return;
	}
	mcp_input_withdraw((struct mcp_call *)request);
	route = request->origin.batch ? NULL : request->origin.route; /* of a batch: when it is settled */
	request->origin.route = NULL;
	mcp_request_cancel(request);
	mcp_send_none(peer, route);
}

static void handle_notification(struct mcp_incoming *incoming)
{
	if (strcmp(incoming->message.method, "notifications/cancelled") == 0)
		handle_cancelled(incoming);
	else if (strcmp(incoming->message.method, "notifications/initialized") == 0)
		incoming->origin.peer->initialized = incoming->origin.peer->version != NULL;
}

int mcp_answer_out_of_memory(struct mcp_incoming *incoming, bool counted)
{
	struct json_span id = {0};
	int result = buffer_reserve(&incoming->origin.peer->caller->reply, JSONRPC_ERROR_BYTES);

	if (incoming->message.id.length == 0)
		id = json_find_id(incoming->text, incoming->length);
	if (id.length && id.length <= LIMIT_ID_BYTES)
		incoming->message.id = (struct jsonrpc_id){incoming->text + id.start, id.length};
	if (result < 0 || incoming->message.id.length == 0)
		return result;
	if (incoming->origin.batch && !counted)
		incoming->origin.batch->open++;
	return mcp_reply_error(incoming, MCP_INTERNAL_ERROR, "Internal error: out of memory");
}

static void note(struct mcp_heard *heard, const struct jsonrpc_message *message)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(message->params, "name");

	snprintf(heard->method, sizeof heard->method, "%s", message->method ? message->method : "");
	if (strcmp(heard->method, "tools/call") == 0 && cJSON_IsString(name))
		snprintf(heard->tool, sizeof heard->tool, "%s", name->valuestring);
}

int mcp_dispatch(struct mcp_origin origin, const struct mcp_headers *headers, const char *text, size_t length)
{
	struct mcp_incoming incoming = {.origin = origin, .headers = headers, .text = text, .length = length};
	struct err err = {0};
	bool counted = false;
	int result;

	result = buffer_reserve(&origin.peer->caller->reply, JSONRPC_ERROR_BYTES);
	if (result < 0)
		return -ENOMEM;
	result = jsonrpc_read(&incoming.message, text, length, &err);
	if (result == 0 && origin.batch &&
	    (incoming.message.kind == JSONRPC_REQUEST || incoming.message.kind == JSONRPC_INVALID)) {
		origin.batch->open++;
		counted = true;
	}
	if (result == 0 && headers && headers->heard)
		note(headers->heard, &incoming.message);
	if (result == 0) {
		switch (incoming.message.kind) {
		case JSONRPC_REQUEST:
			result = handle_request(&incoming);
			break;
		case JSONRPC_NOTIFICATION:
			handle_notification(&incoming);
			break;
		case JSONRPC_RESPONSE:
			mcp_input_answered(&incoming);
			break;
		case JSONRPC_INVALID:
			result = mcp_reply_error(&incoming, incoming.message.code, "%s", err.text);
			break;
		}
	}
	if (result == -ENOMEM || result == -EMSGSIZE)
		result = mcp_answer_out_of_memory(&incoming, counted);
	jsonrpc_message_deinit(&incoming.message);
	return result == -ENOMEM ? result : 0;
}

int mcp_receive_from(struct mcp_peer *peer, void *route, const struct mcp_headers *headers,
		     const char *message, size_t length)
{
	struct mcp_origin origin = {.peer = peer, .route = route};

	if (jsonrpc_is_batch(message, length))
		return mcp_batch_receive(origin, headers, message, length);
	return mcp_dispatch(origin, headers, message, length);
}

int mcp_receive(struct mcp_peer *peer, const char *message, size_t length)
{
	return mcp_receive_from(peer, NULL, NULL, message, length);
}

int mcp_refuse_oversized(struct mcp_peer *peer)
{
	struct mcp_incoming incoming = {.origin = {.peer = peer}};

	return mcp_reply_error(&incoming, MCP_INVALID_REQUEST,
			       "Message refused: it is longer than the %u bytes that are accepted",
			       LIMIT_MESSAGE_BYTES);
}
