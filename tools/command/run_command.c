/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_command: descriptor, request and result. The request is the payload of KEEPER_RUN
 * (sandbox/keeper/wire.h). The environment is made here from nothing: a host's environment may hold keys, and
 * no command inherits it (hosts.md, 18).
 */
#include "tools/command/run_command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"

static const char *const keep_choices[] = {"head", "tail", "both", NULL};

#define ARGUMENT(member) .offset = offsetof(struct run_command_arguments, member)

static const struct field input[] = {
	{.name = "command", .type = FIELD_STRING, ARGUMENT(command), .description = "Shell line; or argv"},
	{.name = "argv",
	 .type = FIELD_STRINGS,
	 ARGUMENT(argv),
	 .description = "Program and arguments, no shell"},
	{.name = "cwd", .type = FIELD_STRING, ARGUMENT(cwd), .description = "Default: first workspace"},
	{.name = "env", .type = FIELD_STRING_MAP, ARGUMENT(env)},
	{.name = "stdin", .type = FIELD_STRING, ARGUMENT(input)},
	{.name = "wait_ms",
	 .type = FIELD_INTEGER,
	 ARGUMENT(wait_ms),
	 .min = 0,
	 .max = LIMIT_COMMAND_TIMEOUT_MS,
	 .preset = LIMIT_COMMAND_TIMEOUT_MS,
	 .description = "Then answer with an id; 0: in the background"},
	{.name = "timeout_ms",
	 .type = FIELD_INTEGER,
	 ARGUMENT(timeout_ms),
	 .min = 1,
	 .max = LIMIT_COMMAND_TIMEOUT_MS,
	 .preset = -1,
	 .description = "Kill it after this long"},
	{.name = "tty",
	 .type = FIELD_BOOLEAN,
	 ARGUMENT(tty),
	 .description = "A terminal; answer its prompts with write_input"},
	{.name = "keep",
	 .type = FIELD_STRING,
	 ARGUMENT(keep),
	 .choices = keep_choices,
	 .description = "Which end of long output; default both"},
	{.name = "max_bytes",
	 .type = FIELD_INTEGER,
	 ARGUMENT(max_bytes),
	 .min = 1,
	 .max = LIMIT_COMMAND_OUTPUT_BYTES,
	 .preset = LIMIT_COMMAND_TEXT_BYTES,
	 .description = "Output kept, default 8000"},
	{0},
};

/* ---- request ---- */

static int pack_cwd(const struct run_command_arguments *arguments, const struct tool_context *context,
		    struct buffer *payload)
{
	const char *root = context->plan->workspaces[0].path, *cwd = arguments->cwd;
	char path[LIMIT_PATH_BYTES];

	if (!cwd || !*cwd)
		return frame_put_text(payload, root);
	if (*cwd == '/')
		return frame_put_text(payload, cwd);
	if (snprintf(path, sizeof path, "%s/%s", root, cwd) >= (int)sizeof path)
		return -ENAMETOOLONG;
	return frame_put_text(payload, path);
}

static int pack_argv(const struct run_command_arguments *arguments, struct buffer *payload)
{
	const cJSON *item;
	int result;

	if (arguments->command) {
		result = frame_put_u32(payload, 1);
		return result < 0 ? result : frame_put_text(payload, arguments->command);
	}
	result = frame_put_u32(payload, (uint32_t)arguments->argv.count);
	cJSON_ArrayForEach(item, arguments->argv.array) if (result == 0) result =
		frame_put_text(payload, item->valuestring);
	return result;
}

/* Defaults made for agents (tools.md, "Commands"): nothing waits for a person, nothing pages. TERM first. */
static const char *const environment[][2] = {
	{"TERM", "dumb"},    {"PAGER", "cat"},   {"GIT_PAGER", "cat"}, {"GIT_TERMINAL_PROMPT", "0"},
	{"LANG", "C.UTF-8"}, {"TMPDIR", "/tmp"}, {"SHELL", "/bin/sh"},
};

static int put_variable(struct buffer *payload, const char *name, const char *value)
{
	size_t name_length = strlen(name), value_length = strlen(value);
	int result = frame_put_u32(payload, (uint32_t)(name_length + 1 + value_length));

	if (result == 0)
		result = buffer_append(payload, name, name_length);
	if (result == 0)
		result = buffer_append(payload, "=", 1);
	return result < 0 ? result : buffer_append(payload, value, value_length);
}

