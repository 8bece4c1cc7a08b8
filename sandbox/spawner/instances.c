/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of executors. An entry is made when its child is cloned and removed when that child has been
 * reaped, nowhere else; in between it is starting (its setup socket is served) or ready. Children may die in
 * any state and for any reason.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/setup.h"

static const struct profile *profile_of(const struct instance *instance)
{
	return profile_find(instance->profile, instance->confinement);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
static void table_remove(struct spawner *spawner, size_t index)
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
static int make_private(struct spawner *spawner, const struct profile *row, const struct identity *identity,
			struct instance *instance, struct start_failure *failure)
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
		result = private_make(places[i], identity->uid, identity->gid, &instance->private);
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
	table_remove(spawner, spawner->count - 1);
	return result;
}

int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure)
{
	_cleanup_(channels_close) struct channels channels = {.child_count = 0};
	const struct profile *row = profile_find(order->profile, order->confinement);
	struct identity *identity = &spawner->identities[order->confinement];
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
	result = identity_decide(identity, &spawner->plan, order->confinement);
	if (result == 0)
		result = make_private(spawner, row, identity, instance, failure);
	if (result < 0)
		return give_up(spawner, result);
	instance->call = order->call;
	instance->caller = order->caller;
	instance->purpose = order->purpose;
	instance->profile = order->profile;
	instance->confinement = order->confinement;
	if (order->purpose == INSTANCE_SERVE && egress_needed(spawner, order->profile, order->confinement))
		instance->broker = egress_broker(spawner)->id;
	*failure = (struct start_failure){"cgroup", "make a group"};
	result = make_group(spawner, instance, &group);
	if (result < 0)
		return give_up(spawner, result);
	pid_t pid = start_child(identity, row, order->plan ? order->plan : spawner->plan_memfd,
				channels.child, instance->private, &group, &instance->setup, failure);
	close_fd(&group.directory);
	instance->events = steal_fd(&group.events);
	if (pid < 0)
		return give_up(spawner, pid);
	if (row->layers & LAYER_MOUNTS)
		idmap_foresee(&spawner->idmap, identity);
	instance->pid = pid;
	instance->control = steal_fd(&control);
	instance->deadline = now_ms() + LIMIT_START_MS;
	memcpy(instance->fds, channels.frontend, sizeof instance->fds);
	instance->fd_count = channels.frontend_count;
	channels.frontend_count = 0;
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
	if (result == 0)
		result = instance_add(spawner, &order, &where);
	if (result < 0) {
		failure_set(&failure, result, where.layer, where.step,
			    profile_find(order.profile, order.confinement)->name);
		refuse(spawner, call, kind, caller, order.confinement, &failure);
	}
}

/* All in its group at one stroke, and its process, never by a number that means everybody. */
static void kill_instance(const struct spawner *spawner, const struct instance *instance)
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
			kill_instance(spawner, &spawner->instances[i]);
}

/* A start that did not come to its end, told once. A broker's failure is that of all who wait for it. */
static void fail(struct spawner *spawner, struct instance *instance, const struct failure *failure)
{
	static const uint32_t kinds[] = {[EXECUTOR_SANDBOX] = SPAWNER_SANDBOX,
					 [EXECUTOR_FILES] = SPAWNER_FILES,
					 [EXECUTOR_WEB] = SPAWNER_WEB};

	if (instance->failed)
		return;
	instance->failed = true;
	kill_instance(spawner, instance);
	if (instance->purpose == INSTANCE_PROBE) {
		probe_tried(spawner, failure);
	} else if (instance->purpose == INSTANCE_BARE) {
		choice_tried(spawner, failure);
	} else if (instance->profile != EXECUTOR_BROKER) {
		refuse(spawner, instance->call, kinds[instance->profile], instance->caller,
		       instance->confinement, failure);
	} else {
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].broker == instance->id && !spawner->instances[i].told)
				fail(spawner, &spawner->instances[i], failure);
	}
}

