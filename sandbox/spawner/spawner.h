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
#include "sandbox/spawner/cgroup.h"
#include "sandbox/spawner/wire.h"

/* ---- identity.c ---- */

/* A uid and gid that no system uses (systemd's list calls 60578 to 61183 unused) and that small id maps hold.
 */
#define IDENTITY_NOBODY 61183u

struct identity {
	bool privileged; /* this spawner is root */
	uid_t uid, gid;  /* of executors that act as the workspace's owner */
	uid_t owner_uid; /* who that is really; the same but for root */
	gid_t owner_gid;
};

/* Decides from the first workspace's owner, and from what this process may become; 0 or -errno. */
int identity_decide(struct identity *identity, const struct plan *plan, enum confinement confinement);
/* Writes the id maps of `pid`, which is in a new user namespace: it may be `uid` and `gid` there, nobody
 * else. */
int identity_map(const struct identity *identity, pid_t pid, uid_t uid, gid_t gid);
/* Writes /proc/`pid`/`name` at once, as the kernel wants a map. 0 or -errno. */
int identity_write(pid_t pid, const char *name, const char *text);

/* ---- idmap.c ---- */

/* A user namespace in which `uid` and `gid` change places with `as_uid` and `as_gid`. */
struct idmap {
	int namespace; /* -1: none yet */
	uid_t uid;
	gid_t gid;
	uid_t as_uid;
	gid_t as_gid;
};

/* One for an idmapped mount that shows files of `uid` and `gid` as the identity's. Borrowed, or -errno. */
int idmap_get(struct idmap *kept, const struct identity *identity, uid_t uid, gid_t gid);
/* Makes the one that an executor of this identity is going to ask for, while that is still starting. */
void idmap_foresee(struct idmap *kept, const struct identity *identity);

/* ---- start.c ---- */

struct start_failure {
	const char *layer, *step;
};

struct instance;

/* Clones a child in the profile's namespaces that becomes its program, and tells it who it is (setup.h).
 * `channels` end up at EXECUTOR_CHANNEL. Returns the pid, with the setup socket in *setup, or -errno.
 */
pid_t start_child(const struct instance *instance, int plan, const int *channels, const struct cgroup *group,
		  int *setup, struct start_failure *failure);

/* ---- channels.c ---- */

struct spawner;

/* Both ends of what an executor and its peers will talk over, while it is being started. */
struct channels {
	int child[LIMIT_FRAME_DESCRIPTORS], frontend[LIMIT_FRAME_DESCRIPTORS];
	size_t child_count, frontend_count;
};

/* Makes those of a profile; *control is the broker's. 0 or -errno, with what was made until then. */
int channels_make(struct spawner *spawner, enum executor_profile profile, struct channels *channels,
		  int *control);
void channels_close(struct channels *channels);

/* ---- private.c: a /tmp and a home for sandboxes without mounts ---- */

/* Makes them; *path is the caller's. Returns the lock, to be held while they are used, or -errno. */
int private_make(const char *scratch, uid_t uid, gid_t gid, char **path);
void private_remove(const char *path);
/* Those of ours that nobody holds. */
void private_remove_stale(const char *scratch);

/* ---- instances.c ---- */

/* Where a start stopped, and how. */
struct failure {
	int code; /* -errno */
	char layer[64], step[128], detail[256];
};

void failure_set(struct failure *failure, int code, const char *layer, const char *step, const char *detail);

enum instance_state {
	INSTANCE_STARTING,
	INSTANCE_READY,
	INSTANCE_ENDING /* its process has been reaped, what it left has not (orphans.c) */
};

enum instance_purpose {
	INSTANCE_SERVE,
	INSTANCE_AHEAD, /* a sandbox for whoever asks next (ahead.c) */
	INSTANCE_PROBE, /* a throwaway of doctor's: whether it comes up is all that is wanted */
	INSTANCE_BARE   /* the same, asked by choice.c */
};

