/* SPDX-License-Identifier: Apache-2.0 */
/* What only the modern era has: 2026-07-28, stateless, each request bearing its _meta. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

static int refuse_version(struct mcp_incoming *incoming, const char *wanted)
{
	struct json_writer writer;
	struct buffer data;
	int result;

	buffer_init(&data, LIMIT_MESSAGE_BYTES);
	json_writer_init(&writer, &data);
	json_object(&writer);
	/* only what may stand in _meta: a client that picked a legacy one from here would be refused again */
	json_key(&writer, "supported");
	json_array(&writer);
	json_text(&writer, MCP_MODERN_VERSION);
	json_array_end(&writer);
	json_key(&writer, "requested");
	json_bytes(&writer, wanted, strnlen(wanted, LIMIT_ID_BYTES));
	json_object_end(&writer);
	if (writer.result == 0)
		writer.result = buffer_append(&data, "", 1);
	result = writer.result;
	if (result == 0)
		result = mcp_reply_error_data(incoming, MCP_UNSUPPORTED_VERSION,
					      "Unsupported protocol version", buffer_data(&data));
	buffer_deinit(&data);
	return result;
}

static bool valid_client(const cJSON *info)
{
	return cJSON_IsObject(info) && cJSON_IsString(cJSON_GetObjectItemCaseSensitive(info, "name")) &&
	       cJSON_IsString(cJSON_GetObjectItemCaseSensitive(info, "version"));
}

/* In one pass, since the keys are long and begin alike. */
static struct mcp_meta read_meta(const cJSON *object)
{
	static const size_t begin = sizeof MCP_META - 1;
	struct mcp_meta meta = {0};

	for (const cJSON *item = object ? object->child : NULL; item; item = item->next) {
		const char *key = item->string;

		if (strcmp(key, "progressToken") == 0)
			meta.progress_token = item;
		if (strncmp(key, MCP_META, begin) != 0)
			continue;
		if (strcmp(key, MCP_META_VERSION) == 0)
			meta.version = item;
		else if (strcmp(key, MCP_META_CAPABILITIES) == 0)
			meta.capabilities = item;
		else if (strcmp(key, MCP_META_CLIENT) == 0)
			meta.client = item;
		else if (strcmp(key, MCP_META_LOG_LEVEL) == 0)
			meta.log_level = item;
	}
	return meta;
}

/* What is wrong with the per-request fields, or NULL (basic, "_meta", "Per-request protocol fields"). */
static const char *find_fault(const struct mcp_meta *meta)
{
	const cJSON *level = meta->log_level;

	if (!cJSON_IsObject(meta->capabilities))
		return "\"" MCP_META_CAPABILITIES "\" must be an object";
	if (meta->client && !valid_client(meta->client))
		return "\"" MCP_META_CLIENT "\" must be an object with the strings name and version";
	if (level && (!cJSON_IsString(level) || mcp_log_level_read(level->valuestring) < 0))
		return "\"" MCP_META_LOG_LEVEL "\" is not a log level";
	return NULL;
}

/* What _meta says decides; where it says nothing, over HTTP, the header does. initialize is of its own era.
 */
static enum mcp_era find_era(const struct mcp_incoming *incoming)
{
	const char *header = incoming->headers ? incoming->headers->version : NULL;

	if (incoming->meta.version || incoming->meta.capabilities)
		return MCP_MODERN;
	return header && strcmp(header, MCP_MODERN_VERSION) == 0 &&
			       strcmp(incoming->message.method, "initialize") != 0
		       ? MCP_MODERN
		       : MCP_LEGACY;
}

static int refused(int result)
{
	return result < 0 ? result : 1;
}

/* "If the server receives a request with an invalid or unsupported MCP-Protocol-Version, it MUST respond with
 * 400" (2025-11-25 transports, "Protocol Version Header"); of initialize the header says nothing. */
static int check_legacy(struct mcp_incoming *incoming)
{
	const char *header = incoming->headers ? incoming->headers->version : NULL;

	if (!header || mcp_known_version(header) || strcmp(incoming->message.method, "initialize") == 0)
		return 0;
	return refused(refuse_version(incoming, header));
}

int mcp_modern_check(struct mcp_incoming *incoming)
{
	const cJSON *meta = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "_meta"), *version;
	const char *fault;
	int result;

	if (meta && !cJSON_IsObject(meta))
		return refused(mcp_reply_error(incoming, MCP_INVALID_PARAMS,
					       "Invalid params: _meta must be an object"));
	incoming->meta = read_meta(meta);
	incoming->origin.era = find_era(incoming);
	if (incoming->origin.era == MCP_LEGACY)
		return check_legacy(incoming);
	version = incoming->meta.version;
	if (!cJSON_IsString(version))
		return refused(mcp_reply_error(incoming, MCP_INVALID_PARAMS,
					       "Invalid params: _meta: \"" MCP_META_VERSION
					       "\" must be a string"));
	result = mcp_headers_check_version(incoming, version);
	if (result)
		return result;
	if (strcmp(version->valuestring, MCP_MODERN_VERSION) != 0)
		return refused(refuse_version(incoming, version->valuestring));
	fault = find_fault(&incoming->meta);
	if (fault)
		return refused(
			mcp_reply_error(incoming, MCP_INVALID_PARAMS, "Invalid params: _meta: %s", fault));
	if (incoming->origin.batch)
		return refused(
			mcp_reply_error(incoming, MCP_INVALID_REQUEST,
					"Invalid Request: there are no batches in " MCP_MODERN_VERSION));
	result = mcp_headers_check(incoming);
	if (result)
		return result;
	mcp_note_client(incoming->origin.peer, incoming->meta.client);
	return 0;
}

/* The members of the result: the same as long as the caller lives. 0 or -errno. */
static int write_discovery(const struct mcp_host *host, struct buffer *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out);
	/* all by which this server can be reached, so that a client that shares only a legacy one can
	 * initialize */
	json_key(&writer, "supportedVersions");
	json_array(&writer);
	json_text(&writer, MCP_MODERN_VERSION);
	for (const char *const *version = mcp_legacy_versions; *version; version++)
		json_text(&writer, *version);
	json_array_end(&writer);
	json_key(&writer, "capabilities");
	mcp_capabilities_write(host, MCP_MODERN_VERSION, &writer);
	if (host->instructions)
		json_key_text(&writer, "instructions", host->instructions);
	json_key_int(&writer, "ttlMs", MCP_TTL_MS);
	json_key_text(&writer, "cacheScope", "public");
	return writer.result;
}

int mcp_modern_discover(struct mcp_incoming *incoming)
{
	struct mcp_caller *caller = incoming->origin.peer->caller;
	struct buffer *members = &caller->discovery;
	struct json_writer writer;
	int result = buffer_length(members) ? 0 : write_discovery(&caller->host, members);

	if (result < 0)
		buffer_clear(members, 0);
	if (result == 0)
		result = mcp_reply_begin(incoming, &writer);
	if (result < 0)
		return result;
	json_raw(&writer, buffer_data(members), buffer_length(members));
	return mcp_reply_end(incoming, &writer);
}
