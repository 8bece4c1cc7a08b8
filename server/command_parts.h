/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_COMMAND_PARTS_H
#define SALLYPORT_SERVER_COMMAND_PARTS_H

/* What the files command*.c and sandbox*.c share (caller.h and sandboxes.h are for everybody else). */

#include "protocol/buffer.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/inside.h"
#include "server/sandboxes.h"
#include "tools/command/log.h"

/*
 *   WAITING   the sandbox is being built, or as many commands run as may
 *   RUNNING   the request went through the door
 *   KILLED    we asked for its end (deadline, cancel, stop_command) and wait for the report
 *   ORPHANED  its nanny is gone without a report; the keeper kills what is left and says so
 *   REPORTED  nothing of it is alive; the file for what it has written is on its way
 *   ENDED     and all that it has written was taken; its handle is kept for who wants to read
 */
enum command_state {
	COMMAND_WAITING,
	COMMAND_RUNNING,
	COMMAND_KILLED,
	COMMAND_ORPHANED,
	COMMAND_REPORTED,
	COMMAND_ENDED
};

/* What a call waits for: the end, or new output and then a quiet moment. */
enum listen_for { LISTEN_END, LISTEN_OUTPUT };

/* The one call that is answered next. A command needs none to go on. */
struct listener {
	struct call *call; /* NULL: nobody listens */
	enum listen_for what;
	bool reading;    /* it is told the log from `since` on, else the windows of the call that began */
	uint64_t since;  /* cursor */
	size_t most;     /* bytes it takes */
	uint64_t until;  /* when it is answered, if the command has not ended */
	uint64_t latest; /* LISTEN_OUTPUT: how far that may move while more comes */
	bool asked;      /* what the command waits for: the answer is told with it */
};

#define HANDLE_ID_BYTES (LIMIT_INSTANCE_BYTES + 1 + 2 * LIMIT_HANDLE_BYTES)

/* What a caller knows a command by, once it needs to. */
struct handle {
	char id[HANDLE_ID_BYTES + 1]; /* [INSTANCE.]RANDOM; "": it has none */
	char *line;                   /* the command, cut, for list_commands */
	uint64_t read_to;             /* cursor: where the last read ended */
	bool cut; /* the call that began it was told less, and nobody has read on to the end */
	struct command *next, **link; /* in caller->handles */
};

struct command_pipe {
	struct loop_source source;
	struct command *command;
	int stream;
	int paused;       /* the descriptor while nobody reads it (no room in the log, or it rests); -1 */
	uint64_t stretch; /* when the present stretch of LIMIT_PIPE_PACE_MS began */
	size_t given;     /* bytes in it */
	struct loop_timer rest; /* set: it is not read until then, so that others have their turn */
};