struct instance {
	uint32_t id, caller;
	uint32_t call; /* the frontend's request, while it starts; 0: nobody asked for it */
	enum executor_profile profile;
	enum confinement confinement;
	enum instance_state state;
	enum instance_purpose purpose;
	struct identity identity; /* that it was built with */
	bool told;                /* the frontend knows its number */
	bool failed;              /* its failure was told and it was killed */
	uint32_t broker;          /* that serves it: of a web executor, or a sandbox with a network */
	pid_t pid;                /* 0: reaped */
	int status;               /* that it ended with */
	char *private;            /* its directory (private.c), or NULL */
	int lock;                 /* on that */
	int setup;                /* -1 once it is no longer needed */
	int64_t deadline;         /* of starting, CLOCK_MONOTONIC ms: when it is looked at; of who stands
					ahead: when it ends */
	int64_t latest;           /* when it must stand, however much it has done */
	int64_t worked;           /* processor time that it had used at the last look, ns */
	int fds[LIMIT_FRAME_DESCRIPTORS]; /* for the frontend with SPAWNER_STARTED */
	size_t fd_count;
	int events;     /* sandbox: memory.events of its group; -1: it has none */
	int control;    /* broker: where sockets for it are passed */
	int *listening; /* sandbox: what listens inside it, for the broker and for the next one */
	size_t listening_count;
};

/* A request whose executor failed, waiting until it is known whether less confinement is all there can be. */
struct choice_waiting {
	uint32_t call, kind, caller;
	enum confinement confinement; /* that it failed with */
	struct failure failure;
};

struct choice {
	bool probing; /* the throwaway sandbox is being built */
	bool settled; /* a sandbox has stood: never less from here */
	struct choice_waiting *waiting;
	size_t count;
	struct failure why; /* there is not more; code 0: there is */
};

/* A request of the frontend's that nothing was done for yet. */
struct start_waiting {
	uint32_t call, kind, caller;
};

struct starts {
	struct start_waiting *waiting; /* in the order they came */
	size_t count;
};

/* Whether a sandbox is to be built before it is asked for (ahead.c). */
struct ahead {
	unsigned given; /* sandboxes, so far */
	bool wanted;    /* one more */
};

/* Doctor's question (probe.c). */
struct probe {
	uint32_t call;
	enum confinement trying;
	struct failure failures[CONFINEMENT_COUNT]; /* code 0: it stood */
};

struct spawner {
	int socket, plan_memfd, signals;
	struct plan plan;
	struct idmap idmap;
	enum confinement confinement; /* what executors are built with */
	struct cgroups cgroups;
	struct choice choice;
	struct starts starts;
	struct probe probe;
	struct instance *instances;
	size_t count;
	uint32_t next_id;
	struct ahead ahead;
	bool swept;      /* for stale private directories */
	char **removals; /* private directories to be removed */
	size_t removal_count;
	bool ending;   /* no process is started any more */
	pid_t remover; /* the process that removes one; 0: none */
};

struct instance_order {
	uint32_t call;
	enum executor_profile profile;
	enum confinement confinement;
	uint32_t caller;
	enum instance_purpose purpose;
	int plan; /* memfd; 0: the spawner's own */
};

/* Starts what is ordered and adds it to the table, last. 0 or -errno. */
int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure);
/* Starts what the frontend asked for; answers SPAWNER_FAILED itself. */
void instance_start(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller);
void instance_kill(struct spawner *spawner, uint32_t id);
const struct profile *instance_profile(const struct instance *instance);
/* Whether it comes up is all that is wanted of it. */
static inline bool instance_is_throwaway(const struct instance *instance)
{
	return instance->purpose == INSTANCE_PROBE || instance->purpose == INSTANCE_BARE;
}

/* A start that did not come to its end: kills it, and tells who waits for it, once. */
void instance_fail_at(struct spawner *spawner, struct instance *instance, int code, const char *layer,
		      const char *step, const char *detail);
/* Kills it and all in its group; the entry stays until it is reaped. */
void instance_end(const struct spawner *spawner, const struct instance *instance);
/* Takes one whose child is gone out of the table; the last takes its place. */
void instance_remove(struct spawner *spawner, size_t index);

/* ---- ahead.c ---- */

/* Somebody got a sandbox: where there was a second there will be a third. (When each call has one of its own
 * the frontend itself asks for the next.) */
void ahead_note(struct spawner *spawner);
/* Gives who asks for a sandbox the one there is, which may still be starting. False: there is none that fits.
 */
bool ahead_take(struct spawner *spawner, uint32_t call, uint32_t caller);
/* Starts the next one, when it is time; called once a turn. */
void ahead_run(struct spawner *spawner);

/* ---- starts.c: whose turn it is to be started ---- */

