/* SPDX-License-Identifier: Apache-2.0 */
/* Calls in flight (calls.h): the table, the beginning, and the ends that are not an executor's answer. */
#include "server/calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "server/caller.h"
#include "server/inside.h"
#include "server/replies.h"
#include "server/sandboxes.h"
#include "tools/reply.h"

static void deadline_passed(struct loop_timer *timer);

#define SLOT_BITS 12
_Static_assert(LIMIT_CALLS_IN_FLIGHT <= 1u << SLOT_BITS, "a call's number holds its slot");
#define SLOT_MASK ((1u << SLOT_BITS) - 1)

/* ---- the table ---- */

static struct call *call_new(struct calls *calls, struct caller *caller, struct mcp_call *mcp,
			     const struct tool *tool)
{
	struct call *call;
	unsigned slot;

	if ((calls->free_count == 0 && calls->unused == LIMIT_CALLS_IN_FLIGHT) ||
	    !(call = calloc(1, sizeof *call)))
		return NULL;
	slot = calls->free_count ? calls->free_slots[--calls->free_count] : calls->unused++;
	calls->slots[slot] = call;
	call->calls = calls;
	call->caller = caller;
	call->mcp = mcp;
	call->tool = tool;
	call->number = ((++calls->generation << SLOT_BITS) & ~DOWNLOAD_NUMBER) | slot;
	call->begun = calls->loop->now;
	if (tool->route != TOOL_HANDLE)
		sandboxes_called(calls->sandboxes);
	call->deadline.fire = deadline_passed;
	buffer_init(&call->meta, LIMIT_FRAME_BYTES);
	buffer_init(&call->facts, LIMIT_RESULT_BYTES_MAX);
	call->context = calls->context;
	call->context.caller = caller->number;
	call->context.begun_ms = call->begun / LOOP_MS(1);
	if (mcp_call_patience(mcp))
		call->context.answer_within_ms = mcp_call_patience(mcp);
	call->result = (struct tool_result){.call = mcp, .context = &call->context, .meta = &call->meta};
	mcp_call_set_user(mcp, call);
	return call;
}

struct call *calls_find(struct calls *calls, uint32_t number)
{
	struct call *call =
		(number & SLOT_MASK) < LIMIT_CALLS_IN_FLIGHT ? calls->slots[number & SLOT_MASK] : NULL;

	return call && call->number == number ? call : NULL;
}

/* Whoever asked has his answer, or wants none: what an executor still does for it is nobody's time. */
static void count(struct call *call)
{
	struct metrics *metrics = &call->calls->metrics;
	enum tool_outcome outcome = call->result.outcome;

	if (call->counted)
		return;
	call->counted = true;
	/* that of a command was counted when it was told */
	metrics->denials += outcome == TOOL_DENIED && !call->result.denial;
	metrics_call(metrics, call->tool, outcome, loop_clock() - call->begun);
}

void call_release(struct call *call)
{
	struct calls *calls = call->calls;
	unsigned slot = call->number & SLOT_MASK;

	count(call);
	loop_timer_clear(calls->loop, &call->deadline);
	buffer_deinit(&call->meta);
	buffer_deinit(&call->facts);
	if (call->channel) {
		call->channel->calls--;
		call->channel->used = calls->loop->now;
	}
	calls->slots[slot] = NULL;
	calls->free_slots[calls->free_count++] = (uint16_t)slot;
	free(call);
}

/* ---- refusals ---- */

