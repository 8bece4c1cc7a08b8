/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_OUTCOME_H
#define SALLYPORT_TOOLS_COMMAND_OUTCOME_H

/*
 * What is told of a command: by the call that began it, and by those that read its output, write to it or
 * stop it. One shape for all of them, while it runs and after its end.
 */

#include "tools/command/denials.h"
#include "tools/command/output.h"
#include "tools/tool.h"

struct command_outcome {
	bool running; /* of what follows, up to leftovers, only duration_ns is known */
	unsigned
		place; /* and it has not begun: others run, and it is the turn of so many before; 0: it has */
	int wait_status; /* of the command, as waitpid gives it */
	bool timed_out;
	bool stopped;         /* by stop_command */
	uint32_t patience_ms; /* when it timed out */
	bool by_policy;       /* that is limits.commandSeconds */
	uint64_t duration_ns, cpu_us, peak_memory_bytes;
	uint64_t killed_for_memory; /* processes that the kernel killed so in its sandbox while it ran */
	uint64_t data_bytes;        /* limits.dataBytes */
	bool lost;                  /* nobody has reported; of the rest only wait_status is known */
	uint32_t leftovers;         /* processes it left behind, killed */
	const char *id;             /* its handle; NULL: it has none */
	bool reading;               /* this is what came from a cursor on: */
	uint64_t next, unread;      /* the cursor after it; bytes that have come since */
	uint64_t lost_bytes;        /* that came before it and are gone */
	uint64_t quiet_ns;          /* how long nothing has come */
	bool waits_for_input;       /* it is blocked reading its terminal or its stdin, says the kernel */
	bool waits_in_vain;         /* for input that would have to come from its own output */
	const struct command_output *output;
	const struct command_denials *denials;
};

/* "running", "exited", ...: one of run_command_statuses. */
const char *command_outcome_status(const struct command_outcome *outcome);

/* Writes the result; the caller finishes it. 0 or -errno. */
int command_outcome_write(struct tool_result *result, const struct command_outcome *outcome);
/* The same as text alone, with the facts in _meta["sallyport.dev/result"]: for resources. */
int command_outcome_write_text(struct tool_result *result, const struct command_outcome *outcome);
/*
 * It never started: which step failed, on what, and why; status "denied" when a rule forbade it. Writes and
 * finishes.
 */
void command_outcome_fail(struct tool_result *result, const char *step, const char *target, int error,
			  const struct command_denials *denials);

/* For output schemas. */
extern const char *const run_command_statuses[];
extern const struct field run_command_output[], read_output_output[];

#endif
