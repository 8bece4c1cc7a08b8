/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_SPAWNER_SPAWNER_H
#define SALLYPORT_SANDBOX_SPAWNER_SPAWNER_H

/* The spawner's own parts: who its children must be, how one is started, and the table of those there are. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sys/socket.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/plan.h"
#include "sandbox/profile.h"
#include "sandbox/spawner/wire.h"

/* ---- identity.c ---- */

/* A uid and gid that no system uses (systemd's list calls 60578 to 61183 unused) and that small id maps hold.
 */
#define IDENTITY_NOBODY 61183u

struct identity {
	bool privileged; /* this spawner is root */
	uid_t uid, gid;  /* of executors that act as the workspace's owner */
};

/* Decides from the first workspace's owner; 0 or -errno. */
int identity_decide(struct identity *identity, const struct plan *plan);
/* Writes the id maps of `pid`, which is in a new user namespace: it may be `uid` and `gid` there, nobody
 * else. */
int identity_map(const struct identity *identity, pid_t pid, uid_t uid, gid_t gid);
/* A user namespace for an idmapped mount in which `uid` and `gid` change places with the identity's. */
int identity_idmap(const struct identity *identity, uid_t uid, gid_t gid);

/* ---- start.c ---- */

struct start_failure {
	const char *layer, *step;
};

/* Clones a child in the profile's namespaces that becomes its program. `channels` end up at EXECUTOR_CHANNEL.
 * Returns the pid, with the setup socket in *setup, or -errno. */
pid_t start_child(const struct identity *identity, const struct profile *profile, int plan,
		  const int *channels, int *setup, struct start_failure *failure);

/* ---- instances.c ---- */

enum instance_state { INSTANCE_STARTING, INSTANCE_READY };

struct instance {
	uint32_t id, caller;
	uint32_t call; /* the frontend's request, while it starts; 0 for a broker */
	enum executor_profile profile;
	enum confinement confinement;
	enum instance_state state;
	bool told;   /* the frontend knows its number */
	bool probe;  /* a throwaway sandbox: whether it comes up is all that is wanted */
	bool failed; /* its failure was told and it was killed */
	pid_t pid;
	int setup;                        /* -1 once it is no longer needed */
	int64_t deadline;                 /* of starting, CLOCK_MONOTONIC ms */
	int fds[LIMIT_FRAME_DESCRIPTORS]; /* for the frontend with SPAWNER_STARTED */
	size_t fd_count;
	int control; /* broker: where web executors' sockets are passed */
};

struct spawner {
	int socket, plan_memfd, signals;
	struct plan plan;
	struct identity identity;
	enum confinement confinement; /* what executors are built with */
	struct instance *instances;
	size_t count;
	uint32_t next_id;
};

/* Clones one of `profile` and adds it to the table. 0 or -errno. */
int instance_add(struct spawner *spawner, uint32_t call, enum executor_profile profile, uint32_t caller,
		 bool probe, struct start_failure *failure);
/* Starts what the frontend asked for; answers SPAWNER_FAILED itself. */
void instance_start(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller);
void instance_kill(struct spawner *spawner, uint32_t id);
/* Frames that wait on a starting instance's setup socket. */
void instance_serve(struct spawner *spawner, size_t index);
/* Collects children that ended and tells the frontend. */
void instances_reap(struct spawner *spawner);
/* Kills those that did not come up in time; returns ms until the next such deadline, -1 for none. */
int instances_expire(struct spawner *spawner);
/* Kills all and waits until they are gone. */
void instances_end(struct spawner *spawner);

/* ---- probe.c ---- */

/* Starts a throwaway sandbox; SPAWNER_PROBED follows when it stands or has failed. */
void probe_start(struct spawner *spawner, uint32_t call);
/* Tells what was found: layer NULL when all of it works. */
void probe_report(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
		  const char *detail);

/* ---- report.c ---- */

void report_started(struct spawner *spawner, struct instance *instance);
void report_failed(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
		   const char *detail);
void report_died(struct spawner *spawner, const struct instance *instance, int status);
/* What a person can do about it; "" when nothing better than the error itself is known. */
const char *report_remedy(const char *layer, const char *step, int code);

#endif