/* A layer is missing, so nothing runs: which, why, and what mends it. */
static void deny_unconfined(struct call *call, const char *what, const struct supervisor_failure *failure)
{
	struct denial denial = {.operation = "confine"};

	call->calls->confinement_missing = true;
	snprintf(denial.layer, sizeof denial.layer, "%.*s", (int)sizeof denial.layer - 1, failure->layer);
	snprintf(denial.target, sizeof denial.target, "%s", what);
	snprintf(denial.sentence, sizeof denial.sentence,
		 "the %s cannot be confined: %s: %s failed with %s (%s)", what, failure->layer, failure->step,
		 err_name(failure->error), strerror(failure->error));
	snprintf(denial.rule, sizeof denial.rule, "rule: no tool runs without layer %s", failure->layer);
	snprintf(denial.remedy, sizeof denial.remedy, "%s", failure->remedy);
	snprintf(denial.allowed, sizeof denial.allowed,
		 "nothing until this is mended; `sallyport doctor` shows every layer");
	result_deny(&call->result, &denial);
}

/* What fails before the first layer, or beside them all, is no reason to doubt the kernel. */
static bool is_layer(const char *name)
{
	return strcmp(name, SUPERVISOR_LAYER) != 0 && strcmp(name, "start") != 0;
}

void call_refuse(struct call *call, const char *what, const struct supervisor_failure *failure)
{
	if (!call->mcp)
		return;
	if (!is_layer(failure->layer))
		result_fail(&call->result, "the %s could not be started: %s: %s (%s). Nothing was done. %s",
			    what, failure->step, strerror(failure->error), err_name(failure->error),
			    failure->remedy);
	else
		deny_unconfined(call, what, failure);
	call->mcp = NULL;
}

const char *call_remains(bool gone)
{
	return gone ? "Nothing of it is alive"
		    : "It was killed, but the kernel has not ended all of it yet (a process may hang in a "
		      "file system)";
}

static void channel_lost(void *context, struct channel *channel, const struct supervisor_failure *failure,
			 bool gone)
{
	struct calls *calls = context;

	if (channel == &calls->files)
		file_watches_lost(calls, failure);
	if (channel == &calls->web)
		inside_lost(calls);
	downloads_lost(calls, channel, failure, gone);
	for (unsigned slot = 0; slot < calls->unused; slot++) {
		struct call *call = calls->slots[slot];

		if (!call || call->channel != channel || call->epoch == channel->epoch)
			continue;
		if (failure)
			call_refuse(call, channel->name, failure);
		else if (call->mcp)
			result_fail(
				&call->result,
				"the %s ended while it worked on this call (it was killed or it crashed). "
				"%s; whether it had an effect is not known. Try again: a new one is "
				"started.",
				channel->name, call_remains(gone));
		call->mcp = NULL;
		call_release(call);
	}
}

/* ---- the end before the end: cancel and deadline ---- */

void call_detach(struct call *call)
{
	struct calls *calls = call->calls;
	struct buffer nothing;

	count(call);
	call->mcp = NULL;
	loop_timer_clear(calls->loop, &call->deadline);
	if (call->command) {
		command_unlisten(call->command, call);
		return;
	}
	if (call->download) {
		download_unlisten(call);
		return;
	}
	if (call->listing) {
		listing_end(call->listing);
		call_release(call);
		return;
	}
	if (channel_withdraw(call->channel, call->tool->operation, call->number)) {
		call_release(call);
		return;
	}
	if (call->epoch != call->channel->epoch) /* its executor is being ended: that is the last word */
		return;
	buffer_clear(&call->facts, 0);
	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	/* an executor that is not told finds out when it answers */
	channel_send(call->channel, REPLY_CANCEL, call->number, &nothing);
	calls->loop->again = true; /* a turn may be past its channel_push() */
	/* it was set before, so there is room in the heap */
	loop_timer_set(calls->loop, &call->deadline, calls->loop->now + LOOP_MS(LIMIT_LAST_WORD_MS));
}

void calls_cancel(struct calls *calls, struct mcp_call *mcp)
{
	struct call *call = mcp_call_user(mcp);

	if (call)
		call_detach(call);
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

	if (!call->mcp) { /* detached, and still not a last word: it hangs, and every other call with it */
		if (call->epoch == call->channel->epoch)
			channel_condemn(call->channel);
		return;
	}
	if (call->download) {
		download_late(call);
		return;
	}
	result_fail(&call->result,
		    "%s was not done within %.1f s and was stopped. If it was to change something, look "
		    "whether it did. Ask for "
		    "less at once, or let the server be started with a longer --answer-within.",
		    call->tool->name, call->context.answer_within_ms / 1000.0);
	call_detach(call);
}

