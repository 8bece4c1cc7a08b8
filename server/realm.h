/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_REALM_H
#define SALLYPORT_SERVER_REALM_H

/*
 * What one policy governs: a spawner with its sandboxes and executors, and the calls that they serve. A
 * server has one; over HTTP tokens may have policies of their own, and callers of two realms share no process
 * but the frontend.
 */

#include "protocol/error.h"
#include "server/calls.h"
#include "server/loop.h"
#include "server/settings.h"
#include "server/supervisor.h"

struct realm {
	struct realm *next;
	const struct settings *settings;
	int spare; /* until realm_begin() */
	struct supervisor supervisor;
	struct calls calls;
};

/* Forks the spare of its spawner, which takes the secrets that the settings hold, so it must be called with
 * one thread, while this process is still small, and before it is sealed or signals are blocked. `realm` is
 * zero and does not move. 0 or -errno. */
int realm_prepare(struct realm *realm, struct settings *settings, struct err *err);
/* 0 or -errno. */
int realm_begin(struct realm *realm, struct loop *loop, struct err *err);
void realm_deinit(struct realm *realm);

/* The two halves of a turn, before and after answers go out: executors hear of requests and are heard; they
 * may sleep. */
void realm_serve(struct realm *realm);
void realm_rest(struct realm *realm);

#endif
