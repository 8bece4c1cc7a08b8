/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EXECUTOR_H
#define SALLYPORT_SANDBOX_EXECUTOR_H

/*
 * How a program of ours becomes a confined executor. The spawner starts it in namespaces of its own with
 * fixed descriptors; its main() calls, in this order,
 *
 *	executor_receive()   reads the plan. Nothing is confined yet: what the program needs from the system's
 *own files (resolv.conf, certificates) it reads between the two calls, and nothing else. executor_enter()
 *applies every layer of its profile to the calling process (sandbox/build.c has the order), tells the spawner
 *that it stands, and returns with the process sealed.
 *
 * The process must be single-threaded until executor_enter() has returned. On failure both have told the
 * spawner {layer, step, errno} already: the program just exits with status 1.
 *
 * Descriptors from the spawner; everything else above them is closed by executor_enter(). 0 and 1 are
 * /dev/null, 2 is the host's stderr (in a sandbox /dev/null), and from EXECUTOR_CHANNEL on stand the
 * executor's own:
 *
 * EXECUTOR_FILES, EXECUTOR_SEARCH: ring memfd (this side maps with first = false); a pipe that wakes this
 *executor, whose end of file is the frontend's; an eventfd that wakes the frontend; a socket whose end tells
 *the frontend of ours.
 *
 * EXECUTOR_WEB: SOCK_SEQPACKET to the frontend (tools/reply.h); SOCK_SEQPACKET to the broker; the sealed
 *secrets of network.inject (tools/web/inject.h), or /dev/null where there are none.
 *
 * EXECUTOR_BROKER: SOCK_SEQPACKET from the spawner, where each EXECUTOR_BROKER_CLIENT frame brings one
 * descriptor, the broker's end of a web executor's socket. End of file: the spawner is gone.
 *
 * EXECUTOR_SANDBOX: the door (keeper/wire.h). The spawner's socket stays open as 3: end of file there means
 * that it is gone.
 *
 * The frontend's ends are non-blocking; the executors' ends are blocking until they say otherwise.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/error.h"
#include "sandbox/confinement.h"
#include "sandbox/plan.h"

enum executor_profile { EXECUTOR_SANDBOX, EXECUTOR_FILES, EXECUTOR_SEARCH, EXECUTOR_WEB, EXECUTOR_BROKER };

#define EXECUTOR_COUNT (EXECUTOR_BROKER + 1)

#define EXECUTOR_CHANNEL       5
#define EXECUTOR_INJECT        (EXECUTOR_CHANNEL + 2) /* EXECUTOR_WEB */
#define EXECUTOR_BROKER_CLIENT 1                      /* frame type on the broker's channel */

struct executor {
	enum executor_profile profile;
	enum confinement confinement; /* what it is to be built with; after executor_enter: what it has */
	struct plan plan;
	/*
	 * EXECUTOR_FILES, EXECUTOR_SEARCH: an O_PATH descriptor of each workspace, in the plan's order: the
	 * only directories there are. -1 for a workspace that has vanished. NULL for the others, which see no
	 * file at all (the sandbox sees what docs/architecture.md says).
	 */
	int *workspaces;
	/*
	 * For a library that opens descriptors of its own when it starts (libcurl's wake-up pair): set
	 * between the two calls, those below this number stay open. 0: none but the channels.
	 */
	int keep_below;
	/*
	 * What a program adds to its own confinement once the layers stand, and before the spawner hears of
	 * it; NULL: nothing. 0 or -errno with *step named; it counts to the layer seccomp.
	 */
	int (*last)(struct executor *executor, void *context, const char **step);
	void *context;
	uint32_t uid, gid; /* who this process is in the kernel's eyes */
	uint64_t memory;   /* that all of a sandbox may use together; 0 for the others */
	bool grouped;      /* a group of cgroup v2 sees to that */
	bool privileged;   /* started by root: real privilege until the identity layer drops it */
	/* EXECUTOR_SANDBOX without mounts: holds `tmp` and `home` for its commands. NULL otherwise. */
	char *private;
	/*
	 * EXECUTOR_SANDBOX with mounts: the file that was covered for each path of plan.hide, all zero where
	 * none was, so that it is known by another name too. NULL when there was no mount to lie over any.
	 */
	struct executor_file {
		uint64_t device, inode;
	} * hidden;
	/* EXECUTOR_SANDBOX without mounts: the Landlock ruleset that each command is put under besides. -1
	 * otherwise. */
	int command_ruleset;
	/* EXECUTOR_SANDBOX without a network of its own whose commands may reach something: its channel to
	 * the broker (egress/wire.h). -1 otherwise. */
	int reach;
};

/* 0 or -errno. */
int executor_receive(enum executor_profile profile, struct executor *executor, struct err *err);
int executor_enter(struct executor *executor, struct err *err);
/* For a failure between the two: tells the spawner what failed ("certificates", "open", -errno). Returns
 * `code`. */
int executor_fail(const char *layer, const char *step, int code, const char *detail);
void executor_deinit(struct executor *executor);

#endif
