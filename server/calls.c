/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls in flight (calls.h). Replies come from executors that may lie: a reply to a call that is not theirs,
 * a second last frame, or a payload that its tool cannot read ends the executor, never the server.
 */
#include "server/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/command.h"
#include "tools/reply.h"

static void deadline_passed(struct loop_timer *timer);

#define SLOT_BITS 12
_Static_assert(LIMIT_CALLS_IN_FLIGHT <= 1u << SLOT_BITS, "a call's number holds its slot");
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* ---- the table ---- */

static struct call *call_new(struct calls *calls, struct mcp_call *mcp, const struct tool *tool)
{
	struct call *call;
	unsigned slot;

	if ((calls->free_count == 0 && calls->unused == LIMIT_CALLS_IN_FLIGHT) ||
	    !(call = calloc(1, sizeof *call)))
		return NULL;
	slot = calls->free_count ? calls->free_slots[--calls->free_count] : calls->unused++;
	calls->slots[slot] = call;
	call->calls = calls;
	call->mcp = mcp;
	call->tool = tool;
	call->number = (++calls->generation << SLOT_BITS) | slot;
	call->begun = calls->loop->now;
	call->deadline.fire = deadline_passed;
	buffer_init(&call->meta, LIMIT_FRAME_BYTES);
	buffer_init(&call->facts, LIMIT_ANSWER_BYTES);
	call->result = (struct tool_result){.call = mcp, .context = &calls->context, .meta = &call->meta};
	mcp_call_set_user(mcp, call);
	return call;
}

static struct call *call_find(struct calls *calls, uint32_t number)
{
	struct call *call =
		(number & SLOT_MASK) < LIMIT_CALLS_IN_FLIGHT ? calls->slots[number & SLOT_MASK] : NULL;

	return call && call->number == number ? call : NULL;
}

void call_release(struct call *call)
{
	struct calls *calls = call->calls;
	unsigned slot = call->number & SLOT_MASK;

	loop_timer_clear(calls->loop, &call->deadline);
	buffer_deinit(&call->meta);
	buffer_deinit(&call->facts);
	calls->slots[slot] = NULL;
	calls->free_slots[calls->free_count++] = (uint16_t)slot;
	free(call);
}

/* ---- refusals ---- */

void call_refuse(struct call *call, const char *what, const struct supervisor_failure *failure)
{
	struct denial denial = {.operation = "start"};

	if (!call->mcp)
		return;
	if (!failure) {
		result_fail(
			&call->result,
			"the %s ended while it worked on this call (it was killed or it crashed). "
			"Nothing of the call is alive; whether it had an effect is not known. Try again: a "
			"new one is started.",
			what);
		call->mcp = NULL;
		return;
	}
	call->calls->confinement_missing = true;
	snprintf(denial.layer, sizeof denial.layer, "%.*s", (int)sizeof denial.layer - 1, failure->layer);
	snprintf(denial.target, sizeof denial.target, "the %s: %s failed with %s (%s)", what, failure->step,
		 err_name(failure->error), strerror(failure->error));
	snprintf(denial.rule, sizeof denial.rule, "no tool runs without layer %s", failure->layer);
	snprintf(denial.remedy, sizeof denial.remedy, "%.*s", (int)sizeof denial.remedy - 1, failure->remedy);
	snprintf(denial.allowed, sizeof denial.allowed,
		 "nothing until this is mended; `sallyport doctor` shows every layer");
	result_deny(&call->result, &denial);
	call->mcp = NULL;
}

static void channel_lost(void *context, struct channel *channel, const struct supervisor_failure *failure)
{
	struct calls *calls = context;

	for (unsigned slot = 0; slot < calls->unused; slot++) {
		struct call *call = calls->slots[slot];

		if (!call || call->channel != channel)
			continue;
		call_refuse(call, channel->name, failure);
		call_release(call);
	}
}

/* ---- replies ---- */

/* The executor's last word: whatever was written so far is the answer. */
static void finish(struct call *call)
{
	if (call->mcp) {
		call->mcp = NULL;
		result_finish(&call->result);
	}
	call_release(call);
}

