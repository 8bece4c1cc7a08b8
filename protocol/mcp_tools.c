/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tools/list, and accepting calls. Each accepted call owns room for an error answer from the start, so
 * that it can always be answered, whatever becomes of memory.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

/* ---- tools/list ---- */

/* "t12": from the twelfth tool on. Opaque to clients; anything else is refused. */
static int read_cursor(const cJSON *cursor, unsigned *begin)
{
	const char *at;

	*begin = 0;
	if (!cursor || cJSON_IsNull(cursor))
		return 0;
	if (!cJSON_IsString(cursor) || cursor->valuestring[0] != 't')
		return -EINVAL;
	for (at = cursor->valuestring + 1; *at; at++) {
		if (*at < '0' || *at > '9' || at - cursor->valuestring > 6)
			return -EINVAL;
		*begin = *begin * 10 + (unsigned)(*at - '0');
	}
	return *begin ? 0 : -EINVAL;
}

static int write_page(struct mcp_incoming *incoming, const struct buffer *page, unsigned next)
{
	struct json_writer writer;
	char cursor[16];
	int result = mcp_reply_begin(incoming, &writer);

	if (result < 0)
		return result;
	json_key(&writer, "tools");
	json_array(&writer);
	if (buffer_length(page))
		json_raw(&writer, buffer_data(page), buffer_length(page));
	json_array_end(&writer);
	if (next) {
		snprintf(cursor, sizeof cursor, "t%u", next);
		json_key_text(&writer, "nextCursor", cursor);
	}
	if (incoming->origin.era == MCP_MODERN) { /* server/utilities/caching */
		json_key_int(&writer, "ttlMs", MCP_TTL_MS);
		json_key_text(&writer, "cacheScope", "public");
	}
	return mcp_reply_end(incoming, &writer);
}

int mcp_tools_list(struct mcp_incoming *incoming)
{
	struct mcp_caller *caller = incoming->origin.peer->caller;
	_cleanup_(buffer_deinit) struct buffer later;
	struct buffer *page = &caller->tools;
	unsigned begin;
	int next;

	buffer_init(&later, LIMIT_ANSWER_BYTES);
	if (read_cursor(cJSON_GetObjectItemCaseSensitive(incoming->message.params, "cursor"), &begin) < 0)
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: this cursor is not one of ours");
	if (begin)
		page = &later;
	if (buffer_length(page)) /* asked before each turn by some hosts: a copy of what is there */
		return write_page(incoming, page, caller->tools_next);
	next = caller->host.tools(caller->host.context, begin, page);
	if (next < 0) {
		buffer_clear(page, 0);
		return next == -ENOMEM || next == -EMSGSIZE
			       ? next
			       : mcp_reply_error(incoming, MCP_INTERNAL_ERROR,
						 "Internal error: no list of tools");
	}
	if (begin && buffer_length(page) == 0)
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: this cursor is past the end");
	if (begin == 0)
		caller->tools_next = (unsigned)next;
	return write_page(incoming, page, (unsigned)next);
}

/* ---- accepting ---- */

#define CALL_ERROR_BYTES 192 /* what mcp_call.c writes when memory is out, beside the id */

/* Raw, since a number past 2^53 must come back as it was. 0, -EINVAL (neither string nor integer), -ENOMEM.
 */
static int take_progress_token(struct mcp_incoming *incoming, struct mcp_call *call)
{
	static const char *const path[] = {"params", "_meta", "progressToken", NULL};
	const cJSON *token = incoming->meta.progress_token;
	struct json_span span;

	if (!token || cJSON_IsNull(token))
		return 0;
	if (!(cJSON_IsString(token) ||
	      (cJSON_IsNumber(token) && token->valuedouble == trunc(token->valuedouble))) ||
	    json_locate(incoming->text, incoming->length, path, &span, NULL) < 0 ||
	    span.length > LIMIT_ID_BYTES)
		return -EINVAL;
	call->progress_token = strndup(incoming->text + span.start, span.length);
	return call->progress_token ? 0 : -ENOMEM;
}

/* A call with everything it needs to be answered, or NULL. */
static struct mcp_call *new_call(struct mcp_incoming *incoming, enum mcp_call_kind kind)
{
	const struct mcp_peer *peer = incoming->origin.peer;
	bool modern = incoming->origin.era == MCP_MODERN;
	const cJSON *level = incoming->meta.log_level;
	struct mcp_call *call = calloc(1, sizeof *call);

