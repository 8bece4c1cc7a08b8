/* SPDX-License-Identifier: Apache-2.0 */
/* Log messages for clients (server/utilities/logging of both eras): a session says from which level on, or
 * each modern request. */
#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

static const char *const levels[] = {"debug", "info",     "notice", "warning",
				     "error", "critical", "alert",  "emergency"};

int mcp_log_level_read(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
		if (strcmp(levels[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

int mcp_legacy_set_level(struct mcp_incoming *incoming)
{
	const cJSON *name = cJSON_GetObjectItemCaseSensitive(incoming->message.params, "level");
	int level = cJSON_IsString(name) ? mcp_log_level_read(name->valuestring) : -EINVAL;

	if (level < 0)
		return mcp_reply_error(
			incoming, MCP_INVALID_PARAMS,
			"Invalid params: level must be debug, info, notice, warning, error, critical, "
			"alert or emergency");
	incoming->origin.peer->log_level = (enum mcp_log_level)level;
	return mcp_reply_empty(incoming);
}

void mcp_call_log(struct mcp_call *call, enum mcp_log_level level, const char *logger,
		  const struct buffer *data)
{
	const struct mcp_origin *origin = &call->request.origin;
	struct mcp_delivery delivery = {.route = origin->route};
	struct buffer *out = &origin->peer->caller->reply;
	struct json_writer writer;

	if (call->log_level < 0 || (int)level < call->log_level || !call->request.findable || call->task)
		return;
	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	writer.result = jsonrpc_write_notification(out, "notifications/message");
	json_key_text(&writer, "level", levels[level]);
	if (logger)
		json_key_text(&writer, "logger", logger);
	json_key(&writer, "data");
	json_raw(&writer, buffer_data(data), buffer_length(data));
	json_object_end(&writer);
	json_object_end(&writer);
	if (writer.result == 0)
		mcp_send(origin->peer, &delivery, out);
}
