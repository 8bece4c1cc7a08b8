/* SPDX-License-Identifier: Apache-2.0 */
/* What a client says it can do, as bits; telling it what it would need, and what this server can do. */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

static const cJSON *find(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsObject(item) ? item : NULL;
}

unsigned mcp_capabilities_read(const cJSON *capabilities)
{
	const cJSON *elicitation = find(capabilities, "elicitation");
	unsigned can = 0;

	if (find(elicitation, "url"))
		can |= MCP_CAN(MCP_ELICIT_URL);
	/* "an empty capabilities object is equivalent to declaring support for form mode only"
	 * (client/elicitation) */
	if (elicitation && (find(elicitation, "form") || !elicitation->child))
		can |= MCP_CAN(MCP_ELICIT_FORM);
	if (find(capabilities, "sampling"))
		can |= MCP_CAN(MCP_SAMPLE);
	if (find(capabilities, "roots"))
		can |= MCP_CAN(MCP_ROOTS);
	if (find(find(capabilities, "extensions"), MCP_EXTENSION_TASKS))
		can |= MCP_CAN_TASKS;
	return can;
}

static void write_empty(struct json_writer *writer, const char *key)
{
	json_key(writer, key);
	json_object(writer);
	json_object_end(writer);
}

void mcp_capabilities_write(const struct mcp_host *host, const char *version, struct json_writer *writer)
{
	bool modern = strcmp(version, MCP_MODERN_VERSION) == 0;

	json_object(writer);
	if (strcmp(version, MCP_OLDEST_VERSION) > 0) /* it came with 2025-03-26 */
		mcp_completion_write_capability(writer);
	if (modern && host->tasks) {
		json_key(writer, "extensions");
		json_object(writer);
		write_empty(writer, MCP_EXTENSION_TASKS);
		json_object_end(writer);
	}
	if (!modern || host->logs) /* a legacy session may set a level that nothing is said at */
		write_empty(writer, "logging");
	if (host->prompts)
		mcp_prompts_write_capability(writer);
	mcp_resources_write_capability(host, writer);
	json_key(writer, "tools");
	json_object(writer);
	json_key_bool(writer, "listChanged", true);
	json_object_end(writer);
	json_object_end(writer);
}

int mcp_capabilities_write_required(struct buffer *data, unsigned missing)
{
	struct json_writer writer;

	json_writer_init(&writer, data);
	json_object(&writer);
	json_key(&writer, "requiredCapabilities");
	json_object(&writer);
	if (missing & (MCP_CAN(MCP_ELICIT_FORM) | MCP_CAN(MCP_ELICIT_URL))) {
		json_key(&writer, "elicitation");
		json_object(&writer);
		if (missing & MCP_CAN(MCP_ELICIT_FORM))
			write_empty(&writer, "form");
		if (missing & MCP_CAN(MCP_ELICIT_URL))
			write_empty(&writer, "url");
		json_object_end(&writer);
	}
	if (missing & MCP_CAN_TASKS) {
		json_key(&writer, "extensions");
		json_object(&writer);
		write_empty(&writer, MCP_EXTENSION_TASKS);
		json_object_end(&writer);
	}
	if (missing & MCP_CAN(MCP_ROOTS))
		write_empty(&writer, "roots");
	if (missing & MCP_CAN(MCP_SAMPLE))
		write_empty(&writer, "sampling");
	json_object_end(&writer);
	json_object_end(&writer);
	return writer.result < 0 ? writer.result : buffer_append(data, "", 1);
}

int mcp_call_missing(struct mcp_call *call, unsigned missing)
{
	_cleanup_(buffer_deinit) struct buffer data;

	buffer_init(&data, LIMIT_FRAME_BYTES);
	if (call->request.origin.era != MCP_MODERN) /* no such error there */
		return mcp_call_fail(
			call,
			"Error: this needs a client that answers questions of the server (elicitation, "
			"sampling or roots), which this client has not said it can.",
			NULL);
	return mcp_call_error_data(call, MCP_MISSING_CAPABILITY, "Missing required client capability",
				   mcp_capabilities_write_required(&data, missing) < 0 ? NULL
										       : buffer_data(&data));
}
