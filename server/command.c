/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a command (command_parts.h), whoever listens to it. What a nanny says is believed only about
 * its own command; what a command writes is bytes.
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
	if (!command->link)
		return;
	*command->link = command->next;
	if (command->next)
		command->next->link = command->link;
	command->link = NULL;
}

/* ---- the end ---- */

/* Nothing of it runs: its place is another's. */
static void leave(struct command *command)
{
	struct sandbox *sandbox = command->sandbox;

	command_delist(command);
	command_disconnect(command);
	buffer_deinit(&command->request);
	buffer_deinit(&command->input);
	command->sandbox = NULL;
	if (!sandbox)
		return;
	sandbox->running_count--;
	command->sandboxes->running_count--;
	if (command->caller)
		command->caller->running_count--;
	sandbox_rested(sandbox);
}

void command_free(struct command *command)
{
	struct loop *loop = command->sandboxes->loop;

	loop_timer_clear(loop, &command->timer);
	loop_timer_clear(loop, &command->progress);
	handle_forget(command);
	command_output_deinit(&command->output);
	command_log_deinit(&command->log);
	command_settle_file(command);
	command_denials_deinit(&command->denials);
	free(command->refusal);
	if (command->listener.call)
		call_release(command->listener.call);
	leave(command);
	free(command);
}

/* Who listens has been answered. What can still be asked for is kept, all else freed. */
static void end(struct command *command)
{
	if (command->caller)
		listings_hear(command->caller);
	if (!command->handle.id[0] || !command->caller) {
		command_free(command);
		return;
	}
	leave(command);
	command_settle_file(command);
	command->state = COMMAND_ENDED;
	command_enlist(command, &command->caller->ended);
	if (command->watched)
		command_update_end(command);
	command_keep(command);
}

void command_keep(struct command *command)
{
	struct loop *loop = command->sandboxes->loop;

	/* without memory for the timer it is kept until another needs its place */
	loop_timer_set(loop, &command->timer,
		       loop->now + LOOP_MS(command->sandboxes->context->plan->command_kept_ms));
}

void command_refuse(struct command *command, const char *text)
{
	command->refusal = strdup(text); /* without memory it is told as lost */
	command_answer(command);
	end(command);
}

void command_unconfined(struct command *command, const struct supervisor_failure *failure)
{
	char text[512];

	if (command->listener.call && !command->handle.id[0]) {
		call_refuse(command->listener.call, "sandbox", failure);
		command_free(command);
		return;
	}
	snprintf(text, sizeof text, "the sandbox could not be had: %s: %s: %s (%s). Nothing was done. %s",
		 failure->layer, failure->step, strerror(failure->error), err_name(failure->error),
		 failure->remedy);
	command_refuse(command, text);
}

void command_report(struct command *command, const struct command_outcome *outcome)
{
	struct loop *loop = command->sandboxes->loop;

	command->outcome = *outcome;
	command->outcome.duration_ns = loop->now - command->started;
	command->outcome.killed_for_memory =
		sandbox_killed_for_memory(command->sandbox) - command->killed_before;
	loop_close_sole(loop, &command->leash);
	command->state = COMMAND_REPORTED;
	if (command_take_rest(command) ||
	    loop_timer_set(loop, &command->timer, loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS)) < 0)
		command_settle(command);
}

void command_settle(struct command *command)
{
	const struct plan *plan = command->sandboxes->context->plan;

	command->outcome.timed_out = command->timed_out;
	command->outcome.stopped = command->stopped;
	command->outcome.patience_ms = command->timeout_ms;
	command->outcome.by_policy = command->timeout_ms == plan->command_ms;
	command->outcome.data_bytes = plan->command_data_bytes;
	command_drain(command);
	command->state = COMMAND_ENDED;
	command_answer(command);
	end(command);
}

/*
 * There is no report. If the kernel has killed for want of memory, that is why, and the command's processes
 * have ended as all the others there: SIGKILL.
 */
static void refuse_lost(struct command *command, const char *how, bool gone)
{
	char text[512];

	if (gone && sandbox_killed_for_memory(command->sandbox) > command->killed_before) {
		command_report(command, &(struct command_outcome){.wait_status = SIGKILL, .lost = true});
		return;
	}
	snprintf(text, sizeof text,
		 "%s while the command ran (it was killed from outside, or by a command). %s; what it had "
		 "done "
		 "stays done. Try again if it may be run twice.",
		 how, call_remains(gone));
	command_refuse(command, text);
}

void command_lost(struct command *command, bool gone)
{
	if (command->state == COMMAND_REPORTED) {
		command_settle(command);
		return;
	}
	refuse_lost(command, "the sandbox ended", gone);
}

void command_swept(struct command *command)
{
	command->swept = true; /* if its leash has not ended yet, a report may still be in it */
	if (command->state == COMMAND_ORPHANED)
		refuse_lost(command, "the process that watches over it ended", true);
}

void command_orphan(struct command *command)
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

/* ---- time, and killing ---- */

/* A leash that is full is a nanny that does not listen: its grace will be over. */
static void order(const struct command *command, uint16_t type, uint32_t value)
{
	struct frame_header header = {.type = type, .value = value};

	frame_send(command->leash.fd, &header, NULL, 0, NULL, 0, MSG_DONTWAIT);
}

void command_stop(struct command *command, int number)
{
	command->stopped = true;
	if (command->state != COMMAND_RUNNING)
		return;
	command->kill_at = command->sandboxes->loop->now + LOOP_MS(LIMIT_STOP_GRACE_MS);
	order(command, KEEPER_SIGNAL, (uint32_t)number);
	command_schedule(command);
}

