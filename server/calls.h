/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CALLS_H
#define SALLYPORT_SERVER_CALLS_H

/*
 * Calls in flight: from the accepted tools/call to its one answer. Arguments are decoded by the tool's field
 * table, the work goes the tool's route, replies become the result, and a deadline sees to it that every call
 * answers within --answer-within. A call that was answered early (deadline, cancel) keeps its number until
 * its executor has said its last word about it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/mcp.h"
#include "server/channel.h"
#include "server/downloads.h"
#include "server/file_watches.h"
#include "server/loop.h"
#include "server/metrics.h"
#include "tools/tool.h"

struct caller;
struct command;
struct listing;
struct sandboxes;

struct call {
	struct calls *calls;
	struct caller *caller;
	struct mcp_call *mcp; /* NULL: answered or cancelled, the executor still owes its last frame */
	const struct tool *tool;
	struct channel *channel;    /* FILES, SEARCH, WEB */
	unsigned epoch;             /* of the channel's executor that was asked */
	struct command *command;    /* COMMAND, HANDLE: to which it listens */
	struct listing *listing;    /* list_commands, while it asks */
	struct download *download;  /* DOWNLOAD: to which it listens, */
	struct call *next_listener; /* beside others */
	uint32_t number;
	uint64_t begun;              /* nanoseconds */
	struct loop_timer deadline;  /* of the answer; once detached, of the executor's last word */
	uint64_t told;               /* when progress was last passed on */
	struct tool_context context; /* with its client's patience */
	struct tool_result result;
	struct buffer meta;
	struct buffer facts; /* pieces of RESULT */
	bool counted;        /* in the metrics */
};

struct calls {
	struct loop *loop;
	struct tool_context context; /* answer_within_ms: of a client that does not say who it is */
	struct channel files, search, web;
	struct file_watches watches;
	struct downloads downloads;
	struct metrics metrics;
	struct sandboxes *sandboxes;
	struct call *slots[LIMIT_CALLS_IN_FLIGHT];
	uint16_t free_slots[LIMIT_CALLS_IN_FLIGHT]; /* given back */
	unsigned free_count, unused; /* slots from `unused` on were never taken: their pages are untouched */
	unsigned generation;
	bool confinement_missing; /* a call was refused since a layer is not to be had: exit status 3 */
};

int calls_init(struct calls *calls, struct loop *loop, struct supervisor *supervisor,
	       const struct plan *plan);
void calls_deinit(struct calls *calls);

/* mcp_host.call and .cancel. Commands run in the caller's own sandbox. */
void calls_begin(struct calls *calls, struct caller *caller, struct mcp_call *mcp, const char *name,
		 const cJSON *arguments);
/* The same by a tool that need not be in the table. */
void calls_begin_as(struct calls *calls, struct caller *caller, struct mcp_call *mcp, const struct tool *tool,
		    const cJSON *arguments);
void calls_cancel(struct calls *calls, struct mcp_call *mcp);

/* Cancels everything in flight without an answer (the host is gone). */
void calls_abandon(struct calls *calls);

/* The call of this number, NULL when there is none. */
struct call *calls_find(struct calls *calls, uint32_t number);
/* Nobody waits for this call any more (it was answered early, or cancelled); its executor is told, and owes
 * one last frame within LIMIT_LAST_WORD_MS. The call may be released by this. */
void call_detach(struct call *call);
/* The call ends here, with or without its answer having been sent; the number is free again. */
void call_release(struct call *call);
/* An executor could not be had: the answer says which layer, why, and the remedy. */
void call_refuse(struct call *call, const char *what, const struct supervisor_failure *failure);

/* What an answer says of the processes of something that was killed: that none is alive, or that the kernel
 * has not ended them yet. */
const char *call_remains(bool gone);

#endif
