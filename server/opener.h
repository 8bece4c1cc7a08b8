/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_OPENER_H
#define SALLYPORT_SERVER_OPENER_H

/*
 * The opener: a process that opens files of secrets again for a frontend that is sealed. It is forked before
 * the seal, knows their paths and takes no others, and does nothing until it is asked: then it opens each
 * anew, by its path, and hands the descriptors over. It reads nothing itself. Its own filter lets it open for
 * reading, and pass on. It ends when the frontend does.
 */

#include "protocol/error.h"
#include "server/secrets.h"

enum opener_frame {
	OPENER_GO = 1,    /* frontend -> opener */
	OPENER_FILES = 2, /* opener -> frontend: SECRETS_FILES times u32 errno, and a descriptor for each 0 */
};

/* Forks it. Returns the frontend's socket (CLOEXEC, non-blocking) or -errno. Whoever calls ignores SIGCHLD.
 */
int opener_start(const char *const paths[SECRETS_FILES], struct err *err);
/* Asks it to open them. 0 or -errno (-EPIPE: it is gone; -EAGAIN: it has not done yet what it was asked). */
int opener_ask(int socket);
/* What it hands over, as of secrets_open(). 0, -EAGAIN, or another -errno: nothing more will come. */
int opener_take(int socket, int files[SECRETS_FILES]);

#endif
