/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SPAWNER_SETUP_H
#define SALLYPORT_SANDBOX_SPAWNER_SETUP_H

/*
 * Between the spawner and a child that is becoming an executor: fixed descriptors and the frames on the setup
 * socket. The child runs our own program and has read nothing hostile yet; once it says SETUP_READY the
 * spawner never listens to it again.
 */

#include <stdint.h>
#include <sys/types.h>

#include "protocol/buffer.h"

/* Descriptors of the spawner. 0 and 1 are /dev/null, 2 the host's stderr. */
#define SPAWNER_SOCKET 3 /* to the frontend (wire.h) */
#define SPAWNER_PLAN   4 /* the sealed plan */
#define SPAWNER_SECRETS                                                                                      \
	5 /* those of network.inject, sealed, or /dev/null: for web executors alone (tools/web/inject.h) */

/* Descriptors of a child that becomes an executor. 0 and 1 are /dev/null, 2 the host's stderr. */
#define SETUP_SOCKET  3 /* to the spawner */
#define SETUP_PLAN    4 /* the sealed plan */
#define SETUP_CHANNEL 5 /* the executor's own, as many as its kind has (sandbox/executor.h) */

enum setup_frame {
	/* spawner -> child */
	SETUP_IDENTITY = 1, /* first; as an ordinary user also: the id maps are written. Payload: u32
			     * confinement (enum confinement: what it is to be built with), u32 privileged
			     * (started by root: the user namespace is still to come), u32 uid, u32 gid: who
			     * it must be in the kernel's eyes; u64 memory that a sandbox may use (0: none of
			     * its business), u32 1 when a group of cgroup v2 sees to that; text: where its
			     * private directories are, or "" */
	SETUP_MAPPED = 2,   /* answer to UNSHARED. value: 0 or errno */
	SETUP_IDMAP = 3, /* answer to WANT_IDMAP. value: 0 and one descriptor, a user namespace; or errno */

	/* child -> spawner */
	SETUP_UNSHARED = 16, /* it has entered a user namespace of its own: write the id maps */
	SETUP_WANT_IDMAP =
		17,       /* a user namespace for a mount that shows files of u32 uid, u32 gid as its own */
	SETUP_READY = 18, /* every layer stands */
	SETUP_LISTENING = 20, /* descriptors: sockets that listen inside, for the broker (sandbox/egress);
			       * before READY, in as many frames as it takes */
	SETUP_FAILED = 19,    /* value: errno, payload: text layer, text step, text detail; the child exits */
};

/*
 * Moves descriptors to 0, 1, 2, ... in the order given (values may repeat, overlap, or be in place already)
 * and closes all others. Those placed from 3 on are CLOEXEC until the caller clears it. 0 or -errno.
 */
int descriptors_place(const int *from, size_t count);

/* What executors get as environment: nothing of the host's, which may hold keys. */
extern const char *const executor_environment[];

#endif
