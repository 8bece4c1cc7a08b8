/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much confinement there is, found by trying. Every executor is first built with all of it. Only when one
 * fails in a layer that the next lower profile does without is the question asked whether this kernel cannot
 * or just this executor could not (its workspace became a link, a file system cannot be idmapped): a
 * throwaway sandbox of nothing but the system is built. If that stands, the failure is told as it is. If it
 * fails in such a layer too, everything is built with the lower profile from there on, unless policy requires
 * the higher.
 *
 * A command can do nothing to the throwaway sandbox, so it cannot argue the confinement down; and once a
 * sandbox has stood, this spawner does not go below what it stood with. Nor for what may pass by itself.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"

void failure_set(struct failure *failure, int code, const char *layer, const char *step, const char *detail)
{
	failure->code = code;
	snprintf(failure->layer, sizeof failure->layer, "%s", layer);
	snprintf(failure->step, sizeof failure->step, "%s", step);
	snprintf(failure->detail, sizeof failure->detail, "%s", detail);
}

/* What may pass by itself says nothing about the kernel. */
static bool may_pass(int code)
{
	static const int codes[] = {-ENOMEM, -EAGAIN, -EMFILE, -ENFILE, -EINTR, -EIO, -ETIMEDOUT, -ECHILD};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (code == codes[i])
			return true;
	return false;
}

bool choice_would_help(enum confinement from, const struct failure *failure)
{
	enum confinement lower = from + 1;

	return lower < CONFINEMENT_COUNT && !may_pass(failure->code) && profile_has(from, failure->layer) &&
	       !profile_has(lower, failure->layer);
}

static bool may_lower(const struct spawner *spawner, const struct failure *failure)
{
	return !spawner->choice.settled && spawner->confinement < spawner->plan.require_profile &&
	       choice_would_help(spawner->confinement, failure);
}

bool choice_defer(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller,
		  enum confinement confinement, const struct failure *failure)
{
	struct choice *choice = &spawner->choice;
	struct choice_waiting *grown;

	/* built with more than is tried now: it was on its way when that was given up */
	if (confinement >= spawner->confinement && !may_lower(spawner, failure))
		return false;
	grown = reallocarray(choice->waiting, choice->count + 1, sizeof *grown);
	if (!grown)
		return false;
	choice->waiting = grown;
	grown[choice->count++] = (struct choice_waiting){.call = call,
							 .kind = kind,
							 .caller = caller,
							 .confinement = confinement,
							 .failure = *failure};
	return true;
}

static int make_bare_plan(const struct spawner *spawner)
{
	struct plan bare;

	plan_init(&bare);
	bare.home = spawner->plan.home;
	bare.scratch = spawner->plan.scratch;
	return plan_open(&bare, NULL);
}

/* Ends in choice_tried(), perhaps before it returns; that may ask for another, with less. */
static void try_bare(struct spawner *spawner)
{
	struct start_failure where = {"start", "plan"};
	_cleanup_fd_ int plan = make_bare_plan(spawner);
	int result = plan;

	spawner->choice.probing = true;
	if (plan >= 0)
		result = instance_add(spawner,
				      &(struct instance_order){.profile = EXECUTOR_SANDBOX,
							       .confinement = spawner->confinement,
							       .purpose = INSTANCE_BARE,
							       .plan = plan},
				      &where);
	if (result < 0) {
		struct failure failure;

		failure_set(&failure, result, where.layer, where.step, "");
		choice_tried(spawner, &failure);
	}
}

/* Failures with what there is now: trying has not helped them. Others are tried anew by choice_run(). */
static void tell_waiting(struct spawner *spawner)
{
	struct choice *choice = &spawner->choice;
	size_t kept = 0;

	for (size_t i = 0; i < choice->count; i++) {
		const struct choice_waiting *waiting = &choice->waiting[i];

		if (waiting->confinement < spawner->confinement)
			choice->waiting[kept++] = *waiting;
		else
			report_failed(spawner, waiting->call, &waiting->failure);
	}
	choice->count = kept;
}

static void lower(struct spawner *spawner, const struct failure *failure)
{
	spawner->choice.why = *failure;
	spawner->confinement++;
}

void choice_tried(struct spawner *spawner, const struct failure *failure)
{
	spawner->choice.probing = false;
	if (failure && may_lower(spawner, failure) && orphans_adopt() == 0) {
		lower(spawner, failure);
		try_bare(spawner); /* until one stands: what is told of it holds for commands too */
		return;
	}
	spawner->choice.settled |= !failure;
	tell_waiting(spawner);
}

void choice_run(struct spawner *spawner)
{
	struct choice *choice = &spawner->choice;

	while (choice->count > 0 && !choice->probing) {
		struct choice_waiting next = choice->waiting[choice->count - 1];

		if (next.confinement >= spawner->confinement) {
			try_bare(spawner); /* about the first of them; the others go with it */
			continue;
		}
		choice->count--;
		starts_add(spawner, next.call, next.kind, next.caller);
	}
}

static bool has_layer(struct spawner *spawner, const char *layer)
{
	const struct cgroups *cgroups = &spawner->cgroups;

	if (strcmp(layer, "cgroup") != 0)
		return profile_has(spawner->confinement, layer);
	cgroups_open(&spawner->cgroups);
	/* what limits.cpus asks for, where it asks */
	return cgroups->base >= 0 && cgroups->memory && cgroups->pids &&
	       (cgroups->cpu || !spawner->plan.cpu_thousandths);
}

const char *choice_missing_layer(struct spawner *spawner)
{
	const struct plan *plan = &spawner->plan;

	for (size_t i = 0; i < plan->require_layer_count; i++)
		if (!has_layer(spawner, plan->require_layers[i]))
			return plan->require_layers[i];
	return NULL;
}

void choice_deinit(struct choice *choice)
{
	free(choice->waiting);
}
