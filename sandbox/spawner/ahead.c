/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The next sandbox, built before anybody asks for it. Nobody has used it, so it is whoever's asks first.
 * There is one where they are asked for one after another: for a server with one caller it would be waste,
 * and one that nobody takes ends after a while, since what it shows is how things were when it was built.
 */
#include "sandbox/spawner/spawner.h"

void ahead_note(struct spawner *spawner)
{
	spawner->ahead.given++;
	spawner->ahead.wanted = spawner->ahead.given > 1 && !spawner->plan.sandbox_per_call;
}

static struct instance *find(struct spawner *spawner)
{
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].purpose == INSTANCE_AHEAD && !spawner->instances[i].failed &&
		    spawner->instances[i].pid > 0)
			return &spawner->instances[i];
	return NULL;
}

/* As one that is built now would be: whose the workspace is may have changed. */
static bool is_current(const struct spawner *spawner, const struct instance *instance)
{
	const struct identity *then = &instance->identity;
	struct identity now;

	return instance->confinement == spawner->confinement &&
	       identity_decide(&now, &spawner->plan, spawner->confinement) == 0 &&
	       now.privileged == then->privileged && now.uid == then->uid && now.gid == then->gid &&
	       now.owner_uid == then->owner_uid && now.owner_gid == then->owner_gid;
}

static void give_up(const struct spawner *spawner, struct instance *instance)
{
	instance->failed = true; /* nobody is to hear of it */
	instance_end(spawner, instance);
}

bool ahead_take(struct spawner *spawner, uint32_t call, uint32_t caller)
{
	struct instance *instance = find(spawner);

	if (!instance)
		return false;
	if (!is_current(spawner, instance)) {
		give_up(spawner, instance);
		return false;
	}
	instance->purpose = INSTANCE_SERVE;
	instance->call = call;
	instance->caller = caller;
	instances_announce(spawner);
	return true;
}

/* Nobody is to wait for it. */
static bool is_time(const struct spawner *spawner)
{
	if (!spawner->ahead.wanted || spawner->ending || spawner->starts.count || !spawner->choice.settled)
		return false;
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].state == INSTANCE_STARTING)
			return false;
	return true;
}

void ahead_run(struct spawner *spawner)
{
	const struct instance_order order = {
		.profile = EXECUTOR_SANDBOX, .confinement = spawner->confinement, .purpose = INSTANCE_AHEAD};
	struct start_failure ignored;

	if (!is_time(spawner))
		return;
	spawner->ahead.wanted = false;
	if (!egress_needed(spawner, order.profile, order.confinement) || egress_broker(spawner))
		(void)instance_add(spawner, &order, &ignored);
}
