/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_RUN_COMMAND_H
#define SALLYPORT_TOOLS_COMMAND_RUN_COMMAND_H

/* run_command: what it takes and what it answers. Running it is server/command's and the sandbox's business.
 */

#include "tools/command/denials.h"
#include "tools/command/output.h"
#include "tools/tool.h"

struct run_command_arguments {
	const char *command;
	struct field_strings argv;
	const char *cwd;
	const cJSON *env;
	const char *input; /* "stdin" */
	int64_t wait_ms, timeout_ms;
	const char *keep;
	int64_t max_bytes;
};

extern const struct tool run_command_tool;

/* How long it may run before it is ended, milliseconds: the shortest of wait_ms, timeout_ms and
 * answer-within. */
uint32_t run_command_patience(const struct run_command_arguments *arguments,
			      const struct tool_context *context);
enum output_keep run_command_keep(const struct run_command_arguments *arguments);

struct command_outcome {
	int wait_status; /* of the command, as waitpid gives it */
	bool timed_out;
	uint32_t patience_ms; /* when it timed out */
	uint64_t duration_ns, cpu_us, peak_memory_bytes;
	uint64_t killed_for_memory; /* processes that the kernel killed so in its sandbox while it ran */
	uint64_t data_bytes;        /* limits.dataBytes */
	bool lost;                  /* nobody has reported; of the rest only wait_status is known */
	uint32_t leftovers;         /* processes it left behind, killed */
	const struct command_output *output;
	const struct command_denials *denials;
};

/* Writes the result; the caller finishes it. 0 or -errno. */
int run_command_write(struct tool_result *result, const struct command_outcome *outcome);
/*
 * It never started: which step failed, on what, and why; status "denied" when a rule forbade it. Writes and
 * finishes.
 */
void run_command_fail(struct tool_result *result, const char *step, const char *target, int error,
		      const struct command_denials *denials);

#endif
