/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands (command.h). What a nanny says is believed only about its own command; what a command writes is
 * bytes.
 */

#include <errno.h>
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
	struct commands *commands = command->commands;

	loop_timer_clear(commands->loop, &command->timer);
	loop_timer_clear(commands->loop, &command->progress);
	command_disconnect(command);
	buffer_deinit(&command->request);
	buffer_deinit(&command->input);
	command_output_deinit(&command->output);
	command_denials_deinit(&command->denials);
	command_delist(command);
	if (command->state != COMMAND_WAITING)
		commands->running_count--;
	call_release(command->call);
	free(command);
}

static void answer(struct command *command, struct command_outcome *outcome)
{
	struct call *call = command->call;
	int result;

	if (!call->mcp)
		return;
	outcome->timed_out = command->timed_out;
	outcome->patience_ms = command->patience_ms;
	outcome->duration_ns = command->commands->loop->now - command->started;
	outcome->output = &command->output;
	outcome->denials = &command->denials;
	result = run_command_write(&call->result, outcome);
	call->mcp = NULL;
	if (result < 0)
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

void command_lost(struct command *command)
{
	command_refuse(
		command,
		"the sandbox ended while the command ran (it was killed from outside, or killed itself). "
		"What is left of the command is being killed; what it had done stays done. The next call "
		"gets a new sandbox.");
	command_free(command);
}

/* ---- frames on the leash ---- */

static int take_ended(struct command *command, const struct frame_header *header)
{
	struct command_outcome outcome = {0};
	struct frame_reader reader;

	frame_read(&reader, buffer_data(&command->commands->frame), header->length);
	outcome.wait_status = (int)frame_get_u32(&reader);
	outcome.cpu_us = frame_get_u64(&reader);
	outcome.cpu_us += frame_get_u64(&reader);
	outcome.peak_memory_bytes = frame_get_u64(&reader);
	outcome.leftovers = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || !(WIFEXITED(outcome.wait_status) || WIFSIGNALED(outcome.wait_status)))
		return -EPROTO;
	command_drain(command);
	answer(command, &outcome);
	command_free(command);
	return 0;
}

static int take_failed(struct command *command, const struct frame_header *header)
{
	struct frame_reader reader;
	char step[64], target[LIMIT_PATH_BYTES];

	frame_read(&reader, buffer_data(&command->commands->frame), header->length);
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

void commands_denied(struct commands *commands, const struct denial *denial)
{
	for (struct command *command = commands->running; command; command = command->next)
		command_denied(command, denial);
}

static int take_denied(struct command *command, const struct frame_header *header)
{
	struct denial denial;
	int result = denial_decode_command(&denial, buffer_data(&command->commands->frame), header->length);

	if (result == 0)
		command_denied(command, &denial);
	return result;
}

void command_heard(struct loop_source *source, uint32_t events)
{
	struct command *command = (struct command *)((char *)source - offsetof(struct command, leash));
	struct commands *commands = command->commands;
	struct frame_header header;
	int result = frame_receive(source->fd, &header, &commands->frame, NULL, MSG_DONTWAIT);

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
			result = -EPROTO; /* KEEPER_STARTED was not asked for */
	}
	/* the nanny is gone: the keeper kills what it had. If it lies, the sandbox goes with it, and all that
	 * runs there */
	if (result == -EPROTO)
		supervisor_kill(commands->supervisor, &commands->sandbox);
	else if (result < 0)
		command_lost(command);
	commands_send_waiting(commands);
}

/* ---- killing ---- */

static void kill_it(struct command *command)
{
	struct frame_header order = {.type = KEEPER_KILL};

	command->state = COMMAND_KILLED;
	frame_send(command->leash.fd, &order, NULL, 0, NULL, 0, MSG_DONTWAIT);
	loop_timer_set(command->commands->loop, &command->timer,
		       command->commands->loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS));
}

static void timer_fired(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, timer));
	struct commands *commands = command->commands;

	switch (command->state) {
	case COMMAND_WAITING:
		command_refuse(command,
			       commands->door.fd < 0
				       ? "the command was not started: its sandbox was not ready in time. "
					 "Nothing was done; try again."
				       : "the command was not started: too many others run, and it did not "
					 "get its turn in time. Nothing was done; try again.");
		command_free(command);
		break;
	case COMMAND_RUNNING:
		command->timed_out = true;
		kill_it(command);
		break;
	case COMMAND_KILLED:
		supervisor_kill(commands->supervisor, &commands->sandbox);
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
	struct loop *loop = command->commands->loop;
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

void command_begin(struct commands *commands, struct call *call,
		   const struct run_command_arguments *arguments)
{
	struct command *command = calloc(1, sizeof *command);
	struct err err = {0};
	int result = command ? 0 : -ENOMEM;

	if (result == 0) {
		*command = (struct command){.commands = commands, .call = call};
		command_pipes_init(command);
		command->timer.fire = timer_fired;
		command->progress.fire = tell_progress;
		command->patience_ms = run_command_patience(arguments, commands->context);
		command->has_input = arguments->input != NULL;
		buffer_init(&command->request, LIMIT_MESSAGE_FRAME_BYTES);
		buffer_init(&command->input, LIMIT_MESSAGE_BYTES);
		command_output_init(&command->output, run_command_keep(arguments),
				    (size_t)arguments->max_bytes);
		call->command = command;
		command_enlist(command, &commands->waiting);
		result = run_command_tool.pack(arguments, commands->context, &command->request, &err);
	}
	if (result == 0 && arguments->input)
		result = buffer_append(&command->input, arguments->input, strlen(arguments->input));
	if (result == 0)
		result = loop_timer_set(commands->loop, &command->timer,
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
		loop_timer_set(commands->loop, &command->progress, call->begun + LOOP_MS(LIMIT_PROGRESS_MS));
	if (commands->sandbox.state == SUPERVISED_NONE)
		supervisor_start(commands->supervisor, &commands->sandbox);
	else
		commands_send_waiting(commands);
}
