/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches: only revision 2025-03-26 has them ("Batching": "MUST support receiving"). Each element is a
 * message of its own; the answers leave together when the last is there, in the order in which they came to
 * be.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

/* One of the open ones is settled; the last one sends. */
static void settle(struct mcp_batch *batch)
{
	if (--batch->open > 0)
		return;
	/* "If there are no Response objects contained within the Response array, the server MUST NOT return
	 * an empty Array and should return nothing at all" (JSON-RPC 2.0, 6) */
	if (buffer_length(&batch->answers) > 1 && buffer_append(&batch->answers, "]", 1) == 0) {
		struct mcp_delivery delivery = {.route = batch->route, .last = true};

		mcp_send(batch->peer, &delivery, &batch->answers);
	} else {
		mcp_send_none(batch->peer, batch->route);
	}
	buffer_deinit(&batch->answers);
	free(batch);
}

void mcp_batch_answer(struct mcp_batch *batch, struct jsonrpc_id id, const struct buffer *answer)
{
	struct buffer *out = &batch->answers;
	size_t owed = (size_t)batch->open * JSONRPC_ERROR_BYTES; /* so that the others can at least be told */

	if (answer) {
		if (buffer_length(out) > 1)
			buffer_append(out, ",", 1);
		if (buffer_reserve(out, buffer_length(answer) + owed) == 0)
			buffer_append(out, buffer_data(answer), buffer_length(answer));
		else
			jsonrpc_write_error(out, id, MCP_INTERNAL_ERROR,
					    "Internal error: no memory left for this answer in the batch",
					    NULL);
	}
	settle(batch);
}

static int refuse(struct mcp_origin origin, int code, const char *text)
{
	struct mcp_incoming incoming = {.origin = origin};
	int result = buffer_reserve(&origin.peer->caller->reply, JSONRPC_ERROR_BYTES);

	if (result == 0)
		result = mcp_reply_error(&incoming, code, "%s", text);
	return result == -ENOMEM ? result : 0;
}

static struct mcp_batch *batch_new(struct mcp_origin origin, unsigned count)
{
	struct mcp_batch *batch = calloc(1, sizeof *batch);

	if (!batch)
		return NULL;
	buffer_init(&batch->answers, LIMIT_OUTGOING_BYTES);
	if (buffer_reserve(&batch->answers, (count + 1) * JSONRPC_ERROR_BYTES) < 0) {
		free(batch);
		return NULL;
	}
	buffer_append(&batch->answers, "[", 1);
	batch->peer = origin.peer;
	batch->route = origin.route;
	batch->open = 1;
	return batch;
}

/* No memory to gather answers in: each request is told so by itself. */
static int refuse_each(struct mcp_origin origin, const char *text, size_t length)
{
	struct json_span element;
	size_t offset = 0;
	int result = 0;

	while (result == 0 && json_next_element(text, length, &offset, &element)) {
		struct mcp_incoming incoming = {
			.origin = origin, .text = text + element.start, .length = element.length};

		result = mcp_answer_out_of_memory(&incoming, false);
	}
	return result == -ENOMEM ? result : 0;
}

int mcp_batch_receive(struct mcp_origin origin, const struct mcp_headers *headers, const char *text,
		      size_t length)
{
	const char *version = origin.peer->version;
	struct err err = {0};
	struct json_span element;
	size_t offset = 0;
	unsigned count = 0;
	int result = json_check(text, length, NULL, &err);

	if (result < 0) {
		err_wrap(&err, 0, result == -E2BIG ? "Message refused" : "Parse error");
		return refuse(origin, result == -E2BIG ? MCP_INVALID_REQUEST : MCP_PARSE_ERROR, err.text);
	}
	if (!version || strcmp(version, MCP_BATCH_VERSION) != 0)
		return refuse(origin, MCP_INVALID_REQUEST,
			      "Invalid Request: batches exist only in protocol version " MCP_BATCH_VERSION
			      ", after initialize");
	while (json_next_element(text, length, &offset, &element))
		count++;
	if (count == 0)
		return refuse(origin, MCP_INVALID_REQUEST, "Invalid Request: the batch is empty");
	if (count > LIMIT_BATCH_MESSAGES)
		return refuse(origin, MCP_INVALID_REQUEST,
			      "Invalid Request: the batch has too many messages");
	origin.batch = batch_new(origin, count);
	if (!origin.batch)
		return refuse_each(origin, text, length);
	for (offset = 0; json_next_element(text, length, &offset, &element);)
		mcp_dispatch(origin, headers, text + element.start, element.length);
	settle(origin.batch);
	return 0;
}
