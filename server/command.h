/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_COMMAND_H
#define SALLYPORT_SERVER_COMMAND_H

/*
 * Commands in the caller's sandbox (sandbox/keeper/wire.h): the frontend makes the pipes, sends the request
 * through the door, reads the output, and kills by the leash. A command is done when its nanny has reported
 * that nothing of it is alive; a nanny that does not report in time loses its whole sandbox.
 */

#include "server/loop.h"
#include "server/supervisor.h"
#include "tools/command/run_command.h"

struct call;
struct command;
struct commands;

int commands_new(struct commands **commands, struct loop *loop, struct supervisor *supervisor,
		 const struct tool_context *context);
void commands_free(struct commands *commands);

/* Begins one for `call`; `arguments` are those of run_command and are not needed afterwards. */
void command_begin(struct commands *commands, struct call *call,
		   const struct run_command_arguments *arguments);
/* Something of this caller's was refused, and by whose hand is not known (the network): told with every
 * command that runs now. */
void commands_denied(struct commands *commands, const struct denial *denial);
/* The call was cancelled: kills the command; the call is released when nothing of it is alive. */
void command_abandon(struct command *command);

#endif
