/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_COMMAND_PARTS_H
#define SALLYPORT_SERVER_COMMAND_PARTS_H

/* What the files command*.c and sandbox*.c share (caller.h and sandboxes.h are for everybody else). */

#include "protocol/buffer.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/sandboxes.h"

/*
 *   WAITING   the sandbox is being built, or as many commands run as may
 *   RUNNING   the request went through the door
 *   KILLED    we asked for its end (deadline, cancel) and wait for the report
 *   ORPHANED  its nanny is gone without a report; the keeper kills what is left and says so
 */
enum command_state { COMMAND_WAITING, COMMAND_RUNNING, COMMAND_KILLED, COMMAND_ORPHANED };

struct command_pipe {
	struct loop_source source;
	struct command *command;
	int stream;
};

struct command {
	struct sandboxes *sandboxes;
	struct caller *caller;
	struct sandbox *sandbox; /* NULL while it waits */
	struct call *call;
	struct command *next, **link; /* in caller->waiting or sandbox->running */
	enum command_state state;
	bool look; /* a question of a tool's (TOOL_LOOK): its output is the answer */
	bool timed_out;
	bool swept; /* the keeper has said that nothing of it is left */
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
	uint64_t killed_before; /* sandbox_killed_for_memory() when it began */
};

struct sandbox {
	struct supervised supervised; /* first: callbacks come with it */
	struct sandboxes *sandboxes;
	struct caller *caller;        /* NULL: it takes no command any more */
	struct sandbox *sibling;      /* in caller->open */
	struct sandbox *next, **link; /* in sandboxes->all */
	struct loop_source door;      /* -1 until it has started */
	int events;                   /* memory.events of its group (sandbox/memory_events.h); -1: none */
	struct command *running;
	unsigned running_count;
	unsigned deaths;       /* of nannies at the door that no command has been lost by yet */
	unsigned taken, heard; /* commands that went in; words of the keeper's about commands long over */
	uint64_t used;         /* when its last command ended */
	struct loop_timer idle;
};

struct sandboxes {
	struct loop *loop;
	struct supervisor *supervisor;
	const struct tool_context *context;
	struct sandbox *all;
	struct caller *starved; /* first in, first out */
	unsigned count, callers;
	unsigned running_count; /* commands in all of them */
	bool serving;           /* in sandboxes_serve() */
	unsigned files;         /* descriptors that sandboxes and commands may have together */
	struct buffer frame;    /* for what nannies and keepers send */
};

/* ---- command.c: one command ---- */

void command_enlist(struct command *command, struct command **list);
void command_delist(struct command *command);
/* Releases everything; the call must have been answered or be gone. */
void command_free(struct command *command);
/* Answers with an error; command_free() is to follow. */
void command_refuse(struct command *command, const char *text);
/* Its whole sandbox is gone without a report. Answers and frees. */
void command_lost(struct command *command, bool gone);
/* The keeper says that its nanny is dead and nothing of it is left. May free it. */
void command_swept(struct command *command);
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
int command_connect(struct command *command, int door);
/* After the report nothing of it can write any more: takes all that its pipes still hold. */
void command_drain(struct command *command);
void command_disconnect(struct command *command);

/* ---- sandbox.c: one sandbox ---- */

/* Asks for one for `caller`, in whose list it then is; should it fail at once, the caller's commands have
 * been refused when this returns. 0 or -ENOMEM. */
int sandbox_start(struct caller *caller);
/* It takes no command any more and is killed; what runs in it is lost when it is dead. */
void sandbox_end(struct sandbox *sandbox);
/* Frees it with its commands, when nothing is served any more. */
void sandbox_discard(struct sandbox *sandbox);
/* Sends one waiting command through the door. 0, -EAGAIN when the door is full, or another -errno. */
int sandbox_take(struct sandbox *sandbox, struct command *command);
/* Processes in it that the kernel has killed for want of memory, as far as there is a group that counts. */
uint64_t sandbox_killed_for_memory(const struct sandbox *sandbox);
/* A command has ended in it. */
void sandbox_rested(struct sandbox *sandbox);

/* ---- sandboxes.c: all of them ---- */

/* Sends what waits, as far as bounds and doors allow, and asks for the sandboxes that are missing. */
void caller_serve(struct caller *caller);
/* Something ended: those who waited for that go first. */
void sandboxes_serve(struct sandboxes *sandboxes);

#endif
