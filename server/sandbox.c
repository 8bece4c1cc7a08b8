/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One sandbox of a caller, as the frontend sees it: a door to send requests through, and the keeper's word
 * about nannies that died. Everything inside may be hostile by now: what comes through the door is believed
 * about this sandbox's own commands, bounded, and a lie ends the sandbox.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "sandbox/memory_events.h"
#include "server/command_parts.h"

/* ---- the end ---- */

/* It takes no command any more. */
static void retire(struct sandbox *sandbox)
{
	struct sandbox **at = sandbox->caller ? &sandbox->caller->open : NULL;

	for (; at && *at; at = &(*at)->sibling) {
		if (*at == sandbox) {
			*at = sandbox->sibling;
			break;
		}
	}
	sandbox->caller = NULL;
	loop_timer_clear(sandbox->sandboxes->loop, &sandbox->idle);
}

static void sandbox_free(struct sandbox *sandbox)
{
	struct sandboxes *sandboxes = sandbox->sandboxes;

	retire(sandbox);
	inside_sandbox_ended(&sandboxes->insides, sandbox);
	loop_timer_clear(sandboxes->loop,
			 &sandbox->supervised.bound); /* at the end it is still being waited for */
	loop_close(sandboxes->loop, &sandbox->door);
	close_fd(&sandbox->events);
	*sandbox->link = sandbox->next;
	if (sandbox->next)
		sandbox->next->link = sandbox->link;
	sandboxes->count--;
	free(sandbox);
}

void sandbox_end(struct sandbox *sandbox)
{
	retire(sandbox);
	supervisor_kill(&sandbox->supervised); /* one that still starts is killed when it stands */
}

void sandbox_discard(struct sandbox *sandbox)
{
	while (sandbox->running)
		command_free(sandbox->running);
	sandbox_free(sandbox);
}

static void sandbox_died(struct supervised *supervised, bool gone)
{
	struct sandbox *sandbox = (struct sandbox *)supervised;
	struct sandboxes *sandboxes = sandbox->sandboxes;
	struct caller *caller = sandbox->caller;

	while (sandbox->running)
		command_lost(sandbox->running, gone);
	/* one that was kept ready and died would be made again for ever */
	if (caller && !caller->waiting)
		caller->wants_spare = false;
	sandbox_free(sandbox);
	sandboxes_serve(sandboxes);
	if (caller) /* what waits was no part of it: a new sandbox takes it */
		caller_serve(caller);
}

/* Those for whom no other sandbox is on its way are refused. */
static void sandbox_failed(struct supervised *supervised, const struct supervisor_failure *failure)
{
	struct sandbox *sandbox = (struct sandbox *)supervised;
	struct sandboxes *sandboxes = sandbox->sandboxes;
	struct caller *caller = sandbox->caller;
	unsigned waiting = 0;

	sandbox_free(sandbox);
	if (!caller)
		return;
	caller->wants_spare = false;
	for (const struct command *command = caller->waiting; command; command = command->next)
		waiting++;
	for (const struct sandbox *at = caller->open; at && waiting; at = at->sibling)
		waiting = sandboxes->context->plan->sandbox_per_call ? waiting - 1 : 0;
	for (; waiting && caller->waiting; waiting--) {
		command_unconfined(caller->waiting, failure);
	}
	sandboxes_serve(sandboxes);
}

/* By whose hand is not known: the network is all of theirs. */
static void sandbox_denied(struct supervised *supervised, const struct denial *denial)
{
	struct sandbox *sandbox = (struct sandbox *)supervised;

	for (struct command *command = sandbox->running; command; command = command->next)
		command_denied(command, denial);
}

/* ---- the door ---- */

/* KEEPER_SWEPT. -EPROTO when more of them come than commands and nannies can account for. */
static int take_swept(struct sandbox *sandbox, const struct frame_header *header)
{
	if (header->type != KEEPER_SWEPT || header->length)
		return -EPROTO;
	if (header->call == 0) {
		if (sandbox->deaths < LIMIT_NANNY_DEATHS)
			sandbox->deaths++;
		return ++sandbox->heard > LIMIT_NANNY_DEATHS + sandbox->taken ? -EPROTO : 0;
	}
	for (struct command *command = sandbox->running; command; command = command->next) {
		if (command->number == header->call) {
			command_swept(command);
			return 0;
		}
	}
	/* its report came before its nanny died */
	return ++sandbox->heard > LIMIT_NANNY_DEATHS + sandbox->taken ? -EPROTO : 0;
}

static void door_ready(struct loop_source *source, uint32_t events)
{
	struct sandbox *sandbox = (struct sandbox *)((char *)source - offsetof(struct sandbox, door));
	struct caller *caller = sandbox->caller;

	/* one frame a turn: nobody there is owed more of our time */
	if (events & EPOLLIN) {
		struct buffer *payload = &sandbox->sandboxes->frame;
		struct frame_header header;
		int result = frame_receive(source->fd, &header, payload, NULL, MSG_DONTWAIT);

		if (result == 0)
			result = take_swept(sandbox, &header);
		if (result < 0 && result != -EAGAIN) {
			loop_close(sandbox->sandboxes->loop, source);
			sandbox_end(sandbox);
			return;
		}
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		loop_close(sandbox->sandboxes->loop, source);
		sandbox_end(sandbox);
		return;
	}
	if (events & EPOLLOUT) {
		loop_change(sandbox->sandboxes->loop, source, EPOLLIN);
		inside_serve(&sandbox->sandboxes->insides);
		if (caller)
			caller_serve(caller);
	}
}