static void fail_at(struct spawner *spawner, struct instance *instance, int code, const char *layer,
		    const char *step, const char *detail)
{
	struct failure failure;

	failure_set(&failure, code, layer, step, detail);
	fail(spawner, instance, &failure);
}

/* Who needs the broker is of use only with it, so it is announced when both stand. */
static void announce(struct spawner *spawner)
{
	const struct instance *broker = egress_broker(spawner);

	for (size_t i = 0; i < spawner->count; i++) {
		struct instance *instance = &spawner->instances[i];

		if (instance->state != INSTANCE_READY || instance->told || instance->failed ||
		    instance->profile == EXECUTOR_BROKER ||
		    (egress_needed(spawner, instance->profile, instance->confinement) &&
		     (!broker || broker->id != instance->broker || broker->state != INSTANCE_READY)))
			continue;
		report_started(spawner, instance);
	}
}

static void answer(const struct instance *instance, uint16_t type, int result)
{
	struct frame_header header = {.type = type, .value = result < 0 ? (uint32_t)-result : 0};

	frame_send(instance->setup, &header, NULL, 0, result > 0 ? &result : NULL, result > 0, MSG_DONTWAIT);
}

/* Every layer is there. A throwaway's end is all that is left of it. */
static void stands(struct spawner *spawner, struct instance *instance)
{
	instance->state = INSTANCE_READY;
	if (instance->purpose != INSTANCE_SERVE) {
		enum instance_purpose purpose = instance->purpose;

		instance->failed = true;
		kill_instance(spawner, instance);
		if (purpose == INSTANCE_PROBE) /* may start another, and move the table */
			probe_tried(spawner, NULL);
		else
			choice_tried(spawner, NULL);
		return;
	}
	if (instance->profile == EXECUTOR_SANDBOX)
		spawner->choice.settled = true;
	if (!profile_of(instance)->keep_setup)
		close_fd(&instance->setup);
	announce(spawner);
}

static void serve_frame(struct spawner *spawner, struct instance *instance, const struct frame_header *header,
			struct frame_reader *reader, struct frame_descriptors *descriptors)
{
	const struct identity *identity = &spawner->identities[instance->confinement];
	char layer[64], step[128], detail[256];
	uint32_t uid, gid;
	int result;

	switch (header->type) {
	case SETUP_UNSHARED:
	case SETUP_WANT_IDMAP:
		uid = frame_get_u32(reader);
		gid = frame_get_u32(reader);
		if (frame_done(reader) < 0 || !identity->privileged)
			break;
		if (header->type == SETUP_UNSHARED) {
			answer(instance, SETUP_MAPPED, identity_map(identity, instance->pid, uid, gid));
		} else {
			answer(instance, SETUP_IDMAP, idmap_get(&spawner->idmap, identity, uid, gid));
		}
		return;
	case SETUP_LISTENING:
		result = egress_listening(spawner, instance, descriptors);
		if (result < 0)
			fail_at(spawner, instance, result, "network", "listening sockets", "");
		return;
	case SETUP_READY:
		stands(spawner, instance);
		return;
	case SETUP_FAILED:
		frame_get_text(reader, layer, sizeof layer);
		frame_get_text(reader, step, sizeof step);
		frame_get_text(reader, detail, sizeof detail);
		if (frame_done(reader) < 0)
			break;
		fail_at(spawner, instance, -(int)header->value, layer, step, detail);
		return;
	}
	fail_at(spawner, instance, -EPROTO, "start", "setup", profile_of(instance)->name);
}

void instance_serve(struct spawner *spawner, size_t index)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct instance *instance = &spawner->instances[index];
	struct frame_descriptors descriptors;
	struct frame_header header;
	struct frame_reader reader;

	/* what a frame leads to may add to the table, and so move it; never remove from it */
	for (; instance->state == INSTANCE_STARTING && instance->setup >= 0;
	     instance = &spawner->instances[index]) {
		int result = frame_receive(instance->setup, &header, &payload, &descriptors, MSG_DONTWAIT);

		if (result == -EAGAIN)
			return;
		if (result < 0) { /* it is about to end; what it ended with is told when it is reaped */
			close_fd(&instance->setup);
			return;
		}
		frame_read(&reader, buffer_data(&payload), buffer_length(&payload));
		serve_frame(spawner, instance, &header, &reader, &descriptors);
		frame_descriptors_close(&descriptors);
	}
}

