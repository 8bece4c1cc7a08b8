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
static const char *const statuses[] = {"exited", "signaled", "timed_out", "denied", "out_of_memory", NULL};

#define ARGUMENT(member) .offset = offsetof(struct run_command_arguments, member)

static const struct field input[] = {
	{.name = "command",
	 .type = FIELD_STRING,
	 ARGUMENT(command),
	 .description = "Shell line; or use argv"},
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
	 .min = 1,
	 .max = LIMIT_COMMAND_TIMEOUT_MS,
	 .preset = LIMIT_COMMAND_TIMEOUT_MS,
	 .description = "Stop it and answer after this long"},
	{.name = "timeout_ms",
	 .type = FIELD_INTEGER,
	 ARGUMENT(timeout_ms),
	 .min = 1,
	 .max = LIMIT_COMMAND_TIMEOUT_MS,
	 .preset = LIMIT_COMMAND_TIMEOUT_MS,
	 .description = "Kill it after this long"},
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

static const struct field omitted_fields[] = {
	{.name = "stdout", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "stderr", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{0},
};

static const struct field output[] = {
	{.name = "status", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = statuses},
	{.name = "exit_code", .type = FIELD_INTEGER},
	{.name = "signal", .type = FIELD_STRING},
	{.name = "stdout", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "stderr", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "omitted_bytes", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, .inner = omitted_fields},
	{.name = "duration_ms", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "cpu_ms", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "peak_memory_bytes", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "denials", .type = FIELD_OBJECTS, .inner = command_denial_fields},
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

/* Defaults made for agents (tools.md, "Commands"): nothing waits for a person, nothing pages. */
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
	for (size_t i = 0; i < ARRAY_SIZE(environment) && result == 0; i++)
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
	if (arguments->timeout_ms < patience)
		patience = arguments->timeout_ms;
	return (uint32_t)patience;
}

enum output_keep run_command_keep(const struct run_command_arguments *arguments)
{
	if (!arguments->keep || strcmp(arguments->keep, "both") == 0)
		return OUTPUT_BOTH;
	return strcmp(arguments->keep, "head") == 0 ? OUTPUT_HEAD : OUTPUT_TAIL;
}

/* ---- result ---- */

static const char *signal_name(int wait_status, char *to, size_t size)
{
	const char *name = sigabbrev_np(WTERMSIG(wait_status));

	if (name)
		snprintf(to, size, "SIG%s", name);
	else
		snprintf(to, size, "signal %d", WTERMSIG(wait_status));
	return to;
}

/*
 * Was it out of memory? With a group the kernel has said so, and this command shows it: killed itself, or a
 * shell that tells of a child (128 + SIGKILL). Without, one process has come so close to its own bound that
 * its failure can have no other reason worth naming; what fails long before (one huge request) cannot be
 * told.
 */
static bool is_out_of_memory(const struct command_outcome *outcome)
{
	int status = outcome->wait_status;
	bool killed = (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
		      (WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGKILL);

	if (outcome->timed_out || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return false;
	return (outcome->killed_for_memory && killed) ||
	       (outcome->data_bytes &&
		outcome->peak_memory_bytes >= outcome->data_bytes - outcome->data_bytes / 8);
}

/* What there is to say about memory, behind how it ended. */
static void write_memory(const struct command_outcome *outcome, char *to, size_t size)
{
	unsigned long long killed = outcome->killed_for_memory;

	to[0] = '\0';
	if (killed)
		snprintf(to, size,
			 " · all that runs here had used up limits.memoryBytes: the kernel ended %llu "
			 "process%s%s",
			 killed, killed == 1 ? "" : "es", outcome->lost ? ", and the sandbox with them" : "");
	else if (is_out_of_memory(outcome))
		snprintf(to, size,
			 " · its largest process came to %.1f MB of the %.1f MB that one may use "
			 "(limits.dataBytes)",
			 (double)outcome->peak_memory_bytes / 1e6, (double)outcome->data_bytes / 1e6);
}

/* The last line of the text: how it ended. */
static int write_ending(struct tool_result *result, const struct command_outcome *outcome)
{
	double seconds = (double)outcome->duration_ns / 1e9;
	char name[32], left[64] = "", memory[192];
	const char *first = is_out_of_memory(outcome) ? "out of memory · " : "";

	if (outcome->leftovers)
		snprintf(left, sizeof left, " · %u processes left behind, killed", outcome->leftovers);
	write_memory(outcome, memory, sizeof memory);
	if (outcome->timed_out)
		return result_textf(result,
				    "[timed out · stopped after %.2f s, nothing of it is alive · it may run "
				    "%.1f s at most: raise "
				    "wait_ms or timeout_ms if they are lower, or start the server with a "
				    "longer --answer-within]",
				    seconds, outcome->patience_ms / 1000.0);
	if (WIFSIGNALED(outcome->wait_status))
		return result_textf(result, "[%s%s · %.2f s%s%s]", first,
				    signal_name(outcome->wait_status, name, sizeof name), seconds, left,
				    memory);
	return result_textf(result, "[%sexit %d · %.2f s%s%s]", first, WEXITSTATUS(outcome->wait_status),
			    seconds, left, memory);
}

static int write_text(struct tool_result *result, const struct command_outcome *outcome)
{
	uint64_t omitted;
	struct buffer text;
	int code;

	buffer_init(&text, LIMIT_ANSWER_BYTES);
	code = output_window_write(command_output_merged(outcome->output), &text, &omitted);
	if (code == 0 && buffer_length(&text)) {
		code = result_text(result, buffer_data(&text), buffer_length(&text));
		if (code == 0 && buffer_data(&text)[buffer_length(&text) - 1] != '\n')
			code = result_text(result, "\n", 1);
	}
	buffer_deinit(&text);
	if (code == 0)
		code = command_denials_text(outcome->denials, result);
	return code < 0 ? code : write_ending(result, outcome);
}

static int write_stream(struct json_writer *writer, const char *key, const struct output_window *window,
			uint64_t *omitted)
{
	struct buffer text;
	int code;

	buffer_init(&text, LIMIT_ANSWER_BYTES);
	code = output_window_write(window, &text, omitted);
	json_key(writer, key);
	json_bytes(writer, buffer_data(&text), buffer_length(&text));
	buffer_deinit(&text);
	return code;
}

int run_command_write(struct tool_result *result, const struct command_outcome *outcome)
{
	struct json_writer *writer;
	uint64_t omitted[2];
	char name[32];
	int code = write_text(result, outcome);

	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key_text(writer, "status",
		      outcome->timed_out                  ? "timed_out"
		      : is_out_of_memory(outcome)         ? "out_of_memory"
		      : WIFSIGNALED(outcome->wait_status) ? "signaled"
							  : "exited");
	if (!outcome->timed_out && WIFEXITED(outcome->wait_status))
		json_key_int(writer, "exit_code", WEXITSTATUS(outcome->wait_status));
	if (WIFSIGNALED(outcome->wait_status))
		json_key_text(writer, "signal", signal_name(outcome->wait_status, name, sizeof name));
	code = write_stream(writer, "stdout", &outcome->output->streams[0], &omitted[0]);
	if (code == 0)
		code = write_stream(writer, "stderr", &outcome->output->streams[1], &omitted[1]);
	json_key(writer, "omitted_bytes");
	json_object(writer);
	json_key_int(writer, "stdout", (int64_t)omitted[0]);
	json_key_int(writer, "stderr", (int64_t)omitted[1]);
	json_object_end(writer);
	json_key_int(writer, "duration_ms", (int64_t)(outcome->duration_ns / 1000000));
	json_key_int(writer, "cpu_ms", (int64_t)(outcome->cpu_us / 1000));
	json_key_int(writer, "peak_memory_bytes", (int64_t)outcome->peak_memory_bytes);
	command_denials_write(outcome->denials, writer);
	result_structured_end(result, writer);
	if (outcome->denials->count)
		result->denial = &outcome->denials->list[0].denial;
	return code < 0 ? code : writer->result;
}

/* Refused before it began. As data too: some hosts show only that. */
static void write_denied(struct tool_result *result, const struct command_denials *denials)
{
	static const char *const zeros[] = {"duration_ms", "cpu_ms", "peak_memory_bytes"};
	struct json_writer *writer;

	command_denials_text(denials, result);
	result_textf(result, "[not started]");
	writer = result_structured(result);
	json_key_text(writer, "status", "denied");
	json_key_text(writer, "stdout", "");
	json_key_text(writer, "stderr", "");
	json_key(writer, "omitted_bytes");
	json_object(writer);
	json_key_int(writer, "stdout", 0);
	json_key_int(writer, "stderr", 0);
	json_object_end(writer);
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++)
		json_key_int(writer, zeros[i], 0);
	command_denials_write(denials, writer);
	result_structured_end(result, writer);
	result_error(result);
	result->denial = &denials->list[0].denial;
	result_finish(result);
}

void run_command_fail(struct tool_result *result, const char *step, const char *target, int error,
		      const struct command_denials *denials)
{
	const char *hint = "";

	if (denials->count) {
		write_denied(result, denials);
		return;
	}
	if (strcmp(step, "chdir") == 0)
		hint = " cwd must be a directory that the sandbox shows: a workspace, a system directory or "
		       "/tmp.";
	else if (error == ENOENT)
		hint = " No such program in PATH as the sandbox sees it.";
	else if (error == EACCES)
		hint = " It is not executable, or not shown inside the sandbox.";
	else if (error == E2BIG)
		hint = " Arguments and environment are too long: put long input into stdin or a file.";
	else if (error == ENOEXEC)
		hint = " It is not a program for this machine, or a script without #!.";
	result_fail(result, "the command did not start: %s \"%s\": %s (%s).%s", step, target, strerror(error),
		    err_name(error), hint);
}

const struct tool run_command_tool = {
	.name = "run_command",
	.title = "Run command",
	.description = "Run a shell line or a program in the sandbox of this session: workspaces writable, "
		       "system readable, network only to "
		       "hosts that the policy lists, private /tmp. Nothing of it outlives the call.",
	.route = TOOL_COMMAND,
	.input = input,
	.output = output,
	.arguments_bytes = sizeof(struct run_command_arguments),
	.pack = pack,
};
