/* SPDX-License-Identifier: Apache-2.0 */
/* What is started before it is asked for (sandbox/spawner/ahead.c). */
#include "tests/support/starts.h"

/* It says that it stands. */
static void stand(struct spawner *spawner, size_t index)
{
	struct frame_header ready = {.type = SETUP_READY};
	int sockets[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_return_code(frame_send(sockets[1], &ready, NULL, 0, NULL, 0, 0), 0);
	spawner->instances[index].setup = sockets[0];
	instance_serve(spawner, index);
	assert_int_equal(spawner->instances[index].state, INSTANCE_READY);
	close(sockets[1]);
}

/* A caller gets one that was started for it. */
static void give(struct spawner *spawner, uint32_t call)
{
	assert_false(ahead_take(spawner, call, call));
	assert_int_equal(instance_add(spawner, &(struct instance_order){.profile = EXECUTOR_SANDBOX}, NULL),
			 0);
	spawner->instances[spawner->count - 1].call = call;
	stand(spawner, spawner->count - 1);
	assert_int_equal(started, call);
}

/* Two callers have one, and there is a third. */
static struct instance *build_ahead(struct spawner *spawner)
{
	give(spawner, 1);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 1);
	give(spawner, 2);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 3);
	assert_int_equal(spawner->instances[2].purpose, INSTANCE_AHEAD);
	return &spawner->instances[2];
}

static void test_the_third_is_there_before_it_is_asked_for(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	assert_false(ahead->told);
	ahead_run(spawner); /* one is enough */
	assert_int_equal(spawner->count, 3);
	assert_true(ahead_take(spawner, 3, 7));
	assert_int_equal(started, 3);
	assert_int_equal(ahead->caller, 7);
	ahead_run(spawner); /* the next one */
	assert_int_equal(spawner->count, 4);
	/* asked for while it starts: told of when it stands */
	assert_true(ahead_take(spawner, 4, 8));
	assert_int_equal(started, 3);
	assert_false(ahead_take(spawner, 5, 9)); /* it is somebody's */
	ahead_run(spawner);                      /* nobody is to wait for it */
	assert_int_equal(spawner->count, 4);
	stand(spawner, 3);
	assert_int_equal(started, 4);
}

static void test_one_that_shows_old_things_is_not_given(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	owner = 1001;
	assert_false(ahead_take(spawner, 3, 3));
	assert_int_equal(ended, ahead->id);
	assert_true(ahead->failed);
	assert_int_equal(started, 2);
}

static void test_one_in_vain_ends(void **state)
{
	struct spawner *spawner = *state;
	struct instance *ahead = build_ahead(spawner);

	stand(spawner, 2);
	assert_in_range(instances_expire(spawner), LIMIT_AHEAD_MS / 2, LIMIT_AHEAD_MS);
	assert_false(ahead->failed);
	ahead->deadline = ahead->latest = clock_ms() - 1;
	assert_int_equal(instances_expire(spawner), -1);
	assert_true(ahead->failed);
	assert_false(ahead_take(spawner, 3, 3));
	ahead_run(spawner); /* nobody has asked since */
	assert_int_equal(spawner->count, 3);
	/* of those that somebody has none ends */
	spawner->instances[0].deadline = spawner->instances[0].latest = clock_ms() - 1;
	assert_int_equal(instances_expire(spawner), -1);
	assert_false(spawner->instances[0].failed);
}

static void test_none_where_each_call_has_its_own(void **state)
{
	struct spawner *spawner = *state;

	spawner->plan.sandbox_per_call = true;
	give(spawner, 1);
	give(spawner, 2);
	ahead_run(spawner);
	assert_int_equal(spawner->count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_third_is_there_before_it_is_asked_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_one_that_shows_old_things_is_not_given, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_in_vain_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(test_none_where_each_call_has_its_own, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