struct command {
	struct sandboxes *sandboxes;
	struct caller *caller;
	struct sandbox *sandbox; /* NULL while it waits */
	struct call *begun;      /* by which it was begun, until that is answered: its cancel ends us */
	struct listener listener;
	uint32_t number;              /* in frames, to and from its nanny */
	struct command *next, **link; /* in caller->waiting, sandbox->running or caller->ended */
	enum command_state state;
	bool look; /* a question of a tool's (TOOL_LOOK): its output is the answer */
	bool timed_out;
	bool swept;                  /* the keeper has said that nothing of it is left */
	bool stopped;                /* by stop_command */
	uint32_t timeout_ms;         /* after which it is killed */
	uint64_t kill_at;            /* when that is, once it runs; 0: never */
	struct buffer request;       /* KEEPER_RUN, until it was sent */
	struct buffer input;         /* what stdin has not taken yet */
	bool has_input, keeps_input; /* the second: its stdin stays open for write_input */
	bool tty;
	uint32_t waits; /* as of the last KEEPER_STATE, and so is: */
	struct {
		uint64_t cpu_us, memory_bytes;
		uint32_t processes;
	} use;
	struct loop_source leash, stdin_pipe;
	struct command_pipe pipes[2];
	struct loop_timer timer, progress;
	struct command_output output; /* for the call that began it */
	struct command_log log;       /* all of it, for read_output */
	bool wants_file;              /* and has asked the spawner for one, */
	bool filed;                   /* who has given it, or said that there is none */
	uint64_t file_bytes;          /* what the log's file may take; of one that has ended, what it took */
	struct command_denials denials;
	struct command_outcome outcome; /* once it has ended */
	char *refusal;                  /* why it never began, for who asks later */
	struct handle handle;
	bool watched;             /* somebody has subscribed to its output (command_resources.c) */
	struct loop_timer update; /* set: there is more, and it will be told */
	uint64_t told;            /* cursor: how much there was when it was last told */
	uint64_t started, newest; /* newest: when output last came */
	uint64_t killed_before;   /* sandbox_killed_for_memory() when it began */
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
	unsigned inside_count; /* connections to what listens in it, asked for or there */
	unsigned taken, heard; /* commands and connections that went in; words of the keeper's about commands
				  long over */
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
	uint32_t commands;      /* begun so far */
	unsigned running_count; /* commands in all of them */
	bool serving;           /* in sandboxes_serve() */
	unsigned inside_count;  /* of all of them */
	struct insides insides;
	unsigned files;      /* descriptors that sandboxes and commands may have together */
	unsigned log_count;  /* files of logs */
	uint64_t log_bytes;  /* command.file_bytes of all of them */
	uint64_t called;     /* when a call last came in */
	uint64_t denials;    /* told of commands so far */
	struct buffer frame; /* for what nannies and keepers send */
};

/* ---- command.c: the life of one command ---- */

void command_enlist(struct command *command, struct command **list);
void command_delist(struct command *command);
/* One that has ended was just read: from now on its output is kept as long as policy has it. */
void command_keep(struct command *command);
/* Releases everything, the call that listens too: it must have been answered or be gone. */
void command_free(struct command *command);
/* Nothing is known of how it ended, or it never began: `text` is told now, and kept for who asks by its
 * handle. Frees it unless it is kept. */
void command_refuse(struct command *command, const char *text);
/* The same, when no sandbox could be had. */
void command_unconfined(struct command *command, const struct supervisor_failure *failure);
/* Its whole sandbox is gone without a report. May free it. */
void command_lost(struct command *command, bool gone);
/* It has ended: `outcome` holds what is known now of how; the rest is added by command_settle, at once or
 * when there is room for what it has written. May free it. */
void command_report(struct command *command, const struct command_outcome *outcome);
void command_settle(struct command *command);
/* Its nanny is gone. The keeper kills what it had and says when nothing is left. May free it. */
void command_orphan(struct command *command);
/* The keeper says that its nanny is dead and nothing of it is left. May free it. */
void command_swept(struct command *command);
/*
 * A rule refused something to the command while it runs: told with its result, bounded and folded. Whoever
 * hears of it calls this: the keeper's frames on the leash do, and for the network whoever has the broker's.
 */
void command_denied(struct command *command, const struct denial *denial);
/* Sends it a signal, and kills all of it if it has not ended a little later. */
void command_stop(struct command *command, int number);
/* Asks what it waits for; command_take_state() hears it. */
void command_ask_state(struct command *command);
/* Kills all of it; it ends a little later. One that has not begun is freed. */
void command_kill(struct command *command);
/* Sets its timer to what comes first: its deadline, or its listener's. */
int command_schedule(struct command *command);

/* ---- command_leash.c ---- */

/* A frame on the leash, or its end. */
void command_heard(struct loop_source *leash, uint32_t events);

/* ---- command_listen.c: who waits for it ---- */

/* Its call listens from now on, or is answered at once if there is nothing to wait for; who listened before
 * is answered with what there is. 0 or -ENOMEM. */