static int take_result(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	int result = 0;

	/* one piece is read where it is; its fields are bounded copies or text that is escaped in one pass */
	if (!(header->flags & FRAME_MORE) && buffer_length(&call->facts) == 0) {
		if (call->mcp)
			result = call->tool->unpack(&call->result, payload, header->length);
	} else {
		result = buffer_append(&call->facts, payload, header->length);
		if (result == 0 && (header->flags & FRAME_MORE))
			return 0;
		if (result == 0 && call->mcp)
			result = call->tool->unpack(&call->result, buffer_data(&call->facts),
						    buffer_length(&call->facts));
	}
	if (result == -EPROTO)
		return result;
	if (result < 0 && call->mcp) {
		call->mcp = NULL;
		result_fail(&call->result, "the answer could not be built: %s",
			    result == -EMSGSIZE ? "it is too large; ask for less at once"
						: "out of memory, try again");
	}
	finish(call);
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
	if (call->mcp) {
		call->mcp = NULL;
		result_fail(&call->result, "%.*s", (int)length, message);
	}
	call_release(call);
	return 0;
}

static int take_denied(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	struct denial denial;

	frame_read(&reader, payload, header->length);
	frame_get_text(&reader, denial.layer, sizeof denial.layer);
	frame_get_text(&reader, denial.operation, sizeof denial.operation);
	frame_get_text(&reader, denial.target, sizeof denial.target);
	frame_get_text(&reader, denial.rule, sizeof denial.rule);
	frame_get_text(&reader, denial.remedy, sizeof denial.remedy);
	frame_get_text(&reader, denial.allowed, sizeof denial.allowed);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (call->mcp) {
		call->mcp = NULL;
		result_deny(&call->result, &denial);
	}
	call_release(call);
	return 0;
}

static int take_progress(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	const char *message;
	size_t length;

	frame_read(&reader, payload, header->length);
	message = frame_get_bytes(&reader, &length);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (call->mcp)
		mcp_call_progress(call->mcp, (double)(call->calls->loop->now - call->begun) / 1e6, message,
				  length);
	return 0;
}

static int take_media(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	char type[64];
	int result = buffer_append(&call->facts, payload, header->length);

	if (result < 0 || (header->flags & FRAME_MORE))
		return result < 0 ? -EPROTO : 0;
	frame_read(&reader, buffer_data(&call->facts), buffer_length(&call->facts));
	frame_get_text(&reader, type, sizeof type);
	if (reader.failed)
		return -EPROTO;
	if (call->mcp)
		result_media(&call->result, type, reader.at, (size_t)(reader.end - reader.at));
	buffer_clear(&call->facts, 0);
	return 0;
}

static int take_text(struct call *call, const struct frame_header *header, const uint8_t *payload)
{
	if (call->mcp && result_text(&call->result, payload, header->length) < 0) {
		call->mcp = NULL;
		result_fail(&call->result, "the answer is too large for one message; ask for less at once");
	}
	return 0;
}

