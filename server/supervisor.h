/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SUPERVISOR_H
#define SALLYPORT_SERVER_SUPERVISOR_H

/*
 * The frontend's end of spare and spawner (sandbox/spawner/spare.h, wire.h). It starts the spawner when the
 * first executor is needed, asks it for executors and sandboxes, and replaces it when it dies: with it die
 * all its instances, so everybody who has one, or waits for one, is told. A spawner that has had nothing to
 * do for LIMIT_SPAWNER_REST_MS ends; the spare takes its place when somebody needs one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/confinement.h"
#include "sandbox/spawner/wire.h"
#include "server/loop.h"
#include "tools/denial.h"

#define SUPERVISOR_LAYER                                                                                     \
	"spawner" /* failure.layer when no layer is missing: spawner or spare failed, try again */

/* Why an executor could not be had: words for the model. */
struct supervisor_failure {
	int error; /* errno of the step, positive */
	char layer[64], step[LIMIT_REMEDY_BYTES], remedy[LIMIT_REMEDY_BYTES];
	enum confinement confinement; /* the profile that was tried last; 0: it did not come to that */
};

/* One thing that the spawner is asked for, embedded in whoever needs it. */
struct supervised {
	enum spawner_kind kind;
	uint32_t caller;
	/* Running: `descriptors` are to be taken. Only after supervisor_start(). */
	void (*started)(struct supervised *supervised, struct frame_descriptors *descriptors);
	/* It could not be started. */
	void (*failed)(struct supervised *supervised, const struct supervisor_failure *failure);
	/* It was running, and nothing of it is alive; or (not `gone`) it was killed, and LIMIT_DEATH_MS later
	 * nobody has said that it is dead. It may be started anew. */
	void (*died)(struct supervised *supervised, bool gone);
	/* The broker refused something to what runs in it. May be NULL. */
	void (*denied)(struct supervised *supervised, const struct denial *denial);

	/* the supervisor's own */
	enum supervised_state {
		SUPERVISED_NONE,
		SUPERVISED_STARTING,
		SUPERVISED_RUNNING,
		SUPERVISED_ENDING,  /* the spawner was told to kill it */
		SUPERVISED_BEREAVED /* its spawner is gone: the kernel kills it */
	} state;
	struct supervisor *supervisor;
	uint32_t request, instance;
	uint64_t killed_for_memory; /* of a dead one: processes that the kernel killed so, by the spawner's
				       word */
	int pidfd;                  /* of its first process; readable when that is dead */
	struct loop_source process; /* the same, watched once no spawner is left to tell of its death */
	struct loop_timer bound;    /* of its death */
	struct supervised *next;
};

struct supervisor {
	struct loop *loop;
	struct loop_source spare, spawner;
	struct loop_source denials; /* the broker's; there is one only where commands have a network */
	struct buffer payload;
	struct supervised *all; /* those that are not SUPERVISED_NONE */
	struct loop_timer rest; /* the end of a spawner with nothing to do */
	struct confinement_found found;
	int unsealed; /* errno of why this process could not be sealed: then nothing is ever started */
	uint32_t last_request;
	void (*warn)(const char *text); /* for the log */
	/* SPAWNER_FILED: fd is to be taken; -1: there is none to be had */
	void (*filed)(void *context, uint32_t number, int fd);
	void *context; /* of filed */
};

/* `spare` is what spare_start() returned; it belongs to the supervisor from here. */
int supervisor_init(struct supervisor *supervisor, struct loop *loop, int spare,
		    void (*warn)(const char *text), struct err *err);
/* Closes both sockets: that is the end of spare, spawner and all they started. Returns the spawner's socket
 * (or -1), still open for waiting until end of file shows that everything is gone. */
int supervisor_end(struct supervisor *supervisor);
void supervisor_deinit(struct supervisor *supervisor);

/* Asks for one; exactly one of started and failed follows, perhaps before this returns. */
void supervisor_start(struct supervisor *supervisor, struct supervised *supervised);
/* Kills a running one (it lied, it does not answer, or nobody needs it); `died` follows, never before this
 * returns. */
void supervisor_kill(struct supervised *supervised);
/* Asks for a file without a name for `number`; `filed` follows, unless the spawner ends first, with all whom
 * it was for. 0 or -errno: there is no spawner. */
int supervisor_file(struct supervisor *supervisor, uint32_t number);
/* Hands on what the broker has refused so far (`denied`): before a command's end is told, all that it was
 * refused is here. Costs nothing where commands have no network. */
void supervisor_hear_denials(struct supervisor *supervisor);

/* ---- between supervisor.c and supervisor_denials.c ---- */

/* SPAWNER_DENIALS: takes the socket; the one before it has ended. 0 or -EPROTO. */
int supervisor_take_denials(struct supervisor *supervisor, int socket);
void supervisor_end_denials(struct supervisor *supervisor);

#endif
