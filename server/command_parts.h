/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_COMMAND_PARTS_H
#define SALLYPORT_SERVER_COMMAND_PARTS_H

/* What the files command*.c share (command.h is for everybody else). */

#include "protocol/buffer.h"
#include "server/calls.h"
#include "server/command.h"

/*
 *   WAITING   the sandbox is being built, or as many commands run as may
 *   RUNNING   the request went through the door
 *   KILLED    we asked for its end (deadline, cancel) and wait for the report
 */
enum command_state { COMMAND_WAITING, COMMAND_RUNNING, COMMAND_KILLED };

struct command_pipe {
	struct loop_source source;
	struct command *command;
	int stream;
};

struct command {
	struct commands *commands;
	struct call *call;
	struct command *next, **link; /* in commands->waiting or ->running */
	enum command_state state;
	bool timed_out;
	uint32_t patience_ms;
	struct buffer request; /* KEEPER_RUN, until it was sent */
	struct buffer input;   /* what stdin has not taken yet */
	bool has_input;
	struct loop_source leash, stdin_pipe;
	struct command_pipe pipes[2];
	struct loop_timer timer, progress;
	struct command_output output;
	struct command_denials denials;
	uint64_t started;
};

struct commands {
	struct supervised sandbox; /* first: callbacks come with it */
	struct loop *loop;
	struct supervisor *supervisor;
	const struct tool_context *context;
	struct loop_source door;
	struct command *waiting, *running;
	unsigned running_count;
	unsigned at_once; /* how many may run: LIMIT_COMMANDS_AT_ONCE, or what our descriptors suffice for */
	struct buffer frame; /* for what nannies send */
};

/* ---- command.c: one command ---- */

void command_enlist(struct command *command, struct command **list);
void command_delist(struct command *command);
/* Releases everything; the call must have been answered or be gone. */
void command_free(struct command *command);
/* Answers with an error; command_free() is to follow. */
void command_refuse(struct command *command, const char *text);
/* Its nanny, or the whole sandbox, is gone without a report. Answers and frees. */
void command_lost(struct command *command);
/*
 * A rule refused something to the command while it runs: told with its result, bounded and folded. Whoever
 * hears of it calls this: the keeper's frames on the leash do, and for the network whoever has the broker's.
 */
void command_denied(struct command *command, const struct denial *denial);
/* A frame on the leash, or its end. */
void command_heard(struct loop_source *leash, uint32_t events);

/* ---- command_pipes.c: the descriptors of one command ---- */

void command_pipes_init(struct command *command);
/* Makes pipes and leash and sends the request through the door. 0, -EAGAIN when the door is full, or another
 * -errno; then nothing was started and nothing is kept. */
int command_connect(struct command *command);
/* After the report nothing of it can write any more: takes all that its pipes still hold. */
void command_drain(struct command *command);
void command_disconnect(struct command *command);

/* ---- command_sandbox.c: all commands of a caller ---- */

/* Sends what waits, as far as the bound and the door allow. */
void commands_send_waiting(struct commands *commands);

#endif
