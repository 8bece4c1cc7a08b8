/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call in flight as the host sees it: progress, and the answer written straight into the buffer that will
 * be sent. What fails on the way is remembered in the call's writer; the end then tells the client so in the
 * room that was reserved when the call was accepted.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "protocol/mcp_peer.h"

void mcp_call_free(struct mcp_call *call)
{
	struct mcp_batch *batch = call->request.origin.batch;
	struct mcp_peer *peer = call->request.origin.peer;

	peer->requests.calls--;
	peer->caller->calls--;
	mcp_requests_remove(&call->request);
	if (call->task)
		mcp_task_settle(call->task, NULL, 0);
	mcp_input_deinit(call);
	cJSON_Delete(call->tree);
	free(call->progress_token);
	buffer_deinit(&call->out);
	free(call);
	if (batch)
		mcp_batch_answer(batch, (struct jsonrpc_id){0}, NULL);
}

void mcp_call_set_user(struct mcp_call *call, void *user)
{
	call->user = user;
}

void *mcp_call_user(const struct mcp_call *call)
{
	return call->user;
}

uint32_t mcp_call_patience(const struct mcp_call *call)
{
	return call->request.origin.peer->patience;
}

void mcp_call_leave(const struct mcp_call *call)
{
	const struct mcp_origin *origin = &call->request.origin;
	struct mcp_delivery delivery = {.route = origin->route, .leave = true};
	struct buffer nothing;

	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	if (origin->route && origin->era == MCP_LEGACY && !origin->batch)
		origin->peer->sink.send(origin->peer->sink.context, &delivery, &nothing);
}

/* ---- progress ---- */

const char *mcp_call_uri(const struct mcp_call *call)
{
	return call->kind == MCP_CALL_READ ? call->uri : NULL;
}

bool mcp_call_wants_progress(const struct mcp_call *call)
{
	return call->progress_token != NULL && call->request.findable;
}

void mcp_call_progress(struct mcp_call *call, double progress, const char *message, size_t message_length)
{
	mcp_call_progress_of(call, progress, 0, message, message_length);
}

void mcp_call_progress_of(struct mcp_call *call, double progress, double total, const char *message,
			  size_t message_length)
{
	const struct mcp_origin *origin = &call->request.origin;
	struct mcp_delivery delivery = {.route = origin->route};
	struct buffer *out = &origin->peer->caller->reply;
	struct json_writer writer;

	/* "The progress value MUST increase with each notification" (basic/patterns/progress) */
	if (!mcp_call_wants_progress(call) || !isfinite(progress) || progress <= call->progress)
		return;
	call->progress = progress;
	buffer_clear(out, LIMIT_FRAME_BYTES);
	json_writer_init(&writer, out);
	writer.result = jsonrpc_write_notification(out, "notifications/progress");
	json_key(&writer, "progressToken");
	json_raw(&writer, call->progress_token, strlen(call->progress_token));
	json_key(&writer, "progress");
	json_number(&writer, progress);
	if (total > 0) {
		json_key(&writer, "total");
		json_number(&writer, total);
	}
	if (message) {
		json_key(&writer, "message");
		json_bytes(&writer, message, message_length);
	}
	json_object_end(&writer);
	json_object_end(&writer);
	if (writer.result == 0)
		mcp_send(origin->peer, &delivery, out);
}

/* ---- results ---- */

static const char *opening(const struct mcp_call *call)
{
	static const char *const openings[MCP_CALL_KINDS] = {
		[MCP_CALL_TOOL] = "{\"content\":[",    [MCP_CALL_READ] = "{\"contents\":[",
		[MCP_CALL_PROMPT] = "{\"messages\":[", [MCP_CALL_COMPLETE] = "{\"completion\":{\"values\":[",
		[MCP_CALL_SUBSCRIBE] = "{\"_\":[", /* never used */
	};

	return openings[call->kind];
}

struct buffer *mcp_result_begin(struct mcp_call *call)
{
	json_writer_init(&call->writer, &call->out);
	if (call->content == 0) {
		call->writer.result = jsonrpc_write_result(&call->out, call->request.id);
		if (call->writer.result == 0)
			call->writer.result = buffer_append_text(&call->out, opening(call));
		if (call->writer.result == 0)
			call->content = buffer_length(&call->out);
	}
	return &call->out;
}

struct json_writer *mcp_result_writer(struct mcp_call *call)
{
	/* blocks may have been written past this writer: what stands last decides about the comma */
	call->writer.comma = call->out.end > call->out.start && call->out.bytes[call->out.end - 1] != '[';
	return &call->writer;
}

void mcp_result_text_begin(struct mcp_call *call)
{
	struct json_writer *writer = mcp_result_writer(call);

	json_object(writer);
	if (call->uri) {
		json_key_text(writer, "uri", call->uri);
		json_key_text(writer, "mimeType", "text/plain");
	} else {
		json_key_text(writer, "type", "text");
	}
	json_key(writer, "text");
	json_raw(writer, "\"", 1);
	call->text_open = true;
}

int mcp_result_text(struct mcp_call *call, const void *bytes, size_t length, uint64_t *replaced)
{
	if (call->writer.result == 0)
		call->writer.result = json_escape(&call->out, bytes, length, replaced);
	return call->writer.result;
}

