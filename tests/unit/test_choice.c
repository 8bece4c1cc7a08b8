/* SPDX-License-Identifier: Apache-2.0 */
/* How much confinement is chosen (sandbox/spawner/choice.c), with sandboxes that stand or fail as the test
 * says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/spawner.h"

static unsigned tried, told, begun; /* throwaway sandboxes, failures, starts anew */

int instance_add(struct spawner *spawner, const struct instance_order *order, struct start_failure *failure)
{
	(void)spawner, (void)failure;
	assert_int_equal(order->purpose, INSTANCE_BARE);
	tried++;
	return 0;
}

void starts_add(struct spawner *spawner, uint32_t call, uint32_t kind, uint32_t caller)
{
	(void)spawner, (void)call, (void)kind, (void)caller;
	begun++;
}

void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure)
{
	(void)spawner, (void)call, (void)failure;
	told++;
}

int orphans_adopt(void)
{
	return 0;
}

void cgroups_open(struct cgroups *cgroups)
{
	(void)cgroups;
}

static struct failure failed(int code, const char *layer)
{
	struct failure failure;

	failure_set(&failure, code, layer, "clone", "");
	return failure;
}

static struct spawner make(enum confinement least)
{
	tried = told = begun = 0;
	return (struct spawner){
		.confinement = CONFINEMENT_FULL, .plan = {.require_profile = least}, .cgroups = CGROUPS_NONE};
}

/* Whether a failure leads to a throwaway sandbox. */
static bool defers(enum confinement least, int code, const char *layer)
{
	struct spawner spawner = make(least);
	struct failure failure = failed(code, layer);
	bool deferred = choice_defer(&spawner, 1, 1, 1, CONFINEMENT_FULL, &failure);

	choice_deinit(&spawner.choice);
	return deferred;
}

static void test_what_is_asked_about(void **state)
{
	static const int passing[] = {ENOMEM, EAGAIN, EMFILE, ENFILE, EINTR, EIO, ETIMEDOUT, ECHILD};

	assert_true(defers(CONFINEMENT_CONTAINER, -EPERM, "namespaces"));
	assert_true(defers(CONFINEMENT_CONTAINER, -ENOSPC, "mounts"));
	assert_false(defers(CONFINEMENT_FULL, -EPERM, "namespaces"));    /* the policy wants it */
	assert_false(defers(CONFINEMENT_CONTAINER, -EPERM, "landlock")); /* the next has it too */
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)                 /* says nothing of the kernel */
		assert_false(defers(CONFINEMENT_CONTAINER, -passing[i], "namespaces"));
}

static void test_only_what_the_bare_one_fails_with_lowers_it(void **state)
{
	struct spawner spawner = make(CONFINEMENT_CONTAINER);
	struct failure failure = failed(-EPERM, "namespaces");

	assert_true(choice_defer(&spawner, 1, 1, 1, CONFINEMENT_FULL, &failure));
	choice_run(&spawner);
	assert_int_equal(tried, 1);
	assert_int_equal(spawner.confinement, CONFINEMENT_FULL);
	choice_tried(&spawner, NULL); /* it stood: the failure was that executor's own */
	assert_int_equal(spawner.confinement, CONFINEMENT_FULL);
	assert_int_equal(told, 1);
	assert_true(spawner.choice.settled);
	/* and from here nothing lowers it, whatever fails */
	assert_false(choice_defer(&spawner, 2, 1, 1, CONFINEMENT_FULL, &failure));
	choice_tried(&spawner, &failure);
	assert_int_equal(spawner.confinement, CONFINEMENT_FULL);
	choice_deinit(&spawner.choice);
}

static void test_one_step_at_a_time(void **state)
{
	struct spawner spawner = make(CONFINEMENT_CONTAINER);
	struct failure failure = failed(-EPERM, "namespaces"), private = failed(-EROFS, "private");

	assert_true(choice_defer(&spawner, 1, 1, 1, CONFINEMENT_FULL, &failure));
	choice_run(&spawner);
	choice_tried(&spawner, &failure);
	assert_int_equal(spawner.confinement, CONFINEMENT_CONTAINER);
	assert_int_equal(tried, 2);       /* what is told of it holds for commands too */
	choice_tried(&spawner, &private); /* below what the policy wants */
	assert_int_equal(spawner.confinement, CONFINEMENT_CONTAINER);
	choice_run(&spawner);
	assert_int_equal(begun, 1);
	choice_deinit(&spawner.choice);
}

static void test_required_layers(void **state)
{
	char *wanted[] = {(char *)"landlock"};
	struct spawner spawner = make(CONFINEMENT_CONTAINER);

	spawner.plan.require_layers = wanted;
	spawner.plan.require_layer_count = 1;
	assert_null(choice_missing_layer(&spawner));
	wanted[0] = (char *)"cgroup"; /* a group with what it is to bind */
	assert_string_equal(choice_missing_layer(&spawner), "cgroup");
	spawner.cgroups.base = 0;
	assert_string_equal(choice_missing_layer(&spawner), "cgroup");
	spawner.cgroups.memory = spawner.cgroups.pids = true;
	assert_null(choice_missing_layer(&spawner));
	spawner.plan.cpu_thousandths = 500;
	assert_string_equal(choice_missing_layer(&spawner), "cgroup");
	spawner.cgroups.cpu = true;
	assert_null(choice_missing_layer(&spawner));
	spawner.confinement = CONFINEMENT_CONTAINER;
	for (const char *const *layer = (const char *const[]){"namespaces", "network", "mounts", NULL};
	     *layer; layer++) {
		wanted[0] = (char *)*layer;
		assert_string_equal(choice_missing_layer(&spawner), *layer);
	}
	spawner.confinement = CONFINEMENT_MINIMAL;
	wanted[0] = (char *)"supervisor";
	assert_string_equal(choice_missing_layer(&spawner), "supervisor");
	wanted[0] = (char *)"private";
	assert_string_equal(choice_missing_layer(&spawner), "private");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_is_asked_about),
					   cmocka_unit_test(test_only_what_the_bare_one_fails_with_lowers_it),
					   cmocka_unit_test(test_one_step_at_a_time),
					   cmocka_unit_test(test_required_layers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
