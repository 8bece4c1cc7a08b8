/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of executors. An entry is made when its child is cloned and removed when that child has been
 * reaped, nowhere else; in between it is starting (its setup socket is served) or ready. Children may die in
 * any state and for any reason.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"

const struct profile *instance_profile(const struct instance *instance)
{
	return profile_find(instance->profile, instance->confinement);
}

static struct instance *table_add(struct spawner *spawner)
{
	struct instance *grown = reallocarray(spawner->instances, spawner->count + 1, sizeof *grown);

	if (!grown)
		return NULL;
	spawner->instances = grown;
	grown += spawner->count++;
	*grown = (struct instance){
		.id = spawner->next_id++, .setup = -1, .control = -1, .events = -1, .lock = -1};
	return grown;
}

/* Removes one whose child is gone. */
void instance_remove(struct spawner *spawner, size_t index)
{
	struct instance *instance = &spawner->instances[index];

	egress_end(spawner, instance);
	if (instance->profile == EXECUTOR_SANDBOX)
		cgroup_remove(&spawner->cgroups, instance->id);
	close_fd(&instance->setup);
	close_fd(&instance->control);
	close_fd(&instance->events);
	for (size_t i = 0; i < instance->fd_count; i++)
		close_fd(&instance->fds[i]);
	if (instance->private)
		orphans_remove_private(spawner, instance);
	close_fd(&instance->lock);
	free(instance->private);
	*instance = spawner->instances[--spawner->count];
}

/* A /tmp and a home for a sandbox that has no mounts. */
static int make_private(struct spawner *spawner, const struct profile *row, struct instance *instance,
			struct start_failure *failure)
{
	/* where the person said, else where everybody may; memory is the last resort */
	const char *const places[] = {spawner->plan.scratch, "/tmp", "/dev/shm"};
	int result = -ENOENT;

	*failure = (struct start_failure){"private", "mkdir"};
	if (!(row->layers & LAYER_PRIVATE))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places) && result < 0; i++) {
		if (!places[i])
			continue;
		if (!spawner->swept)
			private_remove_stale(places[i]);
		result = private_make(places[i], instance->identity.uid, instance->identity.gid,
				      &instance->private);
	}
	spawner->swept = true;
	if (result < 0)
		return result;
	instance->lock = result;
	return 0;
}

/* Only sandboxes have one: what our own programs use is bounded by themselves. */
static int make_group(struct spawner *spawner, const struct instance *instance, struct cgroup *group)
{
	*group = (struct cgroup){.directory = -1, .events = -1};
	return instance->profile == EXECUTOR_SANDBOX
		       ? cgroup_make(&spawner->cgroups, instance->id, &spawner->plan, group)
		       : 0;
}

/* Takes the new entry away again; nothing of it runs. */
static int give_up(struct spawner *spawner, int result)
{
	instance_remove(spawner, spawner->count - 1);
	return result;
}

int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure)
{
	_cleanup_(channels_close) struct channels channels = {.child_count = 0};
	const struct profile *row = profile_find(order->profile, order->confinement);
	_cleanup_fd_ int control = -1;
	struct instance *instance;
	struct cgroup group;
	int result;

	*failure = (struct start_failure){"start", "descriptors"};
	if (spawner->count >= LIMIT_INSTANCES)
		return -EMFILE;
	result = channels_make(spawner, order->profile, &channels, &control);
	if (result < 0)
		return result;
	instance = table_add(spawner);
	if (!instance)
		return -ENOMEM;
	*failure = (struct start_failure){"identity", "workspace"};
	result = identity_decide(&instance->identity, &spawner->plan, order->confinement);
	if (result == 0)
		result = make_private(spawner, row, instance, failure);
	if (result < 0)
		return give_up(spawner, result);
	instance->state = INSTANCE_STARTING;
	instance->call = order->call;
	instance->caller = order->caller;
	instance->profile = order->profile;
	instance->confinement = order->confinement;
	instance->purpose = order->purpose;
	*failure = (struct start_failure){"cgroup", "make a group"};
	result = make_group(spawner, instance, &group);
	if (result < 0)
		return give_up(spawner, result);
	pid_t pid = start_child(instance, order->plan ? order->plan : spawner->plan_memfd, channels.child,
				&group, &instance->setup, failure);
	close_fd(&group.directory);
	instance->events = steal_fd(&group.events);
	if (pid < 0)
		return give_up(spawner, pid);
	instance->pid = pid;
	instance->control = steal_fd(&control);
	memcpy(instance->fds, channels.frontend, sizeof instance->fds);
	instance->fd_count = channels.frontend_count;
	channels.frontend_count = 0;
	if (!instance_is_throwaway(instance) && egress_needed(spawner, order->profile, order->confinement))
		instance->broker = egress_broker(spawner)->id;
	instance->deadline = clock_ms() + LIMIT_START_MS;
	instance->latest = clock_ms() + LIMIT_START_LONGEST_MS;
	if (row->workspace_owner && row->layers & LAYER_MOUNTS)
		idmap_foresee(&spawner->idmap, &instance->identity);
	return 0;
}

