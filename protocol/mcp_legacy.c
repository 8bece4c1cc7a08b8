/* SPDX-License-Identifier: Apache-2.0 */
/* The methods only the legacy era has: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/mcp_peer.h"

const char *const mcp_legacy_versions[] = {"2025-11-25", "2025-06-18", MCP_BATCH_VERSION, MCP_OLDEST_VERSION,
					   NULL};

/* "If the server supports the requested protocol version, it MUST respond with the same version. Otherwise ..
 * the latest version supported" (lifecycle, "Version Negotiation"). */
static const char *negotiate(const char *wanted)
{
	for (const char *const *version = mcp_legacy_versions; *version; version++)
		if (strcmp(*version, wanted) == 0)
			return *version;
	return mcp_legacy_versions[0];
}

bool mcp_known_version(const char *version)
{
	return strcmp(negotiate(version), version) == 0;
}

const char *mcp_peer_version(const struct mcp_peer *peer)
{
	return peer->version;
}

unsigned mcp_peer_capabilities(const struct mcp_peer *peer)
{
	return peer->can;
}

int mcp_peer_resume(struct mcp_peer *peer, const char *version, const char *client, unsigned capabilities)
{
	if (!mcp_known_version(version))
		return -EINVAL;
	peer->version = negotiate(version);
	peer->initialized = true;
	peer->can = capabilities & (MCP_CAN_TASKS - 1);
	if (client)
		mcp_note_client_name(peer, client);
	return 0;
}

int mcp_legacy_initialize(struct mcp_incoming *incoming)
{
	struct mcp_peer *peer = incoming->origin.peer;
	const struct mcp_host *host = &peer->caller->host;
	const cJSON *params = incoming->message.params;
	const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(params, "protocolVersion");
	const cJSON *capabilities = cJSON_GetObjectItemCaseSensitive(params, "capabilities");
	const cJSON *client = cJSON_GetObjectItemCaseSensitive(params, "clientInfo");
	struct json_writer writer;
	const char *version;
	int result;

	if (incoming->origin.batch) /* 2025-03-26 lifecycle: "MUST NOT be part of a JSON-RPC batch" */
		return mcp_reply_error(incoming, MCP_INVALID_REQUEST,
				       "Invalid Request: initialize in a batch");
	if (!cJSON_IsString(wanted))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: protocolVersion must be a string");
	if ((capabilities && !cJSON_IsObject(capabilities)) || (client && !cJSON_IsObject(client)))
		return mcp_reply_error(incoming, MCP_INVALID_PARAMS,
				       "Invalid params: capabilities and clientInfo must be objects");
	version = negotiate(wanted->valuestring);
	mcp_note_client(peer, client);
	result = mcp_reply_begin(incoming, &writer);
	if (result < 0)
		return result;
	json_key_text(&writer, "protocolVersion", version);
	json_key(&writer, "capabilities");
	mcp_capabilities_write(host, version, &writer);
	json_key(&writer, "serverInfo");
	json_object(&writer);
	json_key_text(&writer, "name", host->name);
	if (host->title && strcmp(version, MCP_BATCH_VERSION) > 0) /* title came with 2025-06-18 */
		json_key_text(&writer, "title", host->title);
	json_key_text(&writer, "version", host->version);
	json_object_end(&writer);
	if (host->instructions)
		json_key_text(&writer, "instructions", host->instructions);
	if (writer.result < 0)
		return writer.result;
	peer->version = version;
	peer->can =
		mcp_capabilities_read(capabilities) & (MCP_CAN_TASKS - 1); /* tasks are of the modern era */
	peer->initialized = false;
	mcp_interests_forget(peer, NULL); /* those of the session before */
	return mcp_reply_end(incoming, &writer);
}

int mcp_legacy_ping(struct mcp_incoming *incoming)
{
	return mcp_reply_empty(incoming);
}