void command_ask_state(struct command *command)
{
	if (command->state == COMMAND_RUNNING)
		order(command, KEEPER_ASK_STATE, 0);
}

void command_kill(struct command *command)
{
	if (command->state == COMMAND_WAITING) {
		command_free(command);
		return;
	}
	if (command->state != COMMAND_RUNNING)
		return;
	command->state = COMMAND_KILLED;
	order(command, KEEPER_KILL, 0);
	loop_timer_set(command->sandboxes->loop, &command->timer,
		       command->sandboxes->loop->now + LOOP_MS(LIMIT_KILL_GRACE_MS));
}

/* A question has no other bound than its call's patience. */
static uint64_t deadline(const struct command *command)
{
	if (command->look)
		return command->listener.until;
	return command->state == COMMAND_RUNNING && command->kill_at ? command->kill_at : UINT64_MAX;
}

int command_schedule(struct command *command)
{
	uint64_t at = deadline(command);

	if (command->state != COMMAND_WAITING && command->state != COMMAND_RUNNING)
		return 0; /* its timer is set to what comes next, and that is near */
	if (command->listener.call && command->listener.until < at)
		at = command->listener.until;
	if (at == UINT64_MAX) {
		loop_timer_clear(command->sandboxes->loop, &command->timer);
		return 0;
	}
	return loop_timer_set(command->sandboxes->loop, &command->timer, at);
}

/* Somebody's patience, or its own time. */
static void time_passed(struct command *command)
{
	if (command->sandboxes->loop->now < deadline(command)) {
		command_tell(command);
		command_schedule(command);
	} else if (command->state == COMMAND_WAITING) {
		command_refuse(command,
			       "the sandbox was not ready in time, or too many others run. Try again.");
	} else {
		command->timed_out = !command->stopped;
		command_kill(command);
	}
}

static void timer_fired(struct loop_timer *timer)
{
	struct command *command = (struct command *)((char *)timer - offsetof(struct command, timer));
	struct sandboxes *sandboxes = command->sandboxes;
	struct sandbox *sandbox = command->sandbox;

	switch (command->state) {
	case COMMAND_WAITING:
	case COMMAND_RUNNING:
		time_passed(command);
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
	case COMMAND_REPORTED:
		command_settle(command);
		sandboxes_serve(sandboxes);
		break;
	case COMMAND_ENDED:
		command_free(command);
		break;
	}
}

/* ---- beginning ---- */

static struct command *command_new(struct caller *caller, const struct run_command_arguments *arguments)
{
	struct sandboxes *sandboxes = caller->sandboxes;
	struct command *command = calloc(1, sizeof *command);

	if (!command)
		return NULL;
	*command = (struct command){.sandboxes = sandboxes, .caller = caller};
	while ((command->number = ++sandboxes->commands) == 0)
		;
	command_pipes_init(command);
	command->timer.fire = timer_fired;
	command->progress.fire = command_tell_progress;
	command->timeout_ms = sandboxes->context->plan->command_ms;
	if (arguments->timeout_ms >= 0 && arguments->timeout_ms < command->timeout_ms)
		command->timeout_ms = (uint32_t)arguments->timeout_ms;
	command->tty = arguments->tty;
	command->has_input = arguments->input || command->tty;
	command->keeps_input = command->tty || (arguments->input && arguments->wait_ms == 0);
	buffer_init(&command->request, LIMIT_MESSAGE_FRAME_BYTES);
	buffer_init(&command->input, LIMIT_MESSAGE_BYTES);
	command_output_init(&command->output, run_command_keep(arguments), (size_t)arguments->max_bytes);
	command_log_init(&command->log);
	command_enlist(command, &caller->waiting);
	return command;
}

/* `question` is NULL, or the arguments of a tool of the route TOOL_LOOK. */
static void begin(struct caller *caller, struct call *call, const struct run_command_arguments *arguments,
		  const void *question)
{
	const struct tool_context *context = &call->context;
	struct command *command = command_new(caller, arguments);
	struct err err = {0};
	int result = -ENOMEM;

	if (command) {
		command->look = question != NULL;
		result = question ? call->tool->ask(question, context, &command->request, &err)
				  : call->tool->pack(arguments, context, &command->request, &err);
	}
	if (result == 0 && arguments->input)
		result = buffer_append(&command->input, arguments->input, strlen(arguments->input));
	if (result == 0 && !question)
		result = handle_name(command, arguments, &err);
	if (result == 0) {
		command->begun = call;
		result = command_listen(
			command, &(struct listener){.call = call,
						    .until = call->begun + LOOP_MS(run_command_patience(
										   arguments, context))});
	}
	if (result < 0) {
		result_fail(&call->result, "%s", err.text[0] ? err.text : "out of memory, try again");
		call->mcp = NULL;
		if (!command || !command->listener.call)
			call_release(call);
		if (command)
			command_free(command);
		return;
	}
	caller->wants_spare = caller->sandboxes->context->plan->sandbox_per_call;
	caller_serve(caller);
}

void command_begin(struct caller *caller, struct call *call, const struct run_command_arguments *arguments)
{
	begin(caller, call, arguments, NULL);
}

void command_look(struct caller *caller, struct call *call, const void *arguments)
{
	static const struct run_command_arguments look = {
		.wait_ms = INT32_MAX, .timeout_ms = -1, .keep = "head", .max_bytes = LIMIT_PATH_BYTES};

	begin(caller, call, &look, arguments);
}