/* The request failed: told, or kept until it is known what else there is. */
static void refuse(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller,
		   enum confinement confinement, const struct failure *failure)
{
	if (!choice_defer(spawner, call, kind, caller, confinement, failure))
		report_failed(spawner, call, failure);
}

void instance_start(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller)
{
	static const enum executor_profile profiles[] = {[SPAWNER_SANDBOX] = EXECUTOR_SANDBOX,
							 [SPAWNER_FILES] = EXECUTOR_FILES,
							 [SPAWNER_SEARCH] = EXECUTOR_SEARCH,
							 [SPAWNER_WEB] = EXECUTOR_WEB};
	struct instance_order order = {.call = call, .caller = caller, .confinement = spawner->confinement};
	const char *missing = choice_missing_layer(spawner);
	struct start_failure where;
	struct failure failure;
	int result = 0;

	if (missing) {
		report_required(spawner, call, missing);
		return;
	}
	if (kind < SPAWNER_SANDBOX || kind >= ARRAY_SIZE(profiles)) {
		failure_set(&failure, -EINVAL, "start", "no such kind of executor", "");
		report_failed(spawner, call, &failure);
		return;
	}
	order.profile = profiles[kind];
	if (egress_needed(spawner, order.profile, order.confinement))
		result = egress_start(spawner, &where);
	if (result == 0 && order.profile == EXECUTOR_SANDBOX && ahead_take(spawner, call, caller))
		return;
	if (result == 0)
		result = instance_add(spawner, &order, &where);
	if (result < 0) {
		failure_set(&failure, result, where.layer, where.step,
			    profile_find(order.profile, order.confinement)->name);
		refuse(spawner, call, kind, caller, order.confinement, &failure);
	}
}

/* All in its group at one stroke, and its process, never by a number that means everybody. */
void instance_end(const struct spawner *spawner, const struct instance *instance)
{
	if (instance->profile == EXECUTOR_SANDBOX)
		cgroup_kill(&spawner->cgroups, instance->id);
	if (instance->pid > 0)
		kill(instance->pid, SIGKILL); /* pid 1 of its namespace: all in it die */
}

void instance_kill(struct spawner *spawner, uint32_t id)
{
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].id == id)
			instance_end(spawner, &spawner->instances[i]);
}

/* A start that did not come to its end, told once. A broker's failure is that of all who wait for it. */
static void fail(struct spawner *spawner, struct instance *instance, const struct failure *failure)
{
	static const uint32_t kinds[] = {[EXECUTOR_SANDBOX] = SPAWNER_SANDBOX,
					 [EXECUTOR_FILES] = SPAWNER_FILES,
					 [EXECUTOR_SEARCH] = SPAWNER_SEARCH,
					 [EXECUTOR_WEB] = SPAWNER_WEB};

	if (instance->failed)
		return;
	instance->failed = true;
	instance_end(spawner, instance);
	if (instance->purpose == INSTANCE_PROBE) {
		probe_tried(spawner, failure);
	} else if (instance->purpose == INSTANCE_BARE) {
		choice_tried(spawner, failure);
	} else if (instance->purpose == INSTANCE_AHEAD) {
		/* nobody waits for it; who asks next gets another, and hears why if that fails too */
	} else if (instance->profile != EXECUTOR_BROKER) {
		refuse(spawner, instance->call, kinds[instance->profile], instance->caller,
		       instance->confinement, failure);
	} else {
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].broker == instance->id && !spawner->instances[i].told)
				fail(spawner, &spawner->instances[i], failure);
	}
}

void instance_fail_at(struct spawner *spawner, struct instance *instance, int code, const char *layer,
		      const char *step, const char *detail)
{
	struct failure failure;

	failure_set(&failure, code, layer, step, detail);
	fail(spawner, instance, &failure);
}