static bool overridden(const cJSON *env, const char *name)
{
	return env && cJSON_GetObjectItemCaseSensitive(env, name);
}

static int pack_environment(const struct run_command_arguments *arguments, const struct plan *plan,
			    struct buffer *payload)
{
	size_t at = buffer_length(payload);
	uint32_t count = 0;
	const cJSON *item;
	int result = frame_put_u32(payload, 0);

	if (plan->home && !overridden(arguments->env, "HOME") && ++count)
		result = result < 0 ? result : put_variable(payload, "HOME", plan->home);
	if (arguments->tty && !overridden(arguments->env, "TERM") && ++count)
		result = result < 0 ? result : put_variable(payload, "TERM", "xterm");
	for (size_t i = arguments->tty; i < ARRAY_SIZE(environment) && result == 0; i++)
		if (!overridden(arguments->env, environment[i][0]) && ++count)
			result = put_variable(payload, environment[i][0], environment[i][1]);
	cJSON_ArrayForEach(item, arguments->env) if (result == 0 && ++count) result =
		put_variable(payload, item->string, item->valuestring);
	if (result == 0)
		frame_set_u32(buffer_data(payload) + at, count);
	return result;
}

static int check(const struct run_command_arguments *arguments, struct err *err)
{
	const cJSON *item;

	if (!arguments->command == !arguments->argv.array)
		return err_set(
			err, -EINVAL,
			"give exactly one of command (a shell line) and argv (a program and its arguments)");
	if (arguments->argv.array &&
	    (arguments->argv.count == 0 || !*cJSON_GetArrayItem(arguments->argv.array, 0)->valuestring))
		return err_set(err, -EINVAL, "argv: its first element names the program");
	cJSON_ArrayForEach(
		item, arguments->env) if (!*item->string ||
					  strchr(item->string,
						 '=')) return err_set(err, -EINVAL,
								      "env: \"%s\" is not a variable's name",
								      item->string);
	return 0;
}

static int pack(const void *values, const struct tool_context *context, struct buffer *payload,
		struct err *err)
{
	const struct run_command_arguments *arguments = values;
	int result = check(arguments, err);

	if (result < 0)
		return result;
	result = pack_cwd(arguments, context, payload);
	if (result == 0)
		result = pack_argv(arguments, payload);
	if (result == 0)
		result = pack_environment(arguments, context->plan, payload);
	if (result == 0)
		result = frame_put_u32(payload, arguments->command != NULL);
	if (result == 0 && arguments->tty)
		result = frame_put_u32(payload, context->plan->terminal_rows);
	if (result == 0 && arguments->tty)
		result = frame_put_u32(payload, context->plan->terminal_columns);
	if (result == -EMSGSIZE || result == -ENAMETOOLONG)
		return err_set(err, result,
			       "command, argv, cwd and env together are longer than %u bytes; put long input "
			       "into stdin or a file",
			       LIMIT_MESSAGE_FRAME_BYTES);
	return result;
}

uint32_t run_command_patience(const struct run_command_arguments *arguments,
			      const struct tool_context *context)
{
	int64_t patience = context->answer_within_ms;

	if (arguments->wait_ms < patience)
		patience = arguments->wait_ms;
	return patience < LIMIT_BACKGROUND_MS ? LIMIT_BACKGROUND_MS : (uint32_t)patience;
}

enum output_keep run_command_keep(const struct run_command_arguments *arguments)
{
	if (!arguments->keep || strcmp(arguments->keep, "both") == 0)
		return OUTPUT_BOTH;
	return strcmp(arguments->keep, "head") == 0 ? OUTPUT_HEAD : OUTPUT_TAIL;
}

const struct tool run_command_tool = {
	.name = "run_command",
	.title = "Run command",
	.description = "Run a shell line or a program in the session's sandbox: workspaces writable, "
		       "system readable, network only to hosts of the policy, private /tmp. What takes "
		       "longer goes on under an id. Nothing it started outlives it.",
	.route = TOOL_COMMAND,
	.input = input,
	.output = run_command_output,
	.arguments_bytes = sizeof(struct run_command_arguments),
	.pack = pack,
};