static int take_reply(void *context, const struct frame_header *header, const uint8_t *payload)
{
	struct call *call = call_find(context, header->call);

	if (!call || !call->channel)
		return -EPROTO;
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

/* ---- the end before the end: cancel and deadline ---- */

/* Nobody waits for this call any more; its executor is told, and owes one last frame. */
static void detach(struct call *call)
{
	struct buffer nothing;

	call->mcp = NULL;
	loop_timer_clear(call->calls->loop, &call->deadline);
	if (call->command) {
		command_abandon(call->command);
		return;
	}
	if (channel_withdraw(call->channel, call->number)) {
		call_release(call);
		return;
	}
	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	channel_send(call->channel, REPLY_CANCEL, call->number, &nothing);
}

void calls_cancel(void *context, struct mcp_call *mcp)
{
	struct call *call = mcp_call_user(mcp);

	if (call)
		detach(call);
	mcp_call_drop(mcp);
}

void calls_abandon(struct calls *calls)
{
	for (unsigned slot = 0; slot < calls->unused; slot++) {
		struct call *call = calls->slots[slot];

		if (call && call->mcp)
			calls_cancel(calls, call->mcp);
	}
}

static void deadline_passed(struct loop_timer *timer)
{
	struct call *call = (struct call *)((char *)timer - offsetof(struct call, deadline));

	result_fail(&call->result,
		    "%s was not done within %.1f s and was stopped. If it was to change something, look "
		    "whether it did. Ask for "
		    "less at once, or let the server be started with a longer --answer-within.",
		    call->tool->name, call->calls->context.answer_within_ms / 1000.0);
	detach(call);
}

/* ---- the beginning ---- */

static void send_to(struct call *call, struct channel *channel, const void *arguments)
{
	struct err err = {0};
	struct buffer payload;
	int result;

	buffer_init(&payload, LIMIT_MESSAGE_BYTES + LIMIT_FRAME_BYTES);
	result = call->tool->pack(arguments, &call->calls->context, &payload, &err);
	if (result == 0)
		result = loop_timer_set(call->calls->loop, &call->deadline,
					call->begun + LOOP_MS(call->calls->context.answer_within_ms));
	if (result == 0) {
		call->channel = channel;
		result = channel_send(channel, call->tool->operation, call->number, &payload);
		if (result < 0)
			err_set(&err, result, "the %s has too much to do at the moment; try again later",
				channel->name);
	}
	buffer_deinit(&payload);
	if (result < 0) {
		result_fail(&call->result, "%s", err.text[0] ? err.text : "out of memory, try again");
		call_release(call);
	}
}

static void dispatch(struct call *call, const void *arguments)
{
	const struct tool *tool = call->tool;
	enum tool_route route = tool->choose ? tool->choose(arguments, &call->calls->context) : tool->route;

	switch (route) {
	case TOOL_FILES:
		send_to(call, &call->calls->files, arguments);
		break;
	case TOOL_WEB:
		send_to(call, &call->calls->web, arguments);
		break;
	case TOOL_COMMAND:
		command_begin(call->calls->commands, call, arguments);
		break;
	case TOOL_LOCAL:
		tool->local(&call->result, arguments);
		call_release(call);
		break;
	}
}

void calls_begin(void *context, struct mcp_call *mcp, const char *name, const cJSON *arguments)
{
	struct calls *calls = context;
	const struct tool *tool = tool_find(name);
	_Alignas(max_align_t) unsigned char values[LIMIT_ARGUMENTS_BYTES];
	struct call *call = tool ? call_new(calls, mcp, tool) : NULL;
	cJSON *scratch = NULL;
	struct err err = {0};

	if (!call) {
		mcp_call_fail(mcp,
			      "Error: too many calls are in flight; wait for some of them to be answered.",
			      NULL);
		return;
	}
	if (schema_decode(tool->input, arguments, values, &scratch, &err) < 0) {
		result_fail(&call->result, "%s", err.text);
		call_release(call);
	} else {
		dispatch(call, values);
	}
	cJSON_Delete(scratch);
}

int calls_init(struct calls *calls, struct loop *loop, struct supervisor *supervisor, const struct plan *plan)
{
	calls->loop = loop;
	calls->context = (struct tool_context){
		.plan = plan, .result_bytes = plan->result_bytes, .answer_within_ms = LIMIT_ANSWER_WITHIN_MS};
	channel_init(&calls->files, supervisor, SPAWNER_FILES, "files executor");
	channel_init(&calls->web, supervisor, SPAWNER_WEB, "web executor");
	calls->files.context = calls->web.context = calls;
	calls->files.reply = calls->web.reply = take_reply;
	calls->files.lost = calls->web.lost = channel_lost;
	return commands_new(&calls->commands, loop, supervisor, &calls->context);
}

void calls_deinit(struct calls *calls)
{
	for (unsigned slot = 0; slot < calls->unused; slot++)
		if (calls->slots[slot] && calls->slots[slot]->channel)
			call_release(calls->slots[slot]);
	channel_deinit(&calls->files);
	channel_deinit(&calls->web);
	commands_free(calls->commands);
}