/* ---- the beginning ---- */

static void send_to(struct call *call, struct channel *channel, const void *arguments)
{
	struct err err = {0};
	struct buffer payload;
	int result;

	buffer_init(&payload, LIMIT_MESSAGE_BYTES + LIMIT_FRAME_BYTES);
	result = call->tool->pack(arguments, &call->context, &payload, &err);
	if (result == 0)
		result = loop_timer_set(call->calls->loop, &call->deadline,
					call->begun + LOOP_MS(call->context.answer_within_ms));
	if (result == 0) {
		call->channel = channel;
		call->epoch = channel->epoch;
		channel->calls++;
		if (channel == &call->calls->web)
			call->caller->web_epoch = channel->epoch + 1;
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
	enum tool_route route = tool->choose ? tool->choose(arguments, &call->context) : tool->route;

	switch (route) {
	case TOOL_FILES:
		send_to(call, &call->calls->files, arguments);
		break;
	case TOOL_SEARCH:
		send_to(call, &call->calls->search, arguments);
		break;
	case TOOL_WEB:
		send_to(call, &call->calls->web, arguments);
		break;
	case TOOL_COMMAND:
		command_begin(call->caller, call, arguments);
		break;
	case TOOL_HANDLE:
		command_handle(call->caller, call, arguments);
		break;
	case TOOL_DOWNLOAD:
		download_begin(call, arguments);
		break;
	case TOOL_LOOK:
		command_look(call->caller, call, arguments);
		break;
	case TOOL_LOCAL:
		tool->local(&call->result, arguments);
		call_release(call);
		break;
	}
}

void calls_begin_as(struct calls *calls, struct caller *caller, struct mcp_call *mcp, const struct tool *tool,
		    const cJSON *arguments)
{
	_Alignas(max_align_t) unsigned char values[LIMIT_ARGUMENTS_BYTES];
	struct call *call = tool ? call_new(calls, caller, mcp, tool) : NULL;
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

void calls_begin(struct calls *calls, struct caller *caller, struct mcp_call *mcp, const char *name,
		 const cJSON *arguments)
{
	calls_begin_as(calls, caller, mcp, tool_find(name), arguments);
}

int calls_init(struct calls *calls, struct loop *loop, struct supervisor *supervisor, const struct plan *plan)
{
	struct channel *const channels[] = {&calls->files, &calls->search, &calls->web};

	calls->loop = loop;
	calls->context = (struct tool_context){.plan = plan,
					       .result_bytes = plan->result_bytes,
					       .answer_within_ms = LIMIT_ANSWER_WITHIN_MS,
					       .found = &supervisor->found};
	channel_init(&calls->files, supervisor, SPAWNER_FILES, "files executor");
	channel_init(&calls->search, supervisor, SPAWNER_SEARCH, "search executor");
	channel_init(&calls->web, supervisor, SPAWNER_WEB, "web executor");
	for (size_t i = 0; i < ARRAY_SIZE(channels); i++) {
		channels[i]->context = calls;
		channels[i]->reply = replies_take;
		channels[i]->lost = channel_lost;
		channels[i]->idle_ms = plan->sandbox_idle_ms;
	}
	return sandboxes_new(&calls->sandboxes, loop, supervisor, &calls->context);
}

void calls_deinit(struct calls *calls)
{
	for (unsigned slot = 0; slot < calls->unused; slot++)
		if (calls->slots[slot] && calls->slots[slot]->channel)
			call_release(calls->slots[slot]);
	downloads_free(calls);
	file_watches_end(calls, NULL);
	channel_deinit(&calls->files);
	channel_deinit(&calls->search);
	channel_deinit(&calls->web);
	sandboxes_free(calls->sandboxes);
}
