/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies (replies.h). They come from executors that may lie: a reply to a call that is not theirs, a second
 * last frame, more than a result may hold, or a payload that its tool cannot read ends the executor, never
 * the server. Lack of memory is no lie: then the call fails and the executor lives.
 */
#include "server/replies.h"

#include <errno.h>

#include "server/calls.h"
#include "server/inside.h"
#include "tools/reply.h"
#include "tools/web/wire.h"

/* The answer is an error instead of what was written so far. */
static void fail(struct call *call, int error)
{
	if (!call->mcp)
		return;
	result_fail(&call->result, "the answer could not be built: %s",
		    error == -EMSGSIZE ? "it is too large for one message; ask for less at once"
				       : "out of memory, try again");
	call->mcp = NULL;
}

/* A piece of something long, kept until the rest is there. 0, -ENOMEM, or -EPROTO: more than anybody has. */
static int keep(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	int result = buffer_append(&call->facts, payload, header->length);

	return result == -EMSGSIZE ? -EPROTO : result;
}

/* The executor's last word: whatever was written so far is the answer. */
static void finish(struct call *call)
{
	if (call->mcp) {
		call->mcp = NULL;
		result_finish(&call->result);
	}
	call_release(call);
}

/* The end of one part of several; the call goes on. */
static int take_part(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	int result;

	if (!call->tool->part || (header->flags & FRAME_MORE) ||
	    call->result.text_bytes > LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES)
		return -EPROTO;
	if (!call->mcp)
		return 0;
	result = call->tool->part(&call->result, header->type, payload, header->length);
	if (result == -EPROTO)
		return result;
	if (result < 0) {
		fail(call, result);
		call_detach(call);
	}
	return 0;
}

static int take_result(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	bool more = header->flags & FRAME_MORE;
	int result = 0;

	/* one piece is read where it is; its fields are bounded copies or text that is escaped in one pass */
	if (call->mcp && !more && buffer_length(&call->facts) == 0) {
		result = call->tool->unpack(&call->result, payload, header->length);
	} else if (call->mcp) {
		result = keep(call, header, payload);
		if (result == 0 && !more)
			result = call->tool->unpack(&call->result, buffer_data(&call->facts),
						    buffer_length(&call->facts));
	}
	if (result == -EPROTO)
		return result;
	if (result < 0)
		fail(call, result);
	if (!more)
		finish(call);
	else if (result < 0)
		call_detach(call);
	return 0;
}

static int take_failure(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	const char *message;
	size_t length;

	frame_read(&reader, payload, header->length);
	message = frame_get_bytes(&reader, &length);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	call->result.outcome = TOOL_FAILED;
	if (call->mcp && header->value == ENOENT && mcp_call_uri(call->mcp))
		mcp_call_not_found(call->mcp);
	else if (call->mcp)
		result_fail(&call->result, "%.*s", (int)length, message);
	call->mcp = NULL;
	call_release(call);
	return 0;
}

static int take_denied(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct denial denial;

	if (denial_decode(&denial, payload, header->length) < 0)
		return -EPROTO;
	if (call->mcp) {
		call->mcp = NULL;
		result_deny(&call->result, &denial);
	}
	call_release(call);
	return 0;
}

/* Passed on at our pace, not at the executor's: a flood would fill the host's queue. */
static int take_progress(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	uint64_t now = call->calls->loop->now;
	struct frame_reader reader;
	const char *message;
	size_t length;

	frame_read(&reader, payload, header->length);
	message = frame_get_bytes(&reader, &length);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (!call->mcp || (call->told && now - call->told < LOOP_MS(LIMIT_PROGRESS_MS)))
		return 0;
	call->told = now;
	mcp_call_progress(call->mcp, (double)(now - call->begun) / 1e6, message,
			  length < LIMIT_PROGRESS_LINE_BYTES ? length : LIMIT_PROGRESS_LINE_BYTES);
	return 0;
}

static int take_media(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	char type[64];
	int result = call->mcp ? keep(call, header, payload) : 0;

	if (result == -EPROTO)
		return result;
	if (result < 0) {
		fail(call, result);
		call_detach(call);
		return 0;
	}
	if (!call->mcp || (header->flags & FRAME_MORE))
		return 0;
	frame_read(&reader, buffer_data(&call->facts), buffer_length(&call->facts));
	frame_get_text(&reader, type, sizeof type);
	if (reader.failed)
		return -EPROTO;
	result_media(&call->result, type, reader.at, (size_t)(reader.end - reader.at));
	buffer_clear(&call->facts, 0);
	return 0;
}

static int take_text(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	int result;

	if (!call->mcp)
		return 0;
	/* executors keep to --result-limit; beside it stand a few lines of theirs */
	if (call->result.text_bytes + header->length > LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES)
		return -EPROTO;
	result = result_text(&call->result, payload, header->length);
	if (result < 0) {
		fail(call, result);
		call_detach(call);
	}
	return 0;
}

int replies_take(void *context, struct channel *channel, const struct frame_header *header,
		 const uint8_t *payload)
{
	struct calls *calls = context;
	struct call *call;

	if (header->type == REPLY_WATCHED || header->type == REPLY_CHANGED)
		return channel == &calls->files ? file_watches_take(calls, header, payload) : -EPROTO;
	if (header->type == WEB_INSIDE)
		return channel == &calls->web ? inside_take(calls, channel, header, payload) : -EPROTO;
	if (header->call & DOWNLOAD_NUMBER)
		return downloads_take(calls, channel, header, payload);
	call = calls_find(calls, header->call);
	if (!call || call->channel != channel) /* another executor's calls are none of its business */
		return -EPROTO;
	if (header->flags & FRAME_PART)
		return take_part(call, header, payload);
	switch (header->type) {
	case REPLY_TEXT:
		return take_text(call, header, payload);
	case REPLY_RESULT:
		return take_result(call, header, payload);
	case REPLY_FAILURE:
		return take_failure(call, header, payload);
	case REPLY_DENIED:
		return take_denied(call, header, payload);
	case REPLY_PROGRESS:
		return take_progress(call, header, payload);
	case REPLY_MEDIA:
		return take_media(call, header, payload);
	default:
		return -EPROTO;
	}
}
