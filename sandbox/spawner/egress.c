/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes and the broker. What listens inside a sandbox came out of it while it was built; the broker gets
 * it, and a duplicate stays here, so that a broker that died is replaced without any sandbox being built
 * anew. None of this exists as long as the policy lets commands reach nothing.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/rules.h"
#include "sandbox/egress/wire.h"

bool egress_needed(const struct spawner *spawner, enum executor_profile profile, enum confinement confinement)
{
	return profile == EXECUTOR_WEB ||
	       (profile == EXECUTOR_SANDBOX && rules_for_commands(&spawner->plan) &&
		(profile_find(profile, confinement)->layers & (LAYER_NETWORK | LAYER_REACH)));
}

/* A sandbox whose commands the broker serves. */
static bool has_network(const struct spawner *spawner, const struct instance *instance)
{
	return instance->profile == EXECUTOR_SANDBOX && !instance_is_throwaway(instance) &&
	       !instance->failed && instance->pid > 0 &&
	       egress_needed(spawner, instance->profile, instance->confinement);
}

struct instance *egress_broker(struct spawner *spawner)
{
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].profile == EXECUTOR_BROKER && !spawner->instances[i].failed &&
		    spawner->instances[i].pid > 0)
			return &spawner->instances[i];
	return NULL;
}

/* Gives the broker sockets `from` to the last of a sandbox. */
static int pass_on(const struct instance *broker, const struct instance *sandbox, size_t from)
{
	int result = 0;

	while (from < sandbox->listening_count && result == 0) {
		struct frame_header header = {.type = BROKER_NETWORK, .call = sandbox->id};
		size_t count = sandbox->listening_count - from;

		count = count < LIMIT_FRAME_DESCRIPTORS ? count : LIMIT_FRAME_DESCRIPTORS;
		result = frame_send(broker->control, &header, NULL, 0, sandbox->listening + from, count, 0);
		from += count;
	}
	return result;
}

int egress_listening(struct spawner *spawner, struct instance *sandbox, struct frame_descriptors *descriptors)
{
	const struct instance *broker = egress_broker(spawner);
	size_t before = sandbox->listening_count;
	struct start_failure failure;
	int *grown, result;

	if (instance_is_throwaway(sandbox)) /* it will not live to use them */
		return 0;
	if (!descriptors->count || before + descriptors->count > LIMIT_LISTENERS + 1)
		return -EPROTO;
	grown = reallocarray(sandbox->listening, before + descriptors->count, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	sandbox->listening = grown;
	for (size_t i = 0; i < descriptors->count; i++)
		grown[sandbox->listening_count++] = frame_descriptors_take(descriptors, i);
	if (!broker) /* it died meanwhile: another one gets all there is */
		return egress_start(spawner, &failure);
	result = pass_on(broker, sandbox, before);
	/* likewise, when its end has been seen (egress_restart) */
	return result == -EPIPE && broker->state == INSTANCE_READY ? 0 : result;
}

void egress_end(struct spawner *spawner, struct instance *sandbox)
{
	struct frame_header header = {.type = BROKER_NETWORK_END, .call = sandbox->id};
	const struct instance *broker = sandbox->listening_count ? egress_broker(spawner) : NULL;

	/* a broker that does not even read what ends would keep it for ever */
	if (broker && frame_send(broker->control, &header, NULL, 0, NULL, 0, 0) < 0)
		kill(broker->pid, SIGKILL);
	for (size_t i = 0; i < sandbox->listening_count; i++)
		close(sandbox->listening[i]);
	free(sandbox->listening);
	sandbox->listening = NULL;
	sandbox->listening_count = 0;
}

int egress_start(struct spawner *spawner, struct start_failure *failure)
{
	struct instance *broker;
	int result;

	if (egress_broker(spawner))
		return 0;
	result = instance_add(
		spawner,
		&(struct instance_order){.profile = EXECUTOR_BROKER, .confinement = spawner->confinement},
		failure);
	broker = result < 0 ? NULL : egress_broker(spawner);
	if (!broker)
		return result;
	report_denials(spawner, broker);
	for (size_t i = 0; i < spawner->count && result == 0; i++) {
		struct instance *sandbox = &spawner->instances[i];

		if (!has_network(spawner, sandbox))
			continue;
		sandbox->broker = broker->id;
		result = pass_on(broker, sandbox, 0);
	}
	return result;
}

static bool serves_anybody(const struct spawner *spawner, const struct instance *broker)
{
	for (size_t i = 0; i < spawner->count; i++)
		if (spawner->instances[i].broker == broker->id && spawner->instances[i].pid > 0)
			return true;
	return false;
}

void egress_rest(struct spawner *spawner)
{
	struct instance *broker = egress_broker(spawner);

	if (!broker || serves_anybody(spawner, broker))
		return;
	broker->failed = true; /* whoever comes before it has ended gets another */
	kill(broker->pid, SIGKILL);
}

void egress_restart(struct spawner *spawner)
{
	struct start_failure failure;

	for (size_t i = 0; i < spawner->count; i++)
		if (has_network(spawner, &spawner->instances[i])) {
			/* if it fails, commands reach nothing until a sandbox is asked for again */
			(void)egress_start(spawner, &failure);
			return;
		}
}
