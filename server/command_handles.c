/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handles: how a caller knows a command that outlives its call, and the tools that act on one. An id that was
 * never given, is another caller's, or has expired gets the same answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/command_parts.h"
#include "tools/command/handle.h"
#include "tools/command/keys.h"

/* ---- having one ---- */

static void enlist(struct command *command)
{
	struct command **list = &command->caller->handles;

	command->handle.next = *list;
	command->handle.link = list;
	if (*list)
		(*list)->handle.link = &command->handle.next;
	*list = command;
	command->caller->handle_count++;
}

void handle_forget(struct command *command)
{
	struct handle *handle = &command->handle;

	if (command->watched)
		command_update_forget(command);
	free(handle->line);
	if (handle->link) {
		*handle->link = handle->next;
		if (handle->next)
			handle->next->handle.link = handle->link;
		command->caller->handle_count--;
	}
	*handle = (struct handle){.read_to = handle->read_to};
}

bool handle_is_read(const struct command *command)
{
	return command->handle.read_to == command_log_total(&command->log);
}

/* The one that is missed least: read to its end, else the one that ended first. NULL: there is none. */
static struct command *find_dispensable(const struct caller *caller, bool with_file)
{
	struct command *found = NULL;

	for (struct command *at = caller->ended; at; at = at->next) {
		if (with_file && !command_log_has_file(&at->log))
			continue;
		if (handle_is_read(at) && !at->handle.cut)
			return at;
		if (!found)
			found = at;
	}
	return found;
}

bool handles_yield_file(struct caller *caller)
{
	struct command *command = caller ? find_dispensable(caller, true) : NULL;

	if (!command)
		return false;
	command_log_drop_file(&command->log);
	command_settle_file(command);
	return true;
}

void handle_give(struct command *command)
{
	struct caller *caller = command->caller;
	const char *instance = caller ? caller->sandboxes->context->instance : NULL;
	unsigned char random[LIMIT_HANDLE_BYTES];
	char *id = command->handle.id;

	if (command->handle.id[0] || !caller)
		return;
	if (caller->handle_count >= caller->sandboxes->context->plan->command_count && caller->ended)
		command_free(find_dispensable(caller, false));
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return;
	if (instance)
		id += snprintf(id, LIMIT_INSTANCE_BYTES + 2, "%s.", instance);
	result_hex(id, random, sizeof random);
	enlist(command);
}

int handle_name(struct command *command, const struct run_command_arguments *arguments, struct err *err)
{
	const char *line = arguments->command ? arguments->command
					      : cJSON_GetArrayItem(arguments->argv.array, 0)->valuestring;
	unsigned running = 0;

	for (const struct command *at = command->caller->handles; at; at = at->handle.next)
		running += at->state != COMMAND_ENDED;
	if (running >= command->sandboxes->context->plan->command_count)
		return err_set(err, -EBUSY,
			       "%u commands run in the background already, as many as limits.commands "
			       "allows: end one with stop_command (list_commands shows them)",
			       running);
	command->handle.line = strndup(line, LIMIT_HANDLE_LINE_BYTES);
	return command->handle.line ? 0 : -ENOMEM;
}

/* ---- the tools ---- */

struct command *handle_find(const struct caller *caller, const char *id)
{
	for (struct command *at = caller->handles; at; at = at->handle.next)
		if (strcmp(at->handle.id, id) == 0)
			return at;
	return NULL;
}

static void fail(struct call *call, const char *text)
{
	result_fail(&call->result, "%s", text);
	call_release(call);
}

/* A replica knows nothing of the others, but their ids say whose they are. */
static void fail_unknown(const struct caller *caller, struct call *call, const char *id)
{
	const char *instance = caller->sandboxes->context->instance;
	size_t length = strcspn(id, ".");

	if (!instance || !id[length] || length > LIMIT_INSTANCE_BYTES ||
	    (strlen(instance) == length && strncmp(instance, id, length) == 0)) {
		fail(call, "id: no command of yours has it, or it ended too long ago; list_commands shows "
			   "those there are");
		return;
	}
	result_fail(&call->result,
		    "id: the command is with the instance \"%.*s\" of this server, and this call came to "
		    "\"%s\", which cannot reach it: calls of one caller must go to one instance as long as "
		    "commands run (docs/proxies.md); the same call again may reach it",
		    (int)length, id, instance);
	call_release(call);
}

