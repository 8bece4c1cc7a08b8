/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts beyond a few at a time wait for their turn. All at once would not stand earlier: they would share
 * the processors, so that on a busy machine each takes longer than any of them may, is killed, and what it
 * had done is lost.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool may_begin(const struct spawner *spawner)
{
	unsigned starting = 0;

	for (size_t i = 0; i < spawner->count; i++)
		starting += spawner->instances[i].state == INSTANCE_STARTING && !spawner->instances[i].failed;
	return starting < LIMIT_STARTS;
}

/* -EMFILE when the table could not hold all that wait. */
static int wait_for_turn(struct spawner *spawner, const struct start_waiting *start)
{
	struct starts *starts = &spawner->starts;
	struct start_waiting *grown;

	if (spawner->count + starts->count >= LIMIT_INSTANCES)
		return -EMFILE;
	grown = reallocarray(starts->waiting, starts->count + 1, sizeof *grown);
	if (!grown)
		return -ENOMEM;
	starts->waiting = grown;
	grown[starts->count++] = *start;
	return 0;
}

void starts_add(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller)
{
	const struct start_waiting start = {.call = call, .kind = kind, .caller = caller};
	struct failure failure;
	int result = wait_for_turn(spawner, &start);

	if (result < 0) {
		failure_set(&failure, result, "start", "descriptors", "");
		report_failed(spawner, call, &failure);
	}
}

void starts_run(struct spawner *spawner)
{
	struct starts *starts = &spawner->starts;

	/* a start that fails at once may be tried with less, which is a request again: no event tells of it
	 */
	for (choice_run(spawner); starts->count > 0 && may_begin(spawner); choice_run(spawner)) {
		struct start_waiting next = starts->waiting[0];

		memmove(starts->waiting, starts->waiting + 1, --starts->count * sizeof next);
		instance_start(spawner, next.call, next.kind, next.caller);
	}
}

void starts_deinit(struct starts *starts)
{
	free(starts->waiting);
}
