/* SPDX-License-Identifier: Apache-2.0 */
/* Which caller gets a sandbox, and when (sandboxes.h). Nothing here is heard from inside a sandbox. */
#include "server/sandboxes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/command_parts.h"

static const char no_descriptors[] =
	"the command was not started: the server has no file descriptors left (EMFILE). Try again when other "
	"calls have ended, or let the server be started with a higher `ulimit -n`.";
static const char no_sandbox[] =
	"the command was not started: the sandbox did not take the request. Nothing was done; try again.";

/* Out of descriptors, in this process, in the system, or on their way to a nanny. */
static bool is_exhausted(int result)
{
	return result == -EMFILE || result == -ENFILE || result == -ETOOMANYREFS;
}

/* ---- the bounds ---- */

#define SANDBOX_FILES 3 /* its door, a pidfd of its keeper, its group's memory.events */
#define COMMAND_FILES 4 /* its leash and three pipes */
#define INSIDE_FILES  2 /* of a connection into one: its leash, and the end that the web executor gets */

/*
 * How many descriptors sandboxes and commands may have together. A frame whose descriptors find no room here
 * arrives cut, which looks like a lie and costs the spawner its life, so some always stay free.
 */
static unsigned files_for_all(void)
{
	const unsigned least = SANDBOX_FILES + COMMAND_FILES,
		       most = LIMIT_SANDBOXES_MAX * (SANDBOX_FILES + COMMAND_FILES * LIMIT_COMMANDS_AT_ONCE +
						     INSIDE_FILES * LIMIT_INSIDE_CONNECTIONS);
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur > most)
		return most;
	if (files.rlim_cur < LIMIT_FRONTEND_FILES + least)
		return least;
	return (unsigned)files.rlim_cur - LIMIT_FRONTEND_FILES;
}

/* Whether descriptors suffice for so many. One command can always run beside the sandboxes there are, so
 * whoever waits waits for the end of another. */
static bool files_suffice(const struct sandboxes *sandboxes, unsigned count, unsigned running, unsigned logs)
{
	return count * SANDBOX_FILES + (running ? running : 1) * COMMAND_FILES +
		       sandboxes->inside_count * INSIDE_FILES + logs <=
	       sandboxes->files;
}

static bool may_start(const struct sandboxes *sandboxes)
{
	return sandboxes->count < sandboxes->context->plan->sandbox_maximum &&
	       files_suffice(sandboxes, sandboxes->count + 1, sandboxes->running_count, sandboxes->log_count);
}

bool sandboxes_may_log(const struct sandboxes *sandboxes, uint64_t bytes)
{
	return sandboxes->log_bytes + bytes <= LIMIT_LOG_FILES * bytes &&
	       files_suffice(sandboxes, sandboxes->count, sandboxes->running_count, sandboxes->log_count + 1);
}

bool sandboxes_may_connect(const struct sandboxes *sandboxes)
{
	return (sandboxes->inside_count + 1) * INSIDE_FILES <= sandboxes->files &&
	       files_suffice(sandboxes, sandboxes->count + 1, sandboxes->running_count, sandboxes->log_count);
}

static bool may_run(const struct sandboxes *sandboxes)
{
	return files_suffice(sandboxes, sandboxes->count, sandboxes->running_count + 1, sandboxes->log_count);
}

/* The one that was idle longest gives way, unless as many as are waited for end already; its end is heard of
 * later. */
static void make_room(struct sandboxes *sandboxes)
{
	struct sandbox *oldest = NULL;
	unsigned ending = 0, hungry = 0;

	for (const struct caller *at = sandboxes->starved; at; at = at->next)
		hungry++;
	for (struct sandbox *at = sandboxes->all; at; at = at->next) {
		if (!at->caller)
			ending += at->running_count == 0;
		else if (at->door.fd >= 0 && at->running_count == 0 && !at->caller->waiting &&
			 (!oldest || at->used < oldest->used))
			oldest = at;
	}
	if (!oldest || ending >= hungry)
		return;
	oldest->caller->wants_spare = false;
	sandbox_end(oldest);
}

/* ---- callers that wait until something of another's ends ---- */

/* It keeps its place if it has one. */
static void starve(struct caller *caller)
{
	struct caller **at = &caller->sandboxes->starved;

	if (caller->starved)
		return;
	caller->starved = true;
	caller->next = NULL;
	while (*at)
		at = &(*at)->next;
	*at = caller;
}

static void feed(struct caller *caller)
{
	struct caller **at = &caller->sandboxes->starved;

	if (!caller->starved)
		return;
	while (*at != caller)
		at = &(*at)->next;
	*at = caller->next;
	caller->starved = false;
}

void sandboxes_serve(struct sandboxes *sandboxes)
{
	struct caller *next;
	unsigned before;

	if (sandboxes->serving) /* something failed at once; the round goes on */
		return;
	sandboxes->serving = true;
	do { /* each takes one, and then it is the others' turn */
		before = sandboxes->running_count;
		for (struct caller *at = sandboxes->starved; at; at = next) {
			next = at->next;
			caller_serve(at);
		}
	} while (sandboxes->running_count > before);
	sandboxes->serving = false;
}

/* ---- one caller ---- */

static struct sandbox *find_open(const struct caller *caller)
{
	for (struct sandbox *at = caller->open; at; at = at->sibling)
		if (at->door.fd >= 0)
			return at;
	return NULL;
}

/* How many more of its commands may run, as far as it is for policy to say. */
static unsigned count_turns(const struct caller *caller)
{
	unsigned most = caller->sandboxes->context->plan->commands_at_once;

	return caller->running_count < most ? most - caller->running_count : 0;
}

