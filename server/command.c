/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands (caller.h). What a nanny says is believed only about its own command; what a command writes is
 * bytes.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"

/* ---- lists ---- */

void command_enlist(struct command *command, struct command **list)
{
	while (*list)
		list = &(*list)->next;
	command->next = NULL;
	command->link = list;
	*list = command;
}

void command_delist(struct command *command)
{
	*command->link = command->next;
	if (command->next)
		command->next->link = command->link;
}

/* ---- the end ---- */

void command_free(struct command *command)
{
	struct sandboxes *sandboxes = command->sandboxes;
	struct sandbox *sandbox = command->sandbox;

	loop_timer_clear(sandboxes->loop, &command->timer);
	loop_timer_clear(sandboxes->loop, &command->progress);
	command_disconnect(command);
	buffer_deinit(&command->request);
	buffer_deinit(&command->input);
	command_output_deinit(&command->output);
	command_denials_deinit(&command->denials);
	command_delist(command);
	call_release(command->call);
	free(command);
	if (!sandbox)
		return;
	sandbox->running_count--;
	sandboxes->running_count--;
	sandbox_rested(sandbox);
}

/* What a question's output says is the tool's to read. */
static int answer_look(struct command *command, const struct command_outcome *outcome)
{
	const struct buffer *said = &command->output.streams[0].head;
	struct tool_result *result = &command->call->result;

	if (outcome->timed_out || outcome->wait_status != 0)
		return -EPROTO;
	return command->call->tool->looked(result, buffer_data(said), buffer_length(said));
}

static void answer(struct command *command, struct command_outcome *outcome)
{
	struct call *call = command->call;
	int result;

	if (!call->mcp)
		return;
	outcome->timed_out = command->timed_out;
	outcome->patience_ms = command->patience_ms;
	outcome->duration_ns = command->sandboxes->loop->now - command->started;
	outcome->output = &command->output;
	outcome->denials = &command->denials;
	outcome->killed_for_memory = sandbox_killed_for_memory(command->sandbox) - command->killed_before;
	outcome->data_bytes = command->sandboxes->context->plan->command_data_bytes;
	result = command->look ? answer_look(command, outcome) : run_command_write(&call->result, outcome);
	call->mcp = NULL;
	if (result == -EPROTO)
		result_fail(&call->result, "the sandbox was asked and gave no answer; try again");
	else if (result < 0)
		result_fail(&call->result, "the command ended, but its result could not be written: %s",
			    result == -EMSGSIZE ? "too large" : "out of memory");
	else
		result_finish(&call->result);
}

void command_refuse(struct command *command, const char *text)
{
	if (command->call->mcp)
		result_fail(&command->call->result, "%s", text);
	command->call->mcp = NULL;
}

/*
 * There is no report. If the kernel has killed for want of memory, that is why, and the command's processes
 * have ended as all the others there: SIGKILL.
 */
static void refuse_lost(struct command *command, const char *how, bool gone)
{
	struct command_outcome outcome = {.wait_status = SIGKILL, .lost = true};
	char text[512];

	if (gone && sandbox_killed_for_memory(command->sandbox) > command->killed_before) {
		command_drain(command);
		answer(command, &outcome);
		command_free(command);
		return;
	}
	snprintf(text, sizeof text,
		 "%s while the command ran (it was killed from outside, or by a command). %s; what it had "
		 "done "
		 "stays done. Try again if it may be run twice.",
		 how, call_remains(gone));
	command_refuse(command, text);
	command_free(command);
}

void command_lost(struct command *command, bool gone)
{
	refuse_lost(command, "the sandbox ended", gone);
}

void command_swept(struct command *command)
{
	command->swept = true; /* if its leash has not ended yet, a report may still be in it */
	if (command->state == COMMAND_ORPHANED)
		refuse_lost(command, "the process that watches over it ended", true);
}

