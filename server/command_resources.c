/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of commands that have handles, as resources: sallyport://command/ID/output. Who subscribes to
 * one learns without asking that there is more output, and that the command has ended.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "server/command_parts.h"
#include "server/resources.h"

#define PREFIX "sallyport://command/"
#define SUFFIX "/output"

struct uri {
	char text[sizeof PREFIX - 1 + HANDLE_ID_BYTES + sizeof SUFFIX];
};

static struct uri uri_of(const struct command *command)
{
	struct uri uri;

	snprintf(uri.text, sizeof uri.text, PREFIX "%s" SUFFIX, command->handle.id);
	return uri;
}

/* `rest` is to be ID/output. */
static struct command *find(const struct caller *caller, const char *rest)
{
	char id[HANDLE_ID_BYTES + 1];
	size_t length = strcspn(rest, "/");

	if (length >= sizeof id || strcmp(rest + length, SUFFIX) != 0)
		return NULL;
	memcpy(id, rest, length);
	id[length] = '\0';
	return handle_find(caller, id);
}

/* ---- listing and reading ---- */

static void list(const struct caller *caller, struct json_writer *writer)
{
	for (const struct command *at = caller->handles; at; at = at->handle.next) {
		struct command_outcome outcome;

		command_describe(at, &outcome);
		json_object(writer);
		json_key_text(writer, "uri", uri_of(at).text);
		json_key_text(writer, "name", at->handle.line);
		json_key_text(writer, "description",
			      at->refusal ? "denied" : command_outcome_status(&outcome));
		json_key_text(writer, "mimeType", "text/plain");
		json_object_end(writer);
	}
}

/* Writes what came first, as much as one result may have, and where read_output goes on. */
static int write_output(struct command *command, struct tool_result *result)
{
	struct command_outcome outcome;
	struct command_output output;
	int code;

	command_output_init(&output, OUTPUT_HEAD, result->context->result_bytes);
	command_describe(command, &outcome);
	outcome.waits_for_input = false; /* nobody has asked just now */
	command_read_log(command, 0, result->context->result_bytes, &outcome, &output);
	code = command_outcome_write_text(result, &outcome);
	command_output_deinit(&output);
	return code;
}

static void read_command(struct calls *calls, struct caller *caller, struct mcp_call *call, const char *rest)
{
	struct command *command = find(caller, rest);
	_cleanup_(buffer_deinit) struct buffer meta;
	struct tool_result result;
	int code;

	buffer_init(&meta, LIMIT_FRAME_BYTES);
	if (!command) {
		mcp_call_not_found(call);
		return;
	}
	if (command->state == COMMAND_ENDED)
		command_keep(command);
	result = (struct tool_result){.call = call, .context = command->sandboxes->context, .meta = &meta};
	if (command->refusal) {
		code = result_text(&result, command->refusal, strlen(command->refusal));
		if (code == 0)
			code = result_meta_text(&result, "status", "denied");
	} else {
		code = write_output(command, &result);
	}
	if (code < 0)
		result_fail(&result, "the output could not be written: %s",
			    code == -EMSGSIZE ? "too large" : "out of memory");
	else
		result_finish(&result);
}

/* Ids: the newest first. */
static void complete(struct calls *calls, struct caller *caller, struct mcp_call *call,
		     const struct mcp_completion *asked)
{
	uint64_t total = 0;

	mcp_result_begin(call);
	for (const struct command *at = caller->handles; at; at = at->handle.next)
		if (strncmp(at->handle.id, asked->value, strlen(asked->value)) == 0 &&
		    ++total <= LIMIT_COMPLETIONS)
			json_text(mcp_result_writer(call), at->handle.id);
	mcp_completion_end(call, total, true, total > LIMIT_COMPLETIONS);
	mcp_call_finish(call, NULL);
}

/* ---- telling of changes ---- */

static void tell(struct command *command)
{
	command->told = command_log_total(&command->log);
	mcp_resource_updated(command->caller->mcp, uri_of(command).text);
}

static void update_due(struct loop_timer *timer)
{
	tell((struct command *)((char *)timer - offsetof(struct command, update)));
}

void command_update(struct command *command)
{
	struct loop *loop = command->sandboxes->loop;

	if (command_log_total(&command->log) == command->told)
		return;
	if (!command->update.place) /* without memory the next output tries again; the end is told anyway */
		loop_timer_set(loop, &command->update, loop->now + LOOP_MS(LIMIT_RESOURCE_UPDATE_MS));
}

void command_update_end(struct command *command)
{
	loop_timer_clear(command->sandboxes->loop, &command->update);
	tell(command);
}

void command_update_forget(struct command *command)
{
	if (command->state != COMMAND_ENDED)
		command_update_end(command);
	command->watched = false;
	mcp_resource_gone(command->caller->mcp, uri_of(command).text);
}

static int watch(struct calls *calls, struct caller *caller, const char *rest)
{
	struct command *command = find(caller, rest);

	if (!command)
		return -ENOENT;
	if (!command->watched)
		command->told = command_log_total(&command->log);
	command->watched = true;
	command->update.fire = update_due;
	return command->state == COMMAND_ENDED;
}

static void unwatch(struct calls *calls, struct caller *caller, const char *rest)
{
	struct command *command = find(caller, rest);

	if (!command)
		return;
	command->watched = false;
	loop_timer_clear(command->sandboxes->loop, &command->update);
}

const struct resource_kind command_resources = {
	.prefix = PREFIX,
	.uri_template = PREFIX "{id}" SUFFIX,
	.name = "command-output",
	.title = "Output of a command",
	.description =
		"What a command of run_command has written so far, by its id, and whether it has ended. "
		"Subscribe to hear of both.",
	.media_type = "text/plain",
	.argument = "id",
	.complete = complete,
	.list = list,
	.read = read_command,
	.watch = watch,
	.unwatch = unwatch,
};