int command_listen(struct command *command, const struct listener *listener);
/* Answers who listens, if anybody does, with what there is. */
void command_answer(struct command *command);
/* The same, but first asks the command what it waits for, if it can be asked. */
void command_tell(struct command *command);
/* Output has come. */
void command_said(struct command *command);
/* KEEPER_STATE: who listens for output need not wait longer if it waits for input. 0 or -EPROTO. */
int command_take_state(struct command *command, const struct frame_header *header);
/* What is known of it now; what of its output is told is the caller's business. */
void command_describe(const struct command *command, struct command_outcome *outcome);
/* Puts at most `most` bytes of its log, from cursor `since` on, into `output`, cut where a reader should
 * stop, and notes in `outcome` what they are. Moves no cursor of the command's. */
void command_read_log(struct command *command, uint64_t since, size_t most, struct command_outcome *outcome,
		      struct command_output *output);
void command_tell_progress(struct loop_timer *timer);

/* ---- command_handles.c ---- */

/* Notes what list_commands shows. 0, -ENOMEM, or -EBUSY with a sentence: too many run that have handles. */
int handle_name(struct command *command, const struct run_command_arguments *arguments, struct err *err);
/* Gives it one, if it has none. Without randomness it stays without. */
void handle_give(struct command *command);
void handle_forget(struct command *command);
/* The caller's command of this id, or NULL. */
struct command *handle_find(const struct caller *caller, const char *id);
/* Takes the log's file from the one of those that have ended that is missed least; of its output the newest
 * stays. False: none has one. */
bool handles_yield_file(struct caller *caller);
/* All it wrote was read. */
bool handle_is_read(const struct command *command);

/* ---- command_list.c ---- */

/* The tool list_commands; answers `call`, perhaps a little later. */
void command_list(struct caller *caller, struct call *call);
/* One of the caller's commands has told what it uses, or ended. */
void listings_hear(struct caller *caller);

/* ---- command_resources.c: only while it is `watched` ---- */

/* Output may have come: if so it is told a little later, with whatever comes till then. */
void command_update(struct command *command);
/* It has ended: told now, once, and nothing after it. */
void command_update_end(struct command *command);
/* Its handle is about to go. */
void command_update_forget(struct command *command);

/* ---- command_pipes.c: the descriptors of one command ---- */

void command_pipes_init(struct command *command);
/* Makes pipes and leash and sends the request through the door. 0, -EAGAIN when the door is full, or another
 * -errno; then nothing was started and nothing is kept. */
int command_connect(struct command *command, int door);
/* The spawner has given a file for its log, or (-1) has none: goes on reading. */
void command_filed(struct command *command, int fd);
/* After the report nothing of it can write any more. Takes what its pipes still hold, as far as there is room
 * for it; true: that was all, false: the file for it is on its way. */
bool command_take_rest(struct command *command);
/* The same with whatever room there is. */
void command_drain(struct command *command);
/* Nothing is added to its log any more, or it is not kept: what its file may take besides is others'. */
void command_settle_file(struct command *command);
void command_disconnect(struct command *command);
/* More for its stdin, and then its end if `close`. -EPIPE: it has none that is open, or -ENOMEM. */
int command_feed(struct command *command, const struct buffer *bytes, bool close);

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

/* When it is the turn of one that waits, 1 being next: behind its caller's others, and one of each caller
 * that waits longer for the same. */
unsigned command_place(const struct command *command);
/* Sends what waits, as far as bounds and doors allow, and asks for the sandboxes that are missing. */
void caller_serve(struct caller *caller);
/* Whether one more log may have a file of so many bytes. */
bool sandboxes_may_log(const struct sandboxes *sandboxes, uint64_t bytes);
/* Whether descriptors suffice for one more connection into a sandbox. */
bool sandboxes_may_connect(const struct sandboxes *sandboxes);
/* Something ended: those who waited for that go first. */
void sandboxes_serve(struct sandboxes *sandboxes);

#endif