/* Its nanny is gone. The keeper kills what it had and says when nothing is left. */
static void orphan(struct command *command)
{
	struct sandboxes *sandboxes = command->sandboxes;

	loop_close_sole(sandboxes->loop, &command->leash);
	command->state = COMMAND_ORPHANED;
	if (command->swept)
		command_swept(command);
	else if (loop_timer_set(sandboxes->loop, &command->timer,
				sandboxes->loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS)) < 0)
		sandbox_end(command->sandbox);
}

/* ---- frames on the leash ---- */

static int take_ended(struct command *command, const struct frame_header *header)
{
	struct command_outcome outcome = {0};
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&command->sandboxes->frame), header->length);
	outcome.wait_status = (int)frame_get_u32(&reader);
	outcome.cpu_us = frame_get_u64(&reader);
	outcome.cpu_us += frame_get_u64(&reader);
	outcome.peak_memory_bytes = frame_get_u64(&reader);
	outcome.leftovers = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || !(WIFEXITED(outcome.wait_status) || WIFSIGNALED(outcome.wait_status)))
		return -EPROTO;
	command_drain(command);
	supervisor_hear_denials(command->sandboxes->supervisor);
	answer(command, &outcome);
	command_free(command);
	return 0;
}

static int take_failed(struct command *command, const struct frame_header *header)
{
	struct frame_reader reader;
	char step[64], target[LIMIT_PATH_BYTES];

	frame_read(&reader, buffer_data(&command->sandboxes->frame), header->length);
	frame_get_text(&reader, step, sizeof step);
	frame_get_text(&reader, target, sizeof target);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (command->call->mcp)
		run_command_fail(&command->call->result, step, target, (int)header->value, &command->denials);
	command->call->mcp = NULL;
	command_free(command);
	return 0;
}

void command_denied(struct command *command, const struct denial *denial)
{
	if (command->call->mcp)
		command_denials_add(&command->denials, denial);
}

static int take_denied(struct command *command, const struct frame_header *header)
{
	struct denial denial;
	int result = denial_decode_command(&denial, buffer_data(&command->sandboxes->frame), header->length);

	if (result == 0)
		command_denied(command, &denial);
	return result;
}

void command_heard(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, leash));
	struct sandboxes *sandboxes = command->sandboxes;
	struct caller *caller = command->caller;
	struct frame_header header;
	int result = frame_receive(source->fd, &header, &sandboxes->frame, NULL, MSG_DONTWAIT);

	if (result == -EAGAIN)
		return;
	if (result == 0) {
		if (header.type == KEEPER_ENDED)
			result = take_ended(command, &header);
		else if (header.type == KEEPER_FAILED)
			result = take_failed(command, &header);
		else if (header.type == KEEPER_DENIED)
			result = take_denied(command, &header);
		else
			result = -EPROTO;
	}
	if (result == -EPROTO) { /* it lies: the sandbox goes, and all that runs there */
		loop_close_sole(sandboxes->loop, source);
		sandbox_end(command->sandbox);
	} else if (result < 0) {
		orphan(command);
	}
	sandboxes_serve(sandboxes);
	if (caller)
		caller_serve(caller);
}

/* ---- killing ---- */

static void kill_it(struct command *command)
{
	struct frame_header order = {.type = KEEPER_KILL};

	command->state = COMMAND_KILLED;
	frame_send(command->leash.fd, &order, NULL, 0, NULL, 0, MSG_DONTWAIT);
	loop_timer_set(command->sandboxes->loop, &command->timer,
		       command->sandboxes->loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS));
}

static void timer_fired(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, timer));
	struct sandboxes *sandboxes = command->sandboxes;
	struct sandbox *sandbox = command->sandbox;

	switch (command->state) {
	case COMMAND_WAITING:
		command_refuse(
			command,
			command->caller->open
				? "the command was not started: its sandbox was not ready in time, or "
				  "too many others run. Nothing was done; try again."
				: "the command was not started: as many sandboxes are in use as there "
				  "may be (sandbox.maximum), and none ended in time. Nothing was done; "
				  "try again.");
		command_free(command);
		break;
	case COMMAND_RUNNING:
		command->timed_out = true;
		kill_it(command);
		break;
	case COMMAND_ORPHANED:
		/* killed on its way from the door, its nanny was one that the keeper saw die there */
		if (sandbox->deaths > 0) {
			sandbox->deaths--;
			refuse_lost(command, "the process that watches over it ended", true);
			sandboxes_serve(sandboxes);
			break;
		}
		sandbox_end(sandbox);
		break;
	case COMMAND_KILLED:
		sandbox_end(sandbox);
		break;
	}
}