/* What the frontend asked for; it is answered here or in instance_start(), which follows in its turn. */
void starts_add(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller);
/* Once a turn, before it waits: goes on with what choice.c kept, and begins as many as may be under way. */
void starts_run(struct spawner *spawner);
void starts_deinit(struct starts *starts);

/* ---- setup.c: while they start ---- */

/* Frames that wait on a starting instance's setup socket. */
void instance_serve(struct spawner *spawner, size_t index);
/* Announces those that stand, somebody waits for and nobody was told of. */
void instances_announce(struct spawner *spawner);
/* Kills those that hang, or take too long; returns ms until the next look at one, -1 for none. */
int instances_expire(struct spawner *spawner);

/* ---- deaths.c ---- */

/* Collects children that ended and tells the frontend. */
void instances_reap(struct spawner *spawner);
/* Kills all and waits until they are gone. */
void instances_end(struct spawner *spawner);

/* ---- choice.c: how much confinement ---- */

/* True when this failure is not to be told yet; it is kept, and told or tried anew by choice_run(). */
bool choice_defer(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller,
		  enum confinement confinement, const struct failure *failure);
/* What became of the throwaway sandbox; NULL: it stood. */
void choice_tried(struct spawner *spawner, const struct failure *failure);
/* Goes on with what waits: called by starts_run(). */
void choice_run(struct spawner *spawner);
/* Whether the next lower profile does without what failed, and it was no failure that passes by itself. */
bool choice_would_help(enum confinement from, const struct failure *failure);
/* A layer that policy requires and the present profile has not; NULL when there is none. */
const char *choice_missing_layer(struct spawner *spawner);
void choice_deinit(struct choice *choice);

/* ---- orphans.c: where there is no PID namespace ---- */

/* Makes this process the one that orphans of killed keepers fall to. 0 or -errno. */
int orphans_adopt(void);
/* Kills those there are. True when there are none: what has ended may be told. */
bool orphans_settle(struct spawner *spawner);
/* True when the process that was reaped is one of this module's. */
bool orphans_reaped(struct spawner *spawner, pid_t pid);
void orphans_remove_private(struct spawner *spawner, struct instance *instance);
/* Nothing is left. */
void orphans_end(struct spawner *spawner);

/* ---- egress.c ---- */

/* Is one of this profile of use only with a broker? */
bool egress_needed(const struct spawner *spawner, enum executor_profile profile,
		   enum confinement confinement);
/* The broker there is, or NULL. Borrowed until the table changes. */
struct instance *egress_broker(struct spawner *spawner);
/* Sees to it that there is one, which gets what listens in all sandboxes. 0 or -errno. */
int egress_start(struct spawner *spawner, struct start_failure *failure);
/* Somebody ended: so does a broker that serves nobody any more. */
void egress_rest(struct spawner *spawner);
/* The broker died: starts another if a sandbox needs one. */
void egress_restart(struct spawner *spawner);
/* SETUP_LISTENING of a starting sandbox: takes the descriptors. 0 or -errno. */
int egress_listening(struct spawner *spawner, struct instance *sandbox,
		     struct frame_descriptors *descriptors);
/* It is gone: closes what listened in it, here and in the broker. */
void egress_end(struct spawner *spawner, struct instance *sandbox);

/* ---- probe.c ---- */

/* Starts a throwaway sandbox; SPAWNER_PROBED follows when all that had to be tried was. */
void probe_start(struct spawner *spawner, uint32_t call);
/* What became of it; NULL: it stood. */
void probe_tried(struct spawner *spawner, const struct failure *failure);

/* ---- report.c ---- */

void report_started(struct spawner *spawner, struct instance *instance);
/* Gives the frontend the end of a new broker's socket for refusals. */
void report_denials(struct spawner *spawner, struct instance *broker);
void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure);
/* A layer that policy requires is missing in the profile there is. */
void report_required(struct spawner *spawner, uint32_t call, const char *layer);
void report_died(struct spawner *spawner, const struct instance *instance);

/* ---- remedy.c ---- */

/* What a person can do about it; "" when nothing better than the error itself is known. */
const char *report_remedy(const struct failure *failure);
/* How to get groups of cgroup v2 where there are none, or not with every controller. */
const char *report_group_remedy(const struct cgroups *cgroups);

#endif
