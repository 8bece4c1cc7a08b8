/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_STARTS_H
#define SALLYPORT_TESTS_STARTS_H

/* What is around the spawner's starts.c, setup.c and ahead.c: executors are pretended, but for the process
 * that one of them is. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/spawner/setup.h"
#include "sandbox/spawner/spawner.h"

static uint32_t begun[LIMIT_INSTANCES], refused;
static size_t begun_count;
static int refused_with;
static uint32_t fails, deferred; /* a request that fails at once, and waits for choice.c then */

void instance_start(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller)
{
	assert_int_equal(kind, SPAWNER_SANDBOX);
	assert_int_equal(caller, call + 1000);
	begun[begun_count++] = call;
	if (call == fails) {
		fails = 0;
		deferred = call;
		return;
	}
	spawner->instances[spawner->count++] = (struct instance){.call = call, .setup = -1};
}

void choice_run(struct spawner *spawner)
{
	uint32_t call = deferred;

	deferred = 0;
	if (call)
		starts_add(spawner, call, SPAWNER_SANDBOX, call + 1000);
}

void instance_fail_at(struct spawner *spawner, struct instance *instance, int code, const char *layer,
		      const char *step, const char *detail)
{
	(void)spawner, (void)layer, (void)step, (void)detail;
	assert_int_equal(code, -ETIMEDOUT);
	instance->failed = true;
}

void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure)
{
	(void)spawner;
	refused = call;
	refused_with = failure->code;
}

void failure_set(struct failure *failure, int code, const char *layer, const char *step, const char *detail)
{
	(void)layer, (void)step, (void)detail;
	failure->code = code;
}

const struct profile *instance_profile(const struct instance *instance)
{
	static const struct profile row = {.name = "sandbox", .program = "sallyport-keeper"};

	(void)instance;
	return &row;
}

static uint32_t ended, started;
static uid_t owner; /* of the workspace */

void instance_end(const struct spawner *spawner, const struct instance *instance)
{
	(void)spawner;
	ended = instance->id;
}

void report_started(struct spawner *spawner, struct instance *instance)
{
	(void)spawner;
	assert_false(instance->told);
	instance->told = true;
	started = instance->call;
}

int identity_decide(struct identity *identity, const struct plan *plan, enum confinement confinement)
{
	(void)plan, (void)confinement;
	*identity = (struct identity){.privileged = true, .uid = owner, .owner_uid = owner};
	return 0;
}

int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure)
{
	struct instance *instance = &spawner->instances[spawner->count++];

	(void)failure;
	assert_int_equal(order->call, 0);
	*instance = (struct instance){.id = ++spawner->next_id,
				      .profile = order->profile,
				      .purpose = order->purpose,
				      .pid = 1,
				      .setup = -1,
				      .deadline = clock_ms() + LIMIT_START_MS,
				      .latest = clock_ms() + LIMIT_START_MS};
	return identity_decide(&instance->identity, NULL, order->confinement);
}

/* Nothing of these is reached. */
void probe_tried(struct spawner *spawner, const struct failure *failure)
{
	(void)spawner, (void)failure;
}
void choice_tried(struct spawner *spawner, const struct failure *failure)
{
	(void)spawner, (void)failure;
}
struct instance *egress_broker(struct spawner *spawner)
{
	(void)spawner;
	return NULL;
}
bool egress_needed(const struct spawner *spawner, enum executor_profile profile, enum confinement confinement)
{
	(void)spawner, (void)profile, (void)confinement;
	return false;
}
int egress_listening(struct spawner *spawner, struct instance *sandbox, struct frame_descriptors *descriptors)
{
	(void)spawner, (void)sandbox, (void)descriptors;
	return 0;
}
int identity_map(const struct identity *identity, pid_t pid, uid_t uid, gid_t gid)
{
	(void)identity, (void)pid, (void)uid, (void)gid;
	return 0;
}
int idmap_get(struct idmap *kept, const struct identity *identity, uid_t uid, gid_t gid)
{
	(void)kept, (void)identity, (void)uid, (void)gid;
	return 0;
}

static int setup(void **state)
{
	struct spawner *spawner = calloc(1, sizeof *spawner);

	spawner->instances = calloc(LIMIT_INSTANCES, sizeof *spawner->instances);
	begun_count = refused = fails = deferred = ended = started = 0;
	owner = 1000;
	*state = spawner;
	return 0;
}

static int teardown(void **state)
{
	struct spawner *spawner = *state;

	starts_deinit(&spawner->starts);
	free(spawner->instances);
	free(spawner);
	return 0;
}

#endif