void mcp_result_text_end(struct mcp_call *call)
{
	if (!call->text_open)
		return;
	call->text_open = false;
	call->writer.comma = false;
	json_raw(&call->writer, "\"", 1);
	json_object_end(&call->writer);
}

void mcp_result_media(struct mcp_call *call, const char *kind, const char *media_type, const void *bytes,
		      size_t length)
{
	struct json_writer *writer = mcp_result_writer(call);

	json_object(writer);
	if (call->uri)
		json_key_text(writer, "uri", call->uri);
	else
		json_key_text(writer, "type", kind);
	json_key_text(writer, "mimeType", media_type);
	json_key(writer, call->uri ? "blob" : "data");
	json_base64(writer, bytes, length);
	json_object_end(writer);
}

struct json_writer *mcp_result_members(struct mcp_call *call)
{
	if (call->members_open)
		return &call->writer;
	mcp_result_text_end(call);
	json_array_end(&call->writer);
	call->members_open = true;
	return &call->writer;
}

void mcp_result_restart(struct mcp_call *call)
{
	call->text_open = call->members_open = call->completion_ended = false;
	call->out.end = call->out.start + call->content;
	mcp_result_begin(call);
}

void mcp_call_clear(struct mcp_call *call)
{
	call->content = 0;
	call->text_open = call->members_open = call->completion_ended = false;
	buffer_clear(&call->out, SIZE_MAX);
	json_writer_init(&call->writer, &call->out);
}

int mcp_call_answer(struct mcp_call *call, int code)
{
	struct mcp_origin origin = call->request.origin;
	int result = 0;

	if (call->task) {
		mcp_task_settle(call->task, &call->out, code);
		mcp_call_free(call);
		return 0;
	}
	call->request.origin.batch = NULL; /* mcp_answer settles it */
	result = mcp_answer(&origin, call->request.id, code, &call->out);
	mcp_call_free(call);
	return result;
}

int mcp_call_error_data(struct mcp_call *call, int code, const char *message, const char *data)
{
	int result;

	if (!call->request.findable) { /* cancelled: nothing is sent for it any more */
		mcp_call_free(call);
		return 0;
	}
	mcp_call_clear(call);
	result = jsonrpc_write_error(&call->out, call->request.id, code, message, data);
	if (result < 0) /* the room that was reserved suffices for this one */
		result = jsonrpc_write_error(&call->out, call->request.id, code,
					     "Internal error: out of memory", NULL);
	if (result == 0)
		return mcp_call_answer(call, code);
	mcp_call_free(call);
	return result;
}

int mcp_call_error(struct mcp_call *call, int code, const char *message)
{
	return mcp_call_error_data(call, code, message, NULL);
}

/* Ends the result object. */
static int write_end(struct mcp_call *call, const struct buffer *meta)
{
	struct json_writer *writer;

	if (call->kind == MCP_CALL_COMPLETE && !call->completion_ended) /* the host had nothing to say */
		mcp_completion_end(call, 0, false, false);
	writer = mcp_result_members(call);
	if (call->kind == MCP_CALL_READ &&
	    call->request.origin.era == MCP_MODERN) { /* server/utilities/caching */
		json_key_int(writer, "ttlMs", 0);
		json_key_text(writer, "cacheScope", "private");
	}
	if (writer->result == 0)
		writer->result = mcp_write_result_tail(&call->request.origin, "complete", &call->out,
						       meta ? buffer_data(meta) : NULL,
						       meta ? buffer_length(meta) : 0);
	return writer->result;
}

int mcp_call_fail(struct mcp_call *call, const char *text, const struct buffer *meta)
{
	if (!call->request.findable) {
		mcp_call_free(call);
		return 0;
	}
	if (call->kind != MCP_CALL_TOOL) /* other results have no isError */
		return mcp_call_error(call, MCP_INTERNAL_ERROR, text);
	mcp_call_clear(call);
	mcp_result_begin(call);
	mcp_result_text_begin(call);
	mcp_result_text(call, text, strlen(text), NULL);
	json_key_bool(mcp_result_members(call), "isError", true);
	if (write_end(call, meta) < 0)
		return mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
	return mcp_call_answer(call, 0);
}

int mcp_call_finish(struct mcp_call *call, const struct buffer *meta)
{
	if (!call->request.findable) {
		mcp_call_free(call);
		return 0;
	}
	if (call->content == 0)
		mcp_result_begin(call);
	switch (write_end(call, meta)) {
	case 0:
		return mcp_call_answer(call, 0);
	case -EMSGSIZE:
		return mcp_call_fail(call, "Error: the result is too large to be sent. Ask for less of it.",
				     NULL);
	default:
		return mcp_call_fail(call, "Error: out of memory while the result was written. Try again.",
				     NULL);
	}
}

int mcp_call_finish_empty(struct mcp_call *call)
{
	int result;

	if (!call->request.findable) {
		mcp_call_free(call);
		return 0;
	}
	result = jsonrpc_write_result(&call->out, call->request.id);
	if (result == 0)
		result = buffer_append(&call->out, "{", 1);
	if (result == 0)
		result = mcp_write_result_tail(&call->request.origin, "complete", &call->out, NULL, 0);
	if (result < 0)
		return mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
	return mcp_call_answer(call, 0);
}

void mcp_call_drop(struct mcp_call *call)
{
	mcp_call_free(call);
}