/* How many more sandboxes it should have; *urgent: commands wait for them. */
static unsigned count_missing(const struct caller *caller, bool *urgent)
{
	bool per_call = caller->sandboxes->context->plan->sandbox_per_call;
	unsigned have = 0, wanted = 0, most = count_turns(caller);

	if (!per_call && most > 1)
		most = 1;

	for (const struct sandbox *at = caller->open; at; at = at->sibling)
		have++;
	for (const struct command *at = caller->waiting; at && wanted < most; at = at->next)
		wanted++;
	*urgent = have < wanted;
	wanted += per_call && caller->wants_spare;
	return have < wanted ? wanted - have : 0;
}

/* True if it must wait for the end of another's. */
static bool start_missing(struct caller *caller)
{
	struct sandboxes *sandboxes = caller->sandboxes;
	bool urgent;

	while (count_missing(caller, &urgent)) {
		if (!may_start(sandboxes))
			return urgent;
		if (sandbox_start(caller) < 0) {
			caller->wants_spare = false;
			if (urgent)
				command_refuse(caller->waiting, no_sandbox);
		}
	}
	return false;
}

/* Lets sandboxes take what waits. True if it must wait for the end of another's. */
static bool send_waiting(struct caller *caller)
{
	struct sandboxes *sandboxes = caller->sandboxes;
	struct sandbox *sandbox;

	while (caller->waiting && count_turns(caller) && (sandbox = find_open(caller))) {
		struct command *command = caller->waiting;
		int result = may_run(sandboxes) ? sandbox_take(sandbox, command) : -EMFILE;

		if (result == -EAGAIN)
			return false; /* the door tells when it has room */
		if (is_exhausted(result) && sandboxes->running_count)
			return true; /* the end of one of those gives its descriptors back */
		if (result < 0) {
			command_refuse(command, is_exhausted(result) ? no_descriptors : no_sandbox);
		} else if (caller->starved) {
			feed(caller); /* it goes behind the others that wait */
			return caller->waiting != NULL;
		}
	}
	return false;
}

unsigned command_place(const struct command *command)
{
	const struct caller *caller = command->caller;
	unsigned place = 1;

	for (const struct command *at = caller->waiting; at != command; at = at->next)
		place++;
	if (caller->starved)
		for (const struct caller *at = caller->sandboxes->starved; at != caller; at = at->next)
			place++;
	return place;
}

void caller_serve(struct caller *caller)
{
	bool starves = send_waiting(caller) || start_missing(caller);

	if (!starves) {
		feed(caller);
		return;
	}
	starve(caller);
	if (!may_start(caller->sandboxes))
		make_room(caller->sandboxes);
}

void caller_init(struct caller *caller, struct sandboxes *sandboxes)
{
	*caller = (struct caller){.sandboxes = sandboxes, .number = ++sandboxes->callers};
}

void caller_deinit(struct caller *caller)
{
	feed(caller);
	caller->wants_spare = false;
	while (caller->waiting)
		command_free(caller->waiting);
	while (caller->ended)
		command_free(caller->ended);
	while (caller->handles) /* of those that are about to die */
		handle_forget(caller->handles);
	while (caller->open)
		sandbox_end(caller->open);
	for (struct sandbox *at = caller->sandboxes->all; at; at = at->next)
		for (struct command *command = at->running; command; command = command->next)
			if (command->caller == caller)
				command->caller = NULL;
}

/* ---- all ---- */

static struct command *find_running(const struct sandboxes *sandboxes, uint32_t number)
{
	for (struct sandbox *at = sandboxes->all; at; at = at->next)
		for (struct command *command = at->running; command; command = command->next)
			if (command->number == number)
				return command;
	return NULL;
}

static void filed(void *context, uint32_t number, int fd)
{
	struct sandboxes *sandboxes = context;
	struct command *command = find_running(sandboxes, number);

	if (!command || !command->wants_file || command->filed) {
		close_fd(&fd); /* it has ended meanwhile */
		return;
	}
	command_filed(command, fd);
	if (command->state == COMMAND_REPORTED) {
		struct caller *caller = command->caller;

		command_settle(command);
		sandboxes_serve(sandboxes);
		if (caller)
			caller_serve(caller);
	}
}

int sandboxes_new(struct sandboxes **sandboxes, struct loop *loop, struct supervisor *supervisor,
		  const struct tool_context *context)
{
	struct sandboxes *new = calloc(1, sizeof *new);

	if (!new)
		return -ENOMEM;
	new->loop = loop;
	new->supervisor = supervisor;
	new->context = context;
	new->files = files_for_all();
	supervisor->filed = filed;
	supervisor->context = new;
	buffer_init(&new->frame, LIMIT_MESSAGE_FRAME_BYTES);
	/* so that a report can always be read */
	if (buffer_reserve(&new->frame, LIMIT_MESSAGE_FRAME_BYTES) < 0) {
		free(new);
		return -ENOMEM;
	}
	*sandboxes = new;
	return 0;
}

void sandboxes_called(struct sandboxes *sandboxes)
{
	sandboxes->called = sandboxes->loop->now;
}

struct sandboxes_numbers sandboxes_numbers(const struct sandboxes *sandboxes)
{
	return (struct sandboxes_numbers){.sandboxes = sandboxes->count,
					  .commands = sandboxes->running_count,
					  .denials = sandboxes->denials};
}

void sandboxes_free(struct sandboxes *sandboxes)
{
	if (!sandboxes)
		return;
	inside_end(&sandboxes->insides);
	while (sandboxes->all)
		sandbox_discard(sandboxes->all);
	buffer_deinit(&sandboxes->frame);
	free(sandboxes);
}
