/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SPAWNER_SPARE_H
#define SALLYPORT_SANDBOX_SPAWNER_SPARE_H

/*
 * The spare. The frontend seals itself before it reads its first byte and can never start a process again,
 * yet a spawner that dies must be replaced. So there is always one process that waits: forked by the frontend
 * before it seals itself, it does nothing but wait on a socket. When told to go, it first forks the next
 * spare and passes that one's socket to the frontend, and then becomes the spawner by fexecve. If a spare
 * dies, the spawner makes a new one. Any one of the two may die.
 *
 * A spare ends when the frontend does: by end of file on its socket, and by the kernel's hand, since spares
 * and spawners are all children of the frontend and die with it (PR_SET_PDEATHSIG).
 */

#include <limits.h>

#include "protocol/error.h"
#include "sandbox/plan.h"

enum spare_frame {
	SPARE_GO = 1,    /* frontend -> spare: become the spawner */
	SPARE_NEXT = 2,  /* spare -> frontend: descriptor: the next spare's socket */
	SPARE_FAILED = 3 /* spare -> frontend: value: errno; it could not become the spawner and has ended */
};

/*
 * Forks the first spare. `plan` is inherited by the fork and serialised only when it goes, `secrets` (sealed,
 * for web executors; -1: none) is inherited and stays the caller's. Returns the
 * frontend's socket (CLOEXEC, SOCK_SEQPACKET, non-blocking) or -errno. Everything the child does not need is
 * closed in it (stdin and stdout above all: a host that waits for end of file must not wait for it).
 * `complete`, if not NULL, is called in the spare when it goes, on its own copy of the plan, before that is
 * serialised: for what would cost the frontend's start too much. The caller ignores SIGCHLD or reaps: spares
 * and spawners are its children, and nothing is learnt from how they end that the end of file on their
 * sockets does not say. Raises the soft limit on open files to the hard one, for this process and all that
 * follow.
 */
int spare_start(const struct plan *plan, int secrets, int (*complete)(struct plan *plan), struct err *err);

/* In the spawner: makes a spare that waits with the plan's memfd and the secrets; returns the socket to pass
 * on, or -errno.
 */
int spare_fork(int plan_memfd, int secrets, struct err *err);

/*
 * One function finds a program of ours, installed (libexec/sallyport beside bin) or in a build folder (side
 * by side), and yields a descriptor for fexecve, or -errno. `name` as "sallyport-spawner". Which of the two
 * it is tells the directory's name; there is no second try.
 */
int program_open(const char *name, struct err *err);
/* Is `directory` one that has its programs in PROGRAM_LIBEXEC? */
bool program_installed(const char *directory);
#define PROGRAM_LIBEXEC "../libexec/sallyport"
/* Those that the frontend (sallyport) needs; ends with NULL. */
extern const char *const program_names[];
/* The folder of the running program, without a slash at its end; room for PATH_MAX. 0 or -errno. */
int program_directory(char *directory, struct err *err);

#endif
