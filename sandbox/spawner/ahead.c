/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next sandbox, born before anybody asks for it: where there was a second caller there will be a third.
 * Half of what a sandbox takes is the same for all of them, its namespaces and its program's start; what
 * waits here has had that, and no more. It is nobody's until it is told whose it is.
 */
#include "sandbox/spawner/spawner.h"

struct instance *ahead_find(struct spawner *spawner, const struct instance_order *order)
{
	if (order->profile != EXECUTOR_SANDBOX || order->purpose != INSTANCE_SERVE || order->plan)
		return NULL;
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].state == INSTANCE_BORN && !spawner->instances[i].failed &&
		    spawner->instances[i].confinement == order->confinement)
			return &spawner->instances[i];
	return NULL;
}

/* Nobody is to wait for it, and there is none yet. */
static bool is_time(const struct spawner *spawner)
{
	const struct profile *row = profile_find(EXECUTOR_SANDBOX, spawner->confinement);

	if (spawner->sandboxes < 2 || spawner->alone || spawner->ending || spawner->starts.count ||
	    !spawner->choice.settled || !row->namespaces)
		return false;
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].state == INSTANCE_BORN ||
		    spawner->instances[i].state == INSTANCE_STARTING)
			return false;
	return true;
}

void ahead_run(struct spawner *spawner)
{
	const struct instance_order order = {.profile = EXECUTOR_SANDBOX,
					     .confinement = spawner->confinement};
	struct start_failure ignored;

	if (is_time(spawner))
		spawner->alone = instance_bear(spawner, &order, &ignored) < 0;
}
