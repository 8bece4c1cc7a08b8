/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_LAYER_H
#define SALLYPORT_SANDBOX_LAYERS_LAYER_H

/*
 * What the layers share. Each acts on the calling process, which is single-threaded, and returns 0 or -errno
 * with the failing step named; sandbox/build.c calls them in the one order that works.
 */

#include "sandbox/executor.h"
#include "sandbox/profile.h"

struct layer_failure {
	const char *step; /* the system call or the word for what was tried; static text */
	char detail[256]; /* on what: a path, a name; may be empty */
};

/* Notes the step and returns -errno as it stands. */
int layer_failed(struct layer_failure *failure, const char *step, const char *detail);

struct layer_context {
	const struct profile *profile;
	struct executor *executor;
	struct layer_failure failure;
};

/* Parent-death signal, with the race closed: fails when the spawner is gone already. Call again after a
 * change of identity, which clears it. */
int layer_parent(struct layer_context *context);
/* Signals at their defaults, none blocked; a session of its own; umask. */
int layer_session(struct layer_context *context);
/* lo up in a network namespace of its own; where the policy lets commands reach something, also the addresses
 * and listening sockets that lead to the broker (network.c). */
int layer_network(struct layer_context *context);
/* Without such a namespace, where the policy lets commands reach something: what listens for the broker on
 * the machine's loopback, and the channel on which connections are asked for (reach.c). */
int layer_reach(struct layer_context *context);
/* The view of the file system; leaves the process at its new root. */
int layer_mounts(struct layer_context *context);
/* Without mounts: a descriptor of each workspace (executor.h). */
int layer_workspaces(struct layer_context *context);
/* As root: a user namespace of its own, with maps by the spawner. As anybody it was made with the others. */
int layer_namespaces(struct layer_context *context);
/* As root: groups, gid, uid. As anybody: no capability is left. */
int layer_identity(struct layer_context *context);
int layer_descriptors(struct layer_context *context);
int layer_resources(struct layer_context *context);
int layer_landlock(struct layer_context *context);
/* no_new_privs, not dumpable. */
int layer_privileges(struct layer_context *context);
/* Filters for what the Landlock of this kernel cannot say; needs no mounts to cover it. */
int layer_gaps(struct layer_context *context);
int layer_filter(struct layer_context *context);

/* The first ABI of Landlock that keeps signals in. */
#define LANDLOCK_ABI_SIGNALS 6
/* The ABI of this kernel's Landlock, or -errno. */
int landlock_abi(void);

/* A request to the spawner on the setup socket (spawner/setup.h); the answer's value as -errno, its
 * descriptor if `fd` is not NULL. */
int setup_ask(uint16_t request, uint32_t uid, uint32_t gid, uint16_t answer, int *fd);

#endif
