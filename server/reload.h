/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_RELOAD_H
#define SALLYPORT_SERVER_RELOAD_H

/*
 * SIGHUP: files of secrets are read again while we serve. The frontend is sealed and opens nothing, so the
 * opener does that (opener.h). If anything is wrong with any of them, all that was read before stays in
 * force. A terminal that goes sends the same signal: then it is the end.
 */

#include "protocol/error.h"
#include "server/loop.h"
#include "server/secrets.h"

struct reload_host {
	void *context;
	void (*begin)(void *context); /* it was asked for */
	/* What is to be in force from now on; may take from `fresh` what it keeps. 0, or -errno with a
	 * sentence. */
	int (*apply)(void *context, struct secrets *fresh, struct err *err);
	void (*done)(void *context); /* all is in force, or all that was before */
	void (*end)(void *context);  /* the terminal has gone */
};

struct reload {
	struct loop *loop;
	struct reload_host host;
	const char *paths[SECRETS_FILES]; /* borrowed from options */
	struct loop_source signals;       /* a signalfd */
	struct loop_source opener;        /* fd -1: there are no files, or it is gone */
	int terminal;                     /* -1: none */
};

/* Before anything is started: from here on SIGHUP ends nothing, also in what is forked. Forks the opener, if
 * a file is named: *opener is its socket for reload_init(), or -1. 0 or -errno. */
int reload_prepare(struct reload *reload, const struct options *options, int *opener, struct err *err);
/* `opener` is taken over. 0 or -errno. */
int reload_init(struct reload *reload, struct loop *loop, const struct reload_host *host, int opener,
		struct err *err);
void reload_deinit(struct reload *reload);

#endif
