/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a command (outcome.h). */
#include "tools/command/outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/utf8.h"

const char *const run_command_statuses[] = {"running", "exited",        "signaled", "timed_out",
					    "denied",  "out_of_memory", NULL};

static const struct field omitted_fields[] = {
	{.name = "stdout", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "stderr", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{0},
};

const struct field run_command_output[] = {
	{.name = "status", .type = FIELD_STRING, .flags = FIELD_REQUIRED, .choices = run_command_statuses},
	{.name = "exit_code", .type = FIELD_INTEGER},
	{.name = "signal", .type = FIELD_STRING},
	{.name = "stdout", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "stderr", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "omitted_bytes", .type = FIELD_OBJECT, .flags = FIELD_REQUIRED, .inner = omitted_fields},
	{.name = "duration_ms", .type = FIELD_INTEGER, .flags = FIELD_REQUIRED},
	{.name = "cpu_ms", .type = FIELD_INTEGER},
	{.name = "peak_memory_bytes", .type = FIELD_INTEGER},
	{.name = "id", .type = FIELD_STRING},
	{.name = "next", .type = FIELD_INTEGER},
	{.name = "lost_bytes", .type = FIELD_INTEGER},
	{.name = "quiet_ms", .type = FIELD_INTEGER},
	{.name = "waits_for_input", .type = FIELD_BOOLEAN},
	{.name = "denials", .type = FIELD_OBJECTS},
	{0},
};

/* A host that checks results is helped by what is always there; the rest is as above, its words too. */
const struct field read_output_output[] = {
	{.name = "status", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "exit_code", .type = FIELD_INTEGER},
	{.name = "signal", .type = FIELD_STRING},
	{.name = "stdout", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "stderr", .type = FIELD_STRING, .flags = FIELD_REQUIRED},
	{.name = "next", .type = FIELD_INTEGER},
	{.name = "waits_for_input", .type = FIELD_BOOLEAN},
	{0},
};

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

/* How the result goes on, behind how it ended: what was not shown, and what gets it. */
static void write_rest(const struct command_outcome *outcome, uint64_t omitted, char *to, size_t size)
{
	to[0] = '\0';
	if (!outcome->id)
		return;
	if (outcome->running)
		snprintf(to, size, " · id %s: read_output, write_input, stop_command", outcome->id);
	else if (outcome->reading && outcome->unread)
		snprintf(to, size, " · %" PRIu64 " bytes more: read_output with since %" PRIu64,
			 outcome->unread, outcome->next);
	else if (!outcome->reading && omitted)
		snprintf(to, size, " · id %s: read_output with since 0 has all of it", outcome->id);
}

/* The last line of the text: how it ended, or that it runs. */
static int write_ending(struct tool_result *result, const struct command_outcome *outcome, uint64_t omitted)
{
	double seconds = (double)outcome->duration_ns / 1e9;
	char name[32], left[64] = "", memory[192], rest[192], how[64];

	write_rest(outcome, omitted, rest, sizeof rest);
	if (outcome->place)
		return result_textf(result, "[waits for its turn: place %u%s]", outcome->place, rest);
	if (outcome->running && outcome->reading && outcome->unread)
		return result_textf(result, "[running · %.2f s · %" PRIu64 " bytes more are there%s]",
				    seconds, outcome->unread, rest);
	if (outcome->running)
		return result_textf(result, "[running · %.2f s · quiet for %.2f s%s%s]", seconds,
				    (double)outcome->quiet_ns / 1e9,
				    outcome->waits_in_vain ? " · waits for input that only tty could give "
							     "it: stop it, and begin it with tty"
				    : outcome->waits_for_input ? " · waits for input"
							       : "",
				    rest);
	if (outcome->leftovers)
		snprintf(left, sizeof left, " · %u process%s left behind, killed", outcome->leftovers,
			 outcome->leftovers == 1 ? "" : "es");
	write_memory(outcome, memory, sizeof memory);
	if (outcome->timed_out)
		return result_textf(result,
				    "[timed out · stopped after %.2f s, nothing of it is alive · %s "
				    "was %" PRIu32 "%s]",
				    seconds, outcome->by_policy ? "limits.commandSeconds" : "timeout_ms",
				    outcome->by_policy ? outcome->patience_ms / 1000 : outcome->patience_ms,
				    rest);
	if (WIFSIGNALED(outcome->wait_status))
		signal_name(outcome->wait_status, how, sizeof how);
	else
		snprintf(how, sizeof how, "exit %d", WEXITSTATUS(outcome->wait_status));
	snprintf(name, sizeof name, "%s%s", is_out_of_memory(outcome) ? "out of memory · " : "",
		 outcome->stopped ? "stopped · " : "");
	return result_textf(result, "[%s%s · %.2f s%s%s%s]", name, how, seconds, left, memory, rest);
}

/* Windows are written from while more comes into them; what is read from the log was cut there. */
static bool is_open(const struct command_outcome *outcome)
{
	return outcome->running && !outcome->reading;
}

static int write_window(const struct output_window *window, const char *stream, bool open,
			struct buffer *text, uint64_t *omitted)
{
	if (!output_window_is_binary(window))
		return output_window_write(window, open, text, omitted);
	*omitted = window->total;
	return output_window_name(window, stream, text);
}

/* In the order they came; where one of them is no text, one after the other. */
static int write_both(const struct command_output *output, bool open, struct buffer *text, uint64_t *omitted)
{
	const struct output_window *merged = command_output_merged(output);
	uint64_t more = 0;
	int code;

	if (!output_window_is_binary(merged))
		return output_window_write(merged, open, text, omitted);
	code = write_window(&output->streams[0], "stdout", open, text, omitted);
	if (code == 0)
		code = write_window(&output->streams[1], "stderr", open, text, &more);
	*omitted += more;
	return code;
}

static int write_text(struct tool_result *result, const struct command_outcome *outcome)
{
	uint64_t omitted, replaced = result->replaced;
	struct buffer text;
	int code;

	buffer_init(&text, LIMIT_ANSWER_BYTES);
	code = write_both(outcome->output, is_open(outcome), &text, &omitted);
	if (code == 0 && buffer_length(&text)) {
		code = result_text(result, buffer_data(&text), buffer_length(&text));
		if (code == 0 && buffer_data(&text)[buffer_length(&text) - 1] != '\n')
			code = result_text(result, "\n", 1);
	}
	replaced = result->replaced - replaced;
	if (code == 0 && replaced)
		code = result_textf(
			result, "[Not UTF-8, probably %s: %" PRIu64 " place%s shown as U+FFFD.]\n",
			utf8_guess_other((const uint8_t *)buffer_data(&text), buffer_length(&text)), replaced,
			replaced == 1 ? "" : "s");
	buffer_deinit(&text);
	if (code == 0)
		code = command_denials_text(outcome->denials, result);
	return code < 0 ? code : write_ending(result, outcome, omitted);
}

static int write_stream(struct json_writer *writer, const char *key, const struct output_window *window,
			bool open, uint64_t *omitted)
{
	struct buffer text;
	int code;

	buffer_init(&text, LIMIT_ANSWER_BYTES);
	code = write_window(window, key, open, &text, omitted);
	json_key(writer, key);
	json_bytes(writer, buffer_data(&text), buffer_length(&text));
	buffer_deinit(&text);
	return code;
}

const char *command_outcome_status(const struct command_outcome *outcome)
{
	if (outcome->running)
		return "running";
	if (outcome->timed_out)
		return "timed_out";
	if (is_out_of_memory(outcome))
		return "out_of_memory";
	return WIFSIGNALED(outcome->wait_status) ? "signaled" : "exited";
}

/* How it ended. */
static void write_end(struct json_writer *writer, const struct command_outcome *outcome)
{
	char name[32];

	if (!outcome->timed_out && WIFEXITED(outcome->wait_status))
		json_key_int(writer, "exit_code", WEXITSTATUS(outcome->wait_status));
	if (WIFSIGNALED(outcome->wait_status))
		json_key_text(writer, "signal", signal_name(outcome->wait_status, name, sizeof name));
}

/* Where reading goes on. */
static void write_cursor(struct json_writer *writer, const struct command_outcome *outcome)
{
	if (outcome->id)
		json_key_text(writer, "id", outcome->id);
	if (outcome->running && !outcome->place) {
		json_key_int(writer, "quiet_ms", (int64_t)(outcome->quiet_ns / 1000000));
		json_key_bool(writer, "waits_for_input", outcome->waits_for_input);
	}
	if (!outcome->reading)
		return;
	json_key_int(writer, "next", (int64_t)outcome->next);
	if (outcome->lost_bytes)
		json_key_int(writer, "lost_bytes", (int64_t)outcome->lost_bytes);
}

int command_outcome_write(struct tool_result *result, const struct command_outcome *outcome)
{
	struct json_writer *writer;
	uint64_t omitted[2];
	bool open = is_open(outcome);
	int code = write_text(result, outcome);

	if (code < 0)
		return code;
	writer = result_structured(result);
	json_key_text(writer, "status", command_outcome_status(outcome));
	if (!outcome->running)
		write_end(writer, outcome);
	code = write_stream(writer, "stdout", &outcome->output->streams[0], open, &omitted[0]);
	if (code == 0)
		code = write_stream(writer, "stderr", &outcome->output->streams[1], open, &omitted[1]);
	json_key(writer, "omitted_bytes");
	json_object(writer);
	json_key_int(writer, "stdout", (int64_t)omitted[0]);
	json_key_int(writer, "stderr", (int64_t)omitted[1]);
	json_object_end(writer);
	json_key_int(writer, "duration_ms", (int64_t)(outcome->duration_ns / 1000000));
	if (!outcome->running) {
		json_key_int(writer, "cpu_ms", (int64_t)(outcome->cpu_us / 1000));
		json_key_int(writer, "peak_memory_bytes", (int64_t)outcome->peak_memory_bytes);
	}
	write_cursor(writer, outcome);
	command_denials_write(outcome->denials, writer);
	result_structured_end(result, writer);
	if (outcome->denials->count)
		result->denial = &outcome->denials->list[0].denial;
	return code < 0 ? code : writer->result;
}

int command_outcome_write_text(struct tool_result *result, const struct command_outcome *outcome)
{
	char name[32];
	int code = write_text(result, outcome);

	if (code == 0)
		code = result_meta_text(result, "status", command_outcome_status(outcome));
	if (code == 0 && !outcome->running && !outcome->timed_out && WIFEXITED(outcome->wait_status))
		code = result_meta_int(result, "exit_code", WEXITSTATUS(outcome->wait_status));
	if (code == 0 && !outcome->running && WIFSIGNALED(outcome->wait_status))
		code = result_meta_text(result, "signal",
					signal_name(outcome->wait_status, name, sizeof name));
	if (code == 0)
		code = result_meta_int(result, "next", (int64_t)outcome->next);
	if (code == 0)
		code = result_meta_int(result, "unread_bytes", (int64_t)outcome->unread);
	if (code == 0 && outcome->lost_bytes)
		code = result_meta_int(result, "lost_bytes", (int64_t)outcome->lost_bytes);
	if (outcome->denials->count)
		result->denial = &outcome->denials->list[0].denial;
	return code;
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

void command_outcome_fail(struct tool_result *result, const char *step, const char *target, int error,
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
	else if (strcmp(step, "fork") == 0)
		hint = " As many processes run here as limits.processes allows: list_commands shows what "
		       "runs, "
		       "stop_command ends one.";
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