static void stop(struct command *command, const struct handle_arguments *arguments, struct call *call)
{
	int number = handle_signal(arguments->signal);

	if (number < 0) {
		fail(call, "signal: not the name or number of one (TERM, INT, HUP, KILL, ...)");
		return;
	}
	if (command_listen(command, &(struct listener){.call = call,
						       .what = LISTEN_END,
						       .reading = true,
						       .since = command->handle.read_to,
						       .most = (size_t)arguments->max_bytes,
						       .until = UINT64_MAX}) < 0)
		return;
	if (command->state == COMMAND_WAITING)
		command_refuse(command, "the command was stopped before it had begun; nothing was done");
	else
		command_stop(command, number);
}

/* Reading, and writing before it. */
static void converse(struct command *command, const struct handle_arguments *arguments, struct call *call)
{
	const struct tool_context *context = &call->context;
	bool given = call->tool->operation == HANDLE_READ && arguments->since >= 0;
	uint64_t since = given ? (uint64_t)arguments->since : command->handle.read_to;
	int64_t wait = arguments->wait_ms < 0 || arguments->wait_ms > context->answer_within_ms
			       ? context->answer_within_ms
			       : arguments->wait_ms;

	if (since > command_log_total(&command->log)) {
		fail(call, "since: it has not written so much yet; leave it out to read on where the last "
			   "read ended");
		return;
	}
	command_listen(command, &(struct listener){.call = call,
						   .what = LISTEN_OUTPUT,
						   .reading = true,
						   .since = since,
						   .most = (size_t)arguments->max_bytes,
						   .until = call->begun + LOOP_MS(wait)});
}

/* What is typed: the text, and then the keys. 0, -ENOMEM, or -EINVAL with a sentence. */
static int collect(const struct command *command, const struct handle_arguments *arguments,
		   struct buffer *bytes, struct err *err)
{
	const char *text = arguments->text ? arguments->text : "";
	const cJSON *key;
	int result = buffer_append(bytes, text, strlen(text));

	if (arguments->keys.count && !command->tty)
		return err_set(err, -EINVAL,
			       "keys: the command has no terminal; begin it with tty for keys, or use text");
	cJSON_ArrayForEach(key, arguments->keys.array)
	{
		if (result == 0)
			result = keys_append(key->valuestring, bytes);
		if (result == -EINVAL)
			return err_set(
				err, result,
				"keys: there is no key \"%.40s\"; there are ctrl-a to ctrl-z, alt-x, enter, "
				"tab, escape, space, backspace, delete, up, down, left, right, home, end, "
				"pageup, "
				"pagedown, f1 to f12, and single characters",
				key->valuestring);
	}
	return result;
}

static void feed(struct command *command, const struct handle_arguments *arguments, struct call *call)
{
	_cleanup_(buffer_deinit) struct buffer bytes = {.max = LIMIT_MESSAGE_BYTES};
	struct err err = {0};
	int result = command->state == COMMAND_ENDED ? -ESRCH : collect(command, arguments, &bytes, &err);

	if (result == 0)
		result = command_feed(command, &bytes, arguments->close);
	if (result == -EINVAL)
		fail(call, err.text);
	else if (result == -ESRCH)
		fail(call, "the command has ended; read_output has what it said");
	else if (result == -EPIPE)
		fail(call, "its stdin is at its end: a command takes input later only if it was begun with "
			   "wait_ms 0 and stdin (\"\" to begin with nothing)");
	else if (result < 0)
		fail(call, "out of memory, or more input than it reads; try again");
	else
		converse(command, arguments, call);
}

void command_handle(struct caller *caller, struct call *call, const void *decoded)
{
	const struct handle_arguments *arguments = decoded;
	struct command *command;

	if (call->tool->operation == HANDLE_LIST) {
		command_list(caller, call);
		return;
	}
	command = handle_find(caller, arguments->id);
	if (!command) {
		fail_unknown(caller, call, arguments->id);
		return;
	}
	switch ((enum handle_operation)call->tool->operation) {
	case HANDLE_READ:
		converse(command, arguments, call);
		break;
	case HANDLE_WRITE:
		feed(command, arguments, call);
		break;
	case HANDLE_STOP:
	case HANDLE_LIST:
		stop(command, arguments, call);
		break;
	}
}
