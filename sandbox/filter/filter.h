/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_FILTER_FILTER_H
#define SALLYPORT_SANDBOX_FILTER_FILTER_H

/*
 * The seccomp filters, made at build time from the tables in this folder (command.c, programs.c, frontends.c:
 * read those to know who may do what). A call that a program of ours may not make ends it (SIGSYS).
 */

#include <linux/filter.h>

enum filter_name {
	FILTER_COMMAND,
	FILTER_FRONTEND,
	FILTER_HTTP,
	FILTER_OPENER,
	FILTER_FILES,
	FILTER_SEARCH,
	FILTER_WEB,
	FILTER_BROKER,
	FILTER_SPAWNER,
	FILTER_CONTAINER,
	FILTER_CONTAINER_NETWORK, /* the same where the broker connects for commands */
	FILTER_GAP_TRUNCATE,      /* on top of these two, where Landlock is too old (layers/gaps.c) */
	FILTER_GAP_SIGNALS,
	/* of nannies and their commands, on top of FILTER_COMMAND: one of these */
	FILTER_NANNY,      /* nothing is asked of the keeper */
	FILTER_NOTIFY,     /* what makes names or writes is */
	FILTER_NOTIFY_ALL, /* what reads is as well: something is hidden */
	/* the same, and signals: where Landlock is too old to keep them in */
	FILTER_NOTIFY_SIGNALS,
	FILTER_NOTIFY_ALL_SIGNALS,
	/* under FILTER_CONTAINER_NETWORK: the same four in their order, and what connects */
	FILTER_NOTIFY_CONNECT,
	FILTER_NOTIFY_ALL_CONNECT,
	FILTER_NOTIFY_SIGNALS_CONNECT,
	FILTER_NOTIFY_ALL_SIGNALS_CONNECT
};

#define FILTER_COUNT (FILTER_NOTIFY_ALL_SIGNALS_CONNECT + 1)

struct filter_program {
	const struct sock_filter *code;
	unsigned short length;
};

extern const struct filter_program filter_programs[FILTER_COUNT];

/* Puts the calling, single-threaded process under the filter for good. no_new_privs must be set. 0 or -errno.
 */
int filter_apply(enum filter_name name);
/* The same for a filter that asks somebody (sandbox/notify/): returns the listener, CLOEXEC. `flags`: further
 * SECCOMP_FILTER_FLAG_*. -EBUSY: whoever confined us listens already, and the kernel permits only one. */
int filter_listen(enum filter_name name, unsigned flags);

#endif
