/* SPDX-License-Identifier: Apache-2.0 */
/* The tools that act on a handle (handle.h): what they take. What they answer is run_command's to write. */
#include "tools/command/handle.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/limits.h"
#include "tools/command/run_command.h"

#define ARGUMENT(member) .offset = offsetof(struct handle_arguments, member)

#define ID                                                                                                   \
	{                                                                                                    \
		.name = "id", .type = FIELD_STRING, .flags = FIELD_REQUIRED, ARGUMENT(id)                    \
	}
#define WAIT(text)                                                                                           \
	{                                                                                                    \
		.name = "wait_ms", .type = FIELD_INTEGER, ARGUMENT(wait_ms), .min = 0,                       \
		.max = LIMIT_COMMAND_TIMEOUT_MS, .preset = -1, .description = text                           \
	}
#define MAX_BYTES                                                                                            \
	{                                                                                                    \
		.name = "max_bytes", .type = FIELD_INTEGER, ARGUMENT(max_bytes), .min = 1,                   \
		.max = LIMIT_COMMAND_OUTPUT_BYTES, .preset = LIMIT_COMMAND_TEXT_BYTES                        \
	}

static const struct field read_input[] = {
	ID,
	{.name = "since",
	 .type = FIELD_INTEGER,
	 ARGUMENT(since),
	 .min = 0,
	 .max = INT64_MAX,
	 .preset = -1,
	 .description = "Cursor (next); default: where the last read ended"},
	WAIT("For new output; 0: only what is there"),
	MAX_BYTES,
	{0},
};

static const struct field write_input[] = {
	ID,
	{.name = "text", .type = FIELD_STRING, ARGUMENT(text)},
	{.name = "keys",
	 .type = FIELD_STRINGS,
	 ARGUMENT(keys),
	 .description = "Then these, with tty: ctrl-c, enter, up, tab, ..."},
	{.name = "close", .type = FIELD_BOOLEAN, ARGUMENT(close), .description = "End its stdin"},
	WAIT("For the output that follows"),
	MAX_BYTES,
	{0},
};

static const struct field stop_input[] = {
	ID,
	{.name = "signal",
	 .type = FIELD_STRING,
	 ARGUMENT(signal),
	 .description = "Default TERM; KILL follows after 2 s"},
	MAX_BYTES,
	{0},
};

int handle_signal(const char *name)
{
	char *end;
	long number;

	if (!name)
		return SIGTERM;
	number = strtol(name, &end, 10);
	if (*name && !*end)
		return number > 0 && number <= SIGRTMAX ? (int)number : -1;
	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	for (int i = 1; i < NSIG; i++)
		if (sigabbrev_np(i) && strcasecmp(sigabbrev_np(i), name) == 0)
			return i;
	return -1;
}

const struct tool read_output_tool = {
	.name = "read_output",
	.title = "Read output",
	.description = "Output of a running or ended command, by its id. Waits for new output.",
	.route = TOOL_HANDLE,
	.operation = HANDLE_READ,
	.hints = TOOL_READ_ONLY | TOOL_CLOSED_WORLD,
	.input = read_input,
	.output = read_output_output,
	.arguments_bytes = sizeof(struct handle_arguments),
};

const struct tool write_input_tool = {
	.name = "write_input",
	.title = "Write input",
	.description = "Write to the stdin of a command, and read the output that follows.",
	.route = TOOL_HANDLE,
	.operation = HANDLE_WRITE,
	.input = write_input,
	.output = read_output_output,
	.arguments_bytes = sizeof(struct handle_arguments),
};

const struct tool stop_command_tool = {
	.name = "stop_command",
	.title = "Stop command",
	.description = "End a command and all it has started.",
	.route = TOOL_HANDLE,
	.operation = HANDLE_STOP,
	.hints = TOOL_IDEMPOTENT | TOOL_CLOSED_WORLD,
	.input = stop_input,
	.output = read_output_output,
	.arguments_bytes = sizeof(struct handle_arguments),
};
