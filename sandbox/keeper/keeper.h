/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_KEEPER_H
#define SALLYPORT_SANDBOX_KEEPER_KEEPER_H

/* What the keeper and its nannies share: they are one program, forked. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/layers/ask.h"
#include "sandbox/filter/filter.h"

/*
 * One page of memory between the keeper and its nannies, so that a nanny that takes a request wakes the
 * keeper only when nobody is left at the door. Commands never see it: execve takes it away.
 */
struct nursery {
	_Atomic uint8_t waiting[LIMIT_NANNIES]; /* 1 while that nanny waits at the door */
	_Atomic uint32_t call[LIMIT_NANNIES];   /* else the request that it serves */
	_Atomic uint32_t served[LIMIT_NANNIES]; /* how many it has taken */
	_Atomic uint8_t looking[LIMIT_NANNIES]; /* 1 while all it has is a child of our own program */
};

struct nanny {
	struct nursery *nursery;
	size_t slot;
	int door;       /* requests come from here */
	int kick;       /* eventfd: tells the keeper that nobody waits at the door any more */
	int supervisor; /* to the keeper, who performs what commands may not do themselves; -1: nobody does */
	enum filter_name filter; /* with or without */
	bool probe;              /* the first: the keeper tries whether it can read its commands' memory */
	uint32_t files;          /* RLIMIT_NOFILE of commands */
	const char *shell;       /* of shell lines: bash where there is one */
	/* of commands that bring none of their own: "PATH=...", and without a terminal what asks in its place
	 * (layers/ask.h) */
	const char *defaults[1 + ASK_VARIABLES + 1];
	/*
	 * Where there is no PID namespace and no view: the keeper, whose end is the nanny's; the Landlock
	 * ruleset that each command enters, -1 otherwise; and what replaces the variables of the view.
	 */
	pid_t keeper;
	int ruleset;
	const char *replaced[2], *replacing[2]; /* "HOME=...", "TMPDIR=..." */
};

/* Serves requests until the door is closed. */
_Noreturn void nanny_run(struct nanny *nanny);

/* ---- request.c ---- */

/* A decoded KEEPER_RUN. Texts point into the frame's payload, which must stay. */
struct request {
	const char *cwd;
	char **argv, **envp; /* NULL-terminated, both in `vector` */
	bool shell;
	uint16_t rows, columns; /* with a terminal */
	char **vector;
	size_t vector_size; /* pointers that it has room for */
};

/* `flags`: KEEPER_*. `defaults`: variables ("A=b"), at most 1 + ASK_VARIABLES and NULL, that the environment
 * has unless it names them; with a terminal only the first. 0, -EPROTO or -ENOMEM. `request` is reused from
 * call to call and keeps its vector. */
int request_decode(struct request *request, uint32_t flags, struct buffer *payload, const char *shell,
		   const char *const *defaults);

/* Where the environment says exactly `whole` ("A=b"), it says `by` instead, which must stay. */
void request_replace(struct request *request, const char *whole, const char *by);

/* ---- launch.c ---- */

struct launch {
	int ruleset;               /* entered by the command, with the nanny's death as its own; or -1 */
	bool look;                 /* look_answer() instead of execve */
	int input, output, errors; /* input: -1 for /dev/null */
	bool terminal;             /* all three are one, to be its controlling terminal */
	const char *step;          /* of a failure; NULL when the command runs */
	const char *target;
	int error;
};

/* Starts the command; returns its pid (also when the step after the fork failed: it is to be reaped), or
 * -errno. */
pid_t launch_command(const struct request *request, struct launch *launch);

/* ---- look.c ---- */

/* Answers a KEEPER_LOOK on stdout; `search` as in PATH. In the child of a vfork. 0 or an errno (positive). */
int look_answer(const struct request *request, const char *search);

/* ---- sweep.c ---- */

struct sweep {
	const pid_t *keep; /* children that are not to be killed: the keeper's nannies */
	size_t keep_count;
	/* Called for each child that was reaped; may be NULL. */
	void (*reaped)(void *context, pid_t pid, int status, const void *usage);
	void *context;
};

/*
 * Kills and reaps every descendant of this process, with all that falls to it meanwhile, until none is left
 * but those to be kept. 0, or -EBUSY when they come faster than they go (or cannot be listed), or another
 * -errno: then the caller must end, so that whoever is above it ends everything.
 */
int sweep_children(struct sweep *sweep);
/* Descendants of a process, parents first; while they change, some may be missing. */
struct sweep_found {
	pid_t list[LIMIT_SWEEP_PROCESSES];
	size_t count;
};

void sweep_find(pid_t process, struct sweep_found *found);
/* One round of it: kills all descendants that there are now, parents first; returns how many it found. */
size_t sweep_kill(const struct sweep *sweep);

#endif