void command_abandon(struct command *command)
{
	if (command->state == COMMAND_WAITING)
		command_free(command);
	else if (command->state == COMMAND_RUNNING)
		kill_it(command);
}

/* ---- running ---- */

static void tell_progress(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, progress));
	struct loop *loop = command->sandboxes->loop;
	double elapsed = (double)(loop->now - command->call->begun);
	struct buffer message;

	if (!command->call->mcp)
		return;
	buffer_init(&message, LIMIT_FRAME_BYTES);
	if (buffer_printf(&message, "%.1f s", elapsed / 1e9) == 0 &&
	    output_newest_line(command_output_merged(&command->output), &message) == 0)
		mcp_call_progress(command->call->mcp, elapsed / 1e6, buffer_data(&message),
				  buffer_length(&message));
	buffer_deinit(&message);
	loop_timer_set(loop, &command->progress, loop->now + LOOP_MS(LIMIT_PROGRESS_MS));
}

/* `question` is NULL, or the arguments of a tool of the route TOOL_LOOK. */
static void begin(struct caller *caller, struct call *call, const struct run_command_arguments *arguments,
		  const void *question)
{
	struct sandboxes *sandboxes = caller->sandboxes;
	struct command *command = calloc(1, sizeof *command);
	struct err err = {0};
	int result = command ? 0 : -ENOMEM;

	if (result == 0) {
		*command = (struct command){
			.sandboxes = sandboxes, .caller = caller, .call = call, .look = question != NULL};
		command_pipes_init(command);
		command->timer.fire = timer_fired;
		command->progress.fire = tell_progress;
		command->patience_ms = run_command_patience(arguments, sandboxes->context);
		command->has_input = arguments->input != NULL;
		buffer_init(&command->request, LIMIT_MESSAGE_FRAME_BYTES);
		buffer_init(&command->input, LIMIT_MESSAGE_BYTES);
		command_output_init(&command->output, run_command_keep(arguments),
				    (size_t)arguments->max_bytes);
		call->command = command;
		command_enlist(command, &caller->waiting);
		result = question ? call->tool->ask(question, sandboxes->context, &command->request, &err)
				  : call->tool->pack(arguments, sandboxes->context, &command->request, &err);
	}
	if (result == 0 && arguments->input)
		result = buffer_append(&command->input, arguments->input, strlen(arguments->input));
	if (result == 0)
		result = loop_timer_set(sandboxes->loop, &command->timer,
					call->begun + LOOP_MS(command->patience_ms));
	if (result < 0) {
		result_fail(&call->result, "%s", err.text[0] ? err.text : "out of memory, try again");
		call->mcp = NULL;
		if (command)
			command_free(command);
		else
			call_release(call);
		return;
	}
	if (mcp_call_wants_progress(call->mcp))
		loop_timer_set(sandboxes->loop, &command->progress, call->begun + LOOP_MS(LIMIT_PROGRESS_MS));
	caller->wants_spare = sandboxes->context->plan->sandbox_per_call;
	caller_serve(caller);
}

void command_begin(struct caller *caller, struct call *call, const struct run_command_arguments *arguments)
{
	begin(caller, call, arguments, NULL);
}

void command_look(struct caller *caller, struct call *call, const void *arguments)
{
	static const struct run_command_arguments look = {
		.wait_ms = INT32_MAX, .timeout_ms = INT32_MAX, .keep = "head", .max_bytes = LIMIT_PATH_BYTES};

	begin(caller, call, &look, arguments);
}
