/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CALLER_H
#define SALLYPORT_SERVER_CALLER_H

/*
 * One who calls: a host at the other end of a connection. Commands of one caller share a sandbox (or have one
 * each, sandbox.lifetime "call"); two callers share nothing. Over stdio there is one; whoever serves many
 * makes one for each and ends it with its connection.
 *
 * Commands (sandbox/keeper/wire.h): the frontend makes the pipes, sends the request through the sandbox's
 * door, reads the output, and kills by the leash. A command is done when its nanny has reported that nothing
 * of it is alive; a nanny that does not report in time loses its whole sandbox.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/command/run_command.h"

struct call;
struct command;
struct listing;
struct mcp_caller;
struct sandbox;
struct sandboxes;

struct caller {
	struct sandboxes *sandboxes;
	struct mcp_caller *mcp;  /* who hears of its resources (resources.h) */
	uint32_t number;         /* how the spawner knows it */
	struct command *waiting; /* no sandbox has taken them yet */
	struct command *ended;   /* those whose handles are kept */
	struct command *handles; /* all that have one, the newest first */
	unsigned handle_count;
	unsigned running_count;   /* commands, in all its sandboxes */
	struct listing *listings; /* calls of list_commands that wait for numbers */
	struct sandbox *open;     /* its sandboxes that still take commands, linked by `sibling` */
	bool wants_spare;         /* lifetime "call": one more than is needed is kept ready */
	bool starved;             /* in sandboxes->starved: it waits for others to end */
	struct caller *next;      /* there */
	unsigned web_epoch;       /* 1 + that of the newest web executor that it asked something; 0: none */
};

void caller_init(struct caller *caller, struct sandboxes *sandboxes);
/* Its sandboxes end; it must have no command any more (calls that were cancelled may still be dying). */
void caller_deinit(struct caller *caller);

/* Begins a command for `call`; `arguments` are those of run_command and are not needed afterwards. */
void command_begin(struct caller *caller, struct call *call, const struct run_command_arguments *arguments);
/* The same for a tool of the route TOOL_LOOK: nothing is run, the sandbox is asked. */
void command_look(struct caller *caller, struct call *call, const void *arguments);
/* A tool of the route TOOL_HANDLE: about a command that `caller` has a handle of. */
void command_handle(struct caller *caller, struct call *call, const void *arguments);
/* The call of list_commands was cancelled: frees the listing. */
void listing_end(struct listing *listing);
/* The call was cancelled. The command goes on, unless it was begun by it: then it is killed, and the call is
 * released when nothing of it is alive. */
void command_unlisten(struct command *command, struct call *call);

#endif
