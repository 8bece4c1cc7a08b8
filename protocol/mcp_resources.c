/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources (server/resources of both eras): lists, and accepting resources/read. What a URI means is the
 * host's to know; here it is a text that is compared. There is no paging: a host's resources are few, and
 * what is many (files) has templates.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

void mcp_resources_write_capability(const struct mcp_host *host, struct json_writer *writer)
{
	json_key(writer, "resources");
	json_object(writer);
	json_key_bool(writer, "subscribe", true);
	if (host->resources_change)
		json_key_bool(writer, "listChanged", true);
	json_object_end(writer);
}

/* ---- lists ---- */

int mcp_reply_list(struct mcp_incoming *incoming, const char *key,
		   int (*list)(void *context, struct buffer *out), int ttl_ms, const char *scope)
{
	const cJSON *cursor = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "cursor");
	_cleanup_(buffer_deinit) struct buffer elements;
	struct json_writer writer;
	int result;

	buffer_init(&elements, LIMIT_ANSWER_BYTES);
	if (cursor && !cJSON_IsNull(cursor))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: this cursor is not one of ours");
	result = list(incoming->origin.peer->caller->host.context, &elements);
	if (result == 0)
		result = mcp_reply_begin(incoming, &writer);
	if (result < 0)
		return result;
	json_key(&writer, key);
	json_array(&writer);
	if (buffer_length(&elements))
		json_raw(&writer, buffer_data(&elements), buffer_length(&elements));
	json_array_end(&writer);
	if (incoming->origin.era == MCP_MODERN) { /* server/utilities/caching */
		json_key_int(&writer, "ttlMs", ttl_ms);
		json_key_text(&writer, "cacheScope", scope);
	}
	return mcp_reply_end(incoming, &writer);
}

int mcp_resources_list(struct mcp_incoming *incoming)
{
	return mcp_reply_list(incoming, "resources", incoming->origin.peer->caller->host.resources, 0,
			      "private");
}

int mcp_resources_templates(struct mcp_incoming *incoming)
{
	return mcp_reply_list(incoming, "resourceTemplates",
			      incoming->origin.peer->caller->host.resource_templates, MCP_TTL_MS, "public");
}

/* ---- one resource ---- */

int mcp_take_uri(struct mcp_incoming *incoming, const char **uri)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "uri");
	int result;

	if (cJSON_IsString(item) && strlen(item->valuestring) <= LIMIT_RESOURCE_URI_BYTES) {
		*uri = item->valuestring;
		return 0;
	}
	result = mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				 "Invalid params: uri must be a string of at most %u bytes",
				 LIMIT_RESOURCE_URI_BYTES);
	return result < 0 ? result : 1;
}

/* The `data` of such an error. 0 or -ENOMEM. */
static int write_missing(struct buffer *data, const char *uri)
{
	struct json_writer writer;

	json_writer_init(&writer, data);
	json_object(&writer);
	json_key_text(&writer, "uri", uri);
	json_object_end(&writer);
	return writer.result < 0 ? writer.result : buffer_append(data, "", 1);
}

int mcp_call_not_found(struct mcp_call *call)
{
	int code = call->request.origin.era == MCP_MODERN ? MCP_INVALID_PARAMS : MCP_RESOURCE_NOT_FOUND;
	_cleanup_(buffer_deinit) struct buffer data;

	buffer_init(&data, LIMIT_MESSAGE_BYTES);
	return mcp_call_error_data(call, code, "Resource not found",
				   write_missing(&data, call->uri) < 0 ? NULL : buffer_data(&data));
}

int mcp_reply_not_found(struct mcp_incoming *incoming, const char *uri)
{
	_cleanup_(buffer_deinit) struct buffer data;
	int result;

	buffer_init(&data, LIMIT_MESSAGE_BYTES);
	result = write_missing(&data, uri);
	return result < 0 ? result
			  : mcp_reply_error_data(incoming, MCP_RESOURCE_NOT_FOUND, "Resource not found",
						 buffer_data(&data));
}

int mcp_resources_read(struct mcp_incoming *incoming)
{
	struct mcp_call *call;
	const char *uri;
	int result = mcp_take_uri(incoming, &uri);

	if (result)
		return result < 0 ? result : 0;
	result = mcp_call_accept(incoming, MCP_CALL_READ, &call);
	if (!call)
		return result;
	call->uri = uri;
	mcp_call_run(call);
	return 0;
}
