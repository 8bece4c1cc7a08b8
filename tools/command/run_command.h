/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_RUN_COMMAND_H
#define SALLYPORT_TOOLS_COMMAND_RUN_COMMAND_H

/* run_command: what it takes and what it answers. Running it is server/command's and the sandbox's business.
 */

#include "tools/command/outcome.h"
#include "tools/tool.h"

struct run_command_arguments {
	const char *command;
	struct field_strings argv;
	const char *cwd;
	const cJSON *env;
	const char *input; /* "stdin" */
	int64_t wait_ms, timeout_ms;
	bool tty;
	const char *keep;
	int64_t max_bytes;
};

extern const struct tool run_command_tool;

/* How long its call waits before it is answered with a handle, milliseconds: wait_ms or answer-within,
 * whichever is shorter, but as long as it takes to see that the command does not fail at once. */
uint32_t run_command_patience(const struct run_command_arguments *arguments,
			      const struct tool_context *context);
enum output_keep run_command_keep(const struct run_command_arguments *arguments);

#endif