	if (!call)
		return NULL;
	call->request.origin = incoming->origin;
	call->request.origin.batch = NULL; /* until it owes it an answer */
	call->request.kind = MCP_REQUEST_CALL;
	call->kind = kind;
	call->can = modern ? mcp_capabilities_read(incoming->meta.capabilities) : peer->can;
	call->log_level = !modern ? (int)peer->log_level
			  : level ? mcp_log_level_read(level->valuestring)
				  : -1;
	call->progress = -DBL_MAX;
	buffer_init(&call->out, LIMIT_ANSWER_BYTES);
	incoming->origin.peer->requests.calls++;
	incoming->origin.peer->caller->calls++;
	return call;
}

/* A tools/call is refused by a result, for the model: it can wait and try again (hosts.md, 10). */
static int refuse_flood(struct mcp_incoming *incoming)
{
	struct json_writer writer;
	int result;

	incoming->origin.crowded = true;
	if (strcmp(incoming->message.method, "tools/call") != 0)
		return mcp_reply_error(incoming, MCP_INTERNAL_ERROR,
				       "Internal error: too many calls are in flight");
	result = mcp_reply_begin(incoming, &writer);
	if (result < 0)
		return result;
	json_key(&writer, "content");
	json_array(&writer);
	json_object(&writer);
	json_key_text(&writer, "type", "text");
	json_key_text(&writer, "text",
		      "Error: too many calls are in flight. Nothing was done. Wait for some to end, then try "
		      "again.");
	json_object_end(&writer);
	json_array_end(&writer);
	json_key_bool(&writer, "isError", true);
	return mcp_reply_end(incoming, &writer);
}

int mcp_call_accept(struct mcp_incoming *incoming, enum mcp_call_kind kind, struct mcp_call **accepted)
{
	const struct mcp_caller *caller = incoming->origin.peer->caller;
	unsigned most = caller->host.calls ? caller->host.calls : LIMIT_CALLS_IN_FLIGHT;
	struct mcp_call *call;
	int result;

	*accepted = NULL;
	if (caller->calls >= most)
		return refuse_flood(incoming);
	call = new_call(incoming, kind);
	if (!call)
		return -ENOMEM;
	result = take_progress_token(incoming, call);
	if (result == 0)
		result = buffer_reserve(&call->out, incoming->message.id.length + CALL_ERROR_BYTES);
	if (result == 0)
		result = mcp_requests_add(&call->request, incoming->message.id);
	if (result < 0) {
		mcp_call_free(call);
		return result == -EINVAL ? mcp_reply_error(incoming, MCP_INVALID_PARAMS,
							   "Invalid params: progressToken must be a string "
							   "or an integer, and not long")
					 : result;
	}
	call->tree = steal_pointer(incoming->message.tree);
	call->request.origin.batch = incoming->origin.batch;
	*accepted = call;
	return 0;
}

/* An object, or NULL. */
static const cJSON *find_arguments(const cJSON *params)
{
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(params, "arguments");

	return cJSON_IsObject(arguments) ? arguments : NULL;
}

void mcp_call_run(struct mcp_call *call)
{
	const struct mcp_host *host = &call->request.origin.peer->caller->host;
	const cJSON *params = cJSON_GetObjectItemCaseSensitive(call->tree, "params");
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(params, "name"));
	struct err err;
	int result = mcp_input_take(call, &err);

	if (result < 0) {
		mcp_call_error(call, result == -EINVAL ? MCP_INVALID_PARAMS : MCP_INTERNAL_ERROR, err.text);
		return;
	}
	switch (call->kind) {
	case MCP_CALL_TOOL:
		host->call(host->context, call, name, find_arguments(params));
		break;
	case MCP_CALL_READ:
		host->read(host->context, call, call->uri);
		break;
	case MCP_CALL_PROMPT:
		host->prompt(host->context, call, name, find_arguments(params));
		break;
	case MCP_CALL_COMPLETE:
		host->complete(host->context, call, &call->completion);
		break;
	case MCP_CALL_SUBSCRIBE:
	case MCP_CALL_KINDS:
		break;
	}
}

int mcp_tools_call(struct mcp_incoming *incoming)
{
	const struct mcp_host *host = &incoming->origin.peer->caller->host;
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "name");
	const cJSON *arguments = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "arguments");
	struct mcp_call *call;
	int result;

	if (!cJSON_IsString(name))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: name must be a string");
	if (arguments && !cJSON_IsObject(arguments) && !cJSON_IsNull(arguments))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: arguments must be an object");
	if (!host->tool_known(host->context, name->valuestring))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Unknown tool: %.*s",
				       LIMIT_TOOL_NAME_BYTES, name->valuestring);
	result = mcp_headers_check_arguments(incoming, name->valuestring,
					     find_arguments(incoming->message.params));
	if (result)
		return result < 0 ? result : 0;
	result = mcp_call_accept(incoming, MCP_CALL_TOOL, &call);
	if (!call)
		return result;
	mcp_call_run(call);
	return 0;
}
