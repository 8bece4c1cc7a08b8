/* SPDX-License-Identifier: Apache-2.0 */
/*
 * completion/complete (server/utilities/completion of both eras): what is asked is checked here, what the
 * values are is the host's to know. The client is not trusted in anything.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

void mcp_completion_write_capability(struct json_writer *writer)
{
	json_key(writer, "completions");
	json_object(writer);
	json_object_end(writer);
}

/* A string of at most `most` bytes, or NULL. */
static const char *take_text(const cJSON *object, const char *key, size_t most)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) && strlen(item->valuestring) <= most ? item->valuestring : NULL;
}

/* `context.arguments`: an object of strings. */
static bool take_context(const cJSON *params, struct mcp_completion *asked)
{
	const cJSON *context = cJSON_GetObjectItemCaseSensitive(params, "context"), *item;

	if (!context)
		return true;
	asked->arguments = cJSON_GetObjectItemCaseSensitive(context, "arguments");
	if (!cJSON_IsObject(context) || (asked->arguments && !cJSON_IsObject(asked->arguments)))
		return false;
	for (item = asked->arguments ? asked->arguments->child : NULL; item; item = item->next)
		if (!cJSON_IsString(item))
			return false;
	return true;
}

/* What is wrong with the request, or NULL: then it is in *asked, whose texts are the request's. */
static const char *take(const cJSON *params, struct mcp_completion *asked)
{
	const cJSON *ref = cJSON_GetObjectItemCaseSensitive(params, "ref");
	const cJSON *argument = cJSON_GetObjectItemCaseSensitive(params, "argument");
	const char *type = take_text(ref, "type", LIMIT_RESOURCE_URI_BYTES);

	asked->prompt = type && strcmp(type, "ref/prompt") == 0;
	if (!type || (!asked->prompt && strcmp(type, "ref/resource") != 0))
		return "ref.type must be \"ref/prompt\" or \"ref/resource\"";
	asked->ref = take_text(ref, asked->prompt ? "name" : "uri", LIMIT_RESOURCE_URI_BYTES);
	if (!asked->ref)
		return "ref must have the name of a prompt, or the uri of a resource template";
	asked->argument = take_text(argument, "name", LIMIT_TOOL_NAME_BYTES);
	asked->value = take_text(argument, "value", LIMIT_RESOURCE_URI_BYTES);
	if (!asked->argument || !asked->value)
		return "argument must be an object with the strings name and value";
	return take_context(params, asked) ? NULL : "context.arguments must be an object of strings";
}

int mcp_completion_complete(struct mcp_incoming *incoming)
{
	struct mcp_completion asked = {0};
	const char *fault = take(incoming->message.params, &asked);
	struct mcp_call *call;
	int result;

	if (fault)
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: %s", fault);
	result = mcp_call_accept(incoming, MCP_CALL_COMPLETE, &call);
	if (!call)
		return result;
	call->completion = asked;
	mcp_call_run(call);
	return 0;
}

const struct mcp_completion *mcp_call_completion(const struct mcp_call *call)
{
	return call->kind == MCP_CALL_COMPLETE ? &call->completion : NULL;
}

int mcp_call_unknown_completion(struct mcp_call *call)
{
	const struct mcp_completion *asked = &call->completion;
	struct err text;

	snprintf(text.text, sizeof text.text,
		 "Invalid params: there is no %s \"%.100s\" with an argument \"%.100s\"",
		 asked->prompt ? "prompt" : "resource template", asked->ref, asked->argument);
	return mcp_call_error(call, MCP_INVALID_PARAMS, text.text);
}

void mcp_completion_end(struct mcp_call *call, uint64_t total, bool total_known, bool more)
{
	struct json_writer *writer = mcp_result_members(call);

	call->completion_ended = true;
	if (total_known)
		json_key_int(writer, "total", (int64_t)total);
	json_key_bool(writer, "hasMore", more);
	json_object_end(writer);
}
