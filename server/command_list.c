/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_commands. What those that run use is asked of their nannies, all at once; the list is written when the
 * last has answered, or has had its time.
 */
#include <errno.h>
#include <stdlib.h>

#include "protocol/limits.h"
#include "server/command_parts.h"
#include "tools/command/handle.h"

struct listing {
	struct call *call;
	struct loop_timer timer;
	unsigned missing; /* answers */
	struct listing *next, **link;
};

static void describe(const struct command *command, struct handle_line *line)
{
	struct command_outcome outcome = command->outcome;
	uint64_t now = command->sandboxes->loop->now;

	outcome.running = command->state != COMMAND_ENDED;
	*line = (struct handle_line){
		.id = command->handle.id,
		.command = command->handle.line,
		.state = command->refusal ? "denied" : command_outcome_status(&outcome),
		.age_ns = command->started ? now - command->started : 0,
		.unread_bytes = command_log_total(&command->log) - command->handle.read_to,
		.cpu_us = outcome.running ? command->use.cpu_us : outcome.cpu_us,
		.memory_bytes = outcome.running ? command->use.memory_bytes : 0,
		.processes = outcome.running ? command->use.processes : 0,
	};
}

/* Those that run, and those that have ended and were not read to their end. */
static void answer(const struct caller *caller, struct call *call)
{
	struct handle_line lines[LIMIT_HANDLES_MAX];
	unsigned count = 0;
	int code;

	for (const struct command *at = caller->handles; at && count < LIMIT_HANDLES_MAX;
	     at = at->handle.next)
		if (at->state != COMMAND_ENDED || !handle_is_read(at))
			describe(at, &lines[count++]);
	code = list_commands_write(&call->result, lines, count);
	if (code < 0)
		result_fail(&call->result, "out of memory, try again");
	else
		result_finish(&call->result);
	call->mcp = NULL;
	call_release(call);
}

void listing_end(struct listing *listing)
{
	struct call *call = listing->call;

	loop_timer_clear(call->calls->loop, &listing->timer);
	*listing->link = listing->next;
	if (listing->next)
		listing->next->link = listing->link;
	call->listing = NULL;
	free(listing);
}

static void finish(struct listing *listing)
{
	struct call *call = listing->call;

	listing_end(listing);
	answer(call->caller, call);
}

static void time_passed(struct loop_timer *timer)
{
	finish((struct listing *)((char *)timer - offsetof(struct listing, timer)));
}

void listings_hear(struct caller *caller)
{
	struct listing *next;

	for (struct listing *at = caller->listings; at; at = next) {
		next = at->next;
		if (--at->missing == 0)
			finish(at);
	}
}

void command_list(struct caller *caller, struct call *call)
{
	struct loop *loop = caller->sandboxes->loop;
	struct listing *listing = calloc(1, sizeof *listing);

	/* without memory, or the timer: what is known */
	if (!listing || (listing->timer.fire = time_passed,
			 loop_timer_set(loop, &listing->timer, loop->now + LOOP_MS(LIMIT_STATE_MS)) < 0)) {
		free(listing);
		answer(caller, call);
		return;
	}
	listing->call = call;
	listing->link = &caller->listings;
	listing->next = caller->listings;
	if (listing->next)
		listing->next->link = &listing->next;
	caller->listings = listing;
	call->listing = listing;
	for (struct command *at = caller->handles; at; at = at->handle.next)
		if (at->state == COMMAND_RUNNING) {
			command_ask_state(at);
			listing->missing++;
		}
	if (listing->missing == 0)
		finish(listing);
}