/* All of it is gone, what it left behind too. */
static void finish(struct spawner *spawner, size_t index)
{
	report_died(spawner, &spawner->instances[index]);
	table_remove(spawner, index);
}

/* One child ended. */
static void ended(struct spawner *spawner, size_t index, int status)
{
	struct instance *instance = &spawner->instances[index];
	uint32_t id = instance->id;
	const bool served = instance->profile == EXECUTOR_BROKER && instance->state == INSTANCE_READY;

	if (instance->state == INSTANCE_STARTING) {
		char how[64];

		instance_serve(spawner, index); /* its last words */
		instance = &spawner->instances[index];
		snprintf(how, sizeof how, "%s %d", WIFSIGNALED(status) ? "killed by signal" : "exit status",
			 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		fail_at(spawner, instance, -ECHILD, "start", profile_of(instance)->program, how);
		instance = &spawner->instances[index];
	}
	if (instance->profile == EXECUTOR_BROKER) /* its clients' sockets died with it */
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].broker == id &&
			    spawner->instances[i].profile == EXECUTOR_WEB)
				kill_instance(spawner, &spawner->instances[i]);
	if (instance->profile == EXECUTOR_SANDBOX)
		cgroup_kill(&spawner->cgroups, id);
	instance->status = status;
	instance->pid = 0;
	instance->state = INSTANCE_ENDING;
	/* with its namespace everything in it has ended; without one somebody may be left */
	if (profile_of(instance)->namespaces)
		finish(spawner, index);
	egress_rest(spawner);
	if (served) /* one that could not even start would not do better a second time */
		egress_restart(spawner);
}

void instances_reap(struct spawner *spawner)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	while (read(spawner->signals, &ignored, sizeof ignored) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (orphans_reaped(spawner, pid))
			continue;
		for (size_t i = 0; i < spawner->count; i++)
			if (spawner->instances[i].pid == pid) {
				ended(spawner, i, status);
				break;
			}
	}
	if (spawner->confinement == CONFINEMENT_FULL && !spawner->probe.trying)
		return;
	if (orphans_settle(spawner))
		for (size_t i = spawner->count; i-- > 0;)
			if (spawner->instances[i].state == INSTANCE_ENDING)
				finish(spawner, i);
}

int instances_expire(struct spawner *spawner)
{
	int64_t now = now_ms(), nearest = -1;

	for (size_t i = 0; i < spawner->count; i++) {
		struct instance *instance = &spawner->instances[i];

		if (instance->state != INSTANCE_STARTING || instance->failed)
			continue;
		if (instance->deadline <= now)
			fail_at(spawner, instance, -ETIMEDOUT, "start", profile_of(instance)->program,
				"did not come up in time");
		else if (nearest < 0 || instance->deadline - now < nearest)
			nearest = instance->deadline - now;
	}
	return (int)nearest;
}

void instances_end(struct spawner *spawner)
{
	spawner->ending = true;
	for (size_t i = 0; i < spawner->count; i++)
		kill_instance(spawner, &spawner->instances[i]);
	for (size_t i = 0; i < spawner->count; i++)
		while (spawner->instances[i].pid > 0 && waitpid(spawner->instances[i].pid, NULL, 0) < 0 &&
		       errno == EINTR)
			;
	if (spawner->confinement == CONFINEMENT_FULL && !spawner->probe.trying)
		return;
	for (size_t i = 0; i < spawner->count; i++)
		orphans_remove_private(spawner, &spawner->instances[i]);
	orphans_end(spawner);
}