int sandbox_take(struct sandbox *sandbox, struct command *command)
{
	int result;

	supervisor_hear_denials(sandbox->sandboxes->supervisor); /* of those before it, not of this one */
	result = command_connect(command, sandbox->door.fd);
	if (result == -EAGAIN)
		loop_change(sandbox->sandboxes->loop, &sandbox->door, EPOLLIN | EPOLLOUT);
	if (result < 0)
		return result;
	command_delist(command);
	command_enlist(command, &sandbox->running);
	sandbox->running_count++;
	sandbox->taken++;
	sandbox->sandboxes->running_count++;
	command->caller->running_count++;
	command->sandbox = sandbox;
	command->state = COMMAND_RUNNING;
	command->started = sandbox->sandboxes->loop->now;
	command->killed_before = sandbox_killed_for_memory(sandbox);
	command->kill_at = command->started + LOOP_MS(command->timeout_ms);
	command_schedule(command); /* without memory for the timer it has no deadline */
	buffer_deinit(&command->request);
	if (sandbox->sandboxes->context->plan->sandbox_per_call)
		retire(sandbox); /* this one command, and then its end */
	return 0;
}

/* When the group is gone, so is the sandbox, and the spawner has told its last count. */
uint64_t sandbox_killed_for_memory(const struct sandbox *sandbox)
{
	uint64_t killed = sandbox->supervised.killed_for_memory;

	memory_events_killed(sandbox->events, &killed);
	return killed;
}

/* ---- idle ---- */

/* Timers are not moved with every call: this one looks, when it fires, what has become of the time. */
static void idled(struct loop_timer *timer)
{
	struct sandbox *sandbox = (struct sandbox *)((char *)timer - offsetof(struct sandbox, idle));
	struct loop *loop = sandbox->sandboxes->loop;
	uint64_t idle = LOOP_MS(sandbox->sandboxes->context->plan->sandbox_idle_ms);
	uint64_t due = sandbox->used + idle;

	if (sandbox->running_count || loop->now < due) {
		loop_timer_set(loop, timer, loop->now < due ? due : loop->now + idle);
		return;
	}
	if (sandbox->caller)
		sandbox->caller->wants_spare = false;
	sandbox_end(sandbox);
}

void sandbox_rested(struct sandbox *sandbox)
{
	sandbox->used = sandbox->sandboxes->loop->now;
	if (!sandbox->caller && sandbox->running_count == 0)
		sandbox_end(sandbox);
}

/* ---- the beginning ---- */

static void sandbox_started(struct supervised *supervised, struct frame_descriptors *descriptors)
{
	struct sandbox *sandbox = (struct sandbox *)supervised;
	struct sandboxes *sandboxes = sandbox->sandboxes;
	int door = sandbox->caller ? frame_descriptors_take(descriptors, 0) : -1;

	if (door < 0 || loop_watch(sandboxes->loop, &sandbox->door, door, EPOLLIN) < 0) {
		if (door >= 0)
			close(door);
		sandbox_end(sandbox);
		return;
	}
	frame_refuse_descriptors(door);
	if (descriptors->count > 1)
		sandbox->events = frame_descriptors_take(descriptors, 1);
	sandbox->used = sandboxes->loop->now;
	/* without memory for the timer it just stays */
	if (sandboxes->context->plan->sandbox_idle_ms)
		loop_timer_set(sandboxes->loop, &sandbox->idle,
			       sandbox->used + LOOP_MS(sandboxes->context->plan->sandbox_idle_ms));
	caller_serve(sandbox->caller);
}

int sandbox_start(struct caller *caller)
{
	struct sandboxes *sandboxes = caller->sandboxes;
	struct sandbox *sandbox = calloc(1, sizeof *sandbox);

	if (!sandbox)
		return -ENOMEM;
	sandbox->supervised = (struct supervised){.kind = SPAWNER_SANDBOX,
						  .caller = caller->number,
						  .started = sandbox_started,
						  .failed = sandbox_failed,
						  .died = sandbox_died,
						  .denied = sandbox_denied};
	sandbox->sandboxes = sandboxes;
	sandbox->caller = caller;
	sandbox->door = (struct loop_source){.fd = -1, .ready = door_ready};
	sandbox->events = -1;
	sandbox->idle.fire = idled;
	sandbox->sibling = caller->open;
	caller->open = sandbox;
	sandbox->next = sandboxes->all;
	sandbox->link = &sandboxes->all;
	if (sandboxes->all)
		sandboxes->all->link = &sandbox->next;
	sandboxes->all = sandbox;
	sandboxes->count++;
	supervisor_start(sandboxes->supervisor, &sandbox->supervised); /* it may be gone after this */
	return 0;
}
