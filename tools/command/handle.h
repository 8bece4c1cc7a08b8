/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_COMMAND_HANDLE_H
#define SALLYPORT_TOOLS_COMMAND_HANDLE_H

/*
 * The tools that act on a command that has a handle: read_output, write_input, stop_command and
 * list_commands. Their descriptors, and what they are decoded into; server/command_handles.c does it.
 */

#include "tools/tool.h"

/* tool.operation of the route TOOL_HANDLE */
enum handle_operation { HANDLE_READ = 1, HANDLE_WRITE, HANDLE_STOP, HANDLE_LIST };

struct handle_arguments {
	const char *id;  /* all but list */
	int64_t since;   /* a cursor; -1: where the last read ended */
	int64_t wait_ms; /* -1: as long as an answer may take */
	int64_t max_bytes;
	const char *text;          /* write: what goes into its stdin, */
	struct field_strings keys; /* then these (keys.h), */
	bool close;                /* and then the end of it */
	const char *signal;        /* stop: NULL for TERM */
};

extern const struct tool read_output_tool, write_input_tool, stop_command_tool, list_commands_tool;

/* The number of a signal as stop_command takes it ("TERM", "SIGINT", "9"); -1: there is none. */
int handle_signal(const char *name);

/* One line of list_commands. */
struct handle_line {
	const char *id, *command, *state; /* "running", "exited", ...: run_command's status */
	uint64_t age_ns, unread_bytes;
	uint64_t cpu_us;       /* so far */
	uint64_t memory_bytes; /* resident, of all its processes; 0: none run, or it is not known */
	uint32_t processes;
};

/* Writes the result; the caller finishes it. 0 or -errno. */
int list_commands_write(struct tool_result *result, const struct handle_line *lines, unsigned count);

#endif
