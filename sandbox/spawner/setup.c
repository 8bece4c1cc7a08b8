/* SPDX-License-Identifier: Apache-2.0 */
/* The spawner's side of an executor's birth (setup.h): what it asks, and that it stands in time. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/spawner/setup.h"

/* Who needs the broker is of use only with it, so it is announced when both stand. */
void instances_announce(struct spawner *spawner)
{
	const struct instance *broker = egress_broker(spawner);

	for (size_t i = 0; i < spawner->count; i++) {
		struct instance *instance = &spawner->instances[i];

		if (instance->state != INSTANCE_READY || instance->told || instance->failed ||
		    instance->profile == EXECUTOR_BROKER || instance->purpose == INSTANCE_AHEAD ||
		    (egress_needed(spawner, instance->profile, instance->confinement) &&
		     (!broker || broker->id != instance->broker || broker->state != INSTANCE_READY)))
			continue;
		report_started(spawner, instance);
		if (instance->profile == EXECUTOR_SANDBOX)
			ahead_note(spawner);
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
	if (instance_is_throwaway(instance)) {
		enum instance_purpose purpose = instance->purpose;

		instance->failed = true;
		instance_end(spawner, instance);
		if (purpose == INSTANCE_PROBE) /* may start another, and move the table */
			probe_tried(spawner, NULL);
		else
			choice_tried(spawner, NULL);
		return;
	}
	if (instance->profile == EXECUTOR_SANDBOX)
		spawner->choice.settled = true;
	if (!instance_profile(instance)->keep_setup)
		close_fd(&instance->setup);
	if (instance->purpose == INSTANCE_AHEAD)
		instance->deadline = instance->latest = clock_ms() + LIMIT_AHEAD_MS;
	instances_announce(spawner);
}

static void serve_frame(struct spawner *spawner, struct instance *instance, const struct frame_header *header,
			struct frame_reader *reader, struct frame_descriptors *descriptors)
{
	const struct identity *identity = &instance->identity;
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
			instance_fail_at(spawner, instance, result, "network", "listening sockets", "");
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
		instance_fail_at(spawner, instance, -(int)header->value, layer, step, detail);
		return;
	}
	instance_fail_at(spawner, instance, -EPROTO, "start", "setup", instance_profile(instance)->name);
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

/* Its deadline counts: it is to come up, or somebody is to ask for it. */
static bool is_timed(const struct instance *instance)
{
	return !instance->failed &&
	       (instance->state == INSTANCE_STARTING ||
		(instance->state == INSTANCE_READY && instance->purpose == INSTANCE_AHEAD));
}

/* What an executor has used of the processors, ns; nothing new when that cannot be had. */
static int64_t work_of(const struct instance *instance)
{
	struct timespec used;
	clockid_t clock;

	if (instance->pid <= 0 || clock_getcpuclockid(instance->pid, &clock) != 0 ||
	    clock_gettime(clock, &used) < 0)
		return instance->worked;
	return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/*
 * Slow is not stuck. Where the processors are taken by others a start may take minutes, and to kill it would
 * not make the next one faster; who waits for a file system that is gone does nothing at all.
 */
static bool may_go_on(struct instance *instance, int64_t now)
{
	int64_t worked = work_of(instance);

	if (worked <= instance->worked || now >= instance->latest)
		return false;
	instance->worked = worked;
	instance->deadline =
		now + LIMIT_START_MS < instance->latest ? now + LIMIT_START_MS : instance->latest;
	return true;
}

int instances_expire(struct spawner *spawner)
{
	int64_t now = clock_ms(), nearest = -1;

	for (size_t i = 0; i < spawner->count; i++) {
		/* we may be slow too: its word that it stands may be waiting */
		if (spawner->instances[i].deadline <= now)
			instance_serve(spawner, i);
		struct instance *instance = &spawner->instances[i];

		if (!is_timed(instance))
			continue;
		if (instance->deadline <= now && !may_go_on(instance, now))
			instance_fail_at(spawner, instance, -ETIMEDOUT, "start",
					 instance_profile(instance)->program, "did not come up in time");
		else if (nearest < 0 || instance->deadline - now < nearest)
			nearest = instance->deadline - now;
	}
	return (int)nearest;
}
