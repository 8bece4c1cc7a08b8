/* SPDX-License-Identifier: Apache-2.0 */
/* Prompts (server/prompts of both eras): what is asked is checked here, what there is is the host's to know.
 */
#include <errno.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

void mcp_prompts_write_capability(struct json_writer *writer)
{
	json_key(writer, "prompts");
	json_object(writer);
	json_key_bool(writer, "listChanged", true);
	json_object_end(writer);
}

int mcp_prompts_list(struct mcp_incoming *incoming)
{
	return mcp_reply_list(incoming, "prompts", incoming->origin.peer->caller->host.prompts, MCP_TTL_MS,
			      "public");
}

/* "Arguments to use for templating": an object of strings. */
static bool valid_arguments(const cJSON *arguments)
{
	for (const cJSON *item = arguments ? arguments->child : NULL; item; item = item->next)
		if (!cJSON_IsString(item))
			return false;
	return !arguments || cJSON_IsObject(arguments) || cJSON_IsNull(arguments);
}

int mcp_prompts_get(struct mcp_incoming *incoming)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "name");
	struct mcp_call *call;
	int result;

	if (!cJSON_IsString(name))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: name must be a string");
	if (!valid_arguments(cJSON_GetObjectItemCaseSensitive(incoming->message.params, "arguments")))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: arguments must be an object of strings");
	result = mcp_call_accept(incoming, MCP_CALL_PROMPT, &call);
	if (!call)
		return result;
	mcp_call_run(call);
	return 0;
}
