/* SPDX-License-Identifier: Apache-2.0 */
/* Whose turn it is to be started, and for how long (sandbox/spawner/starts.c, setup.c). */
#include "tests/support/starts.h"

static void ask(struct spawner *spawner, uint32_t count)
{
	for (uint32_t call = 1; call <= count; call++)
		starts_add(spawner, call, SPAWNER_SANDBOX, call + 1000);
	starts_run(spawner);
}

static void test_a_few_at_a_time_and_in_order(void **state)
{
	struct spawner *spawner = *state;

	ask(spawner, 3 * LIMIT_STARTS);
	assert_int_equal(begun_count, LIMIT_STARTS);
	starts_run(spawner);
	assert_int_equal(begun_count, LIMIT_STARTS);
	/* one stands, and one failed and has yet to end: both make room */
	spawner->instances[2].state = INSTANCE_READY;
	spawner->instances[5].failed = true;
	starts_run(spawner);
	assert_int_equal(begun_count, LIMIT_STARTS + 2);
	for (size_t i = 0; i < spawner->count; i++)
		spawner->instances[i].state = INSTANCE_READY;
	starts_run(spawner);
	assert_int_equal(begun_count, 2 * LIMIT_STARTS + 2);
	for (size_t i = 0; i < begun_count; i++)
		assert_int_equal(begun[i], i + 1);
	assert_int_equal(refused, 0);
}

static void test_more_than_the_table_holds(void **state)
{
	struct spawner *spawner = *state;

	ask(spawner, LIMIT_INSTANCES);
	assert_int_equal(refused, 0);
	assert_int_equal(spawner->count + spawner->starts.count, LIMIT_INSTANCES);
	starts_add(spawner, 5000, SPAWNER_SANDBOX, 6000);
	assert_int_equal(refused, 5000);
	assert_int_equal(refused_with, -EMFILE);
}

/* Whatever is to be done without an event is done before the spawner waits for one. */
static void test_one_that_is_tried_again(void **state)
{
	struct spawner *spawner = *state;

	fails = 2;
	ask(spawner, 2);
	assert_int_equal(begun_count, 3);
	assert_int_equal(begun[2], 2);
	assert_int_equal(spawner->count, 2);
}

/* A process that has worked and from then on waits. */
static pid_t start_process(void)
{
	int pipes[2];
	char byte;

	assert_return_code(pipe(pipes), 0);
	pid_t pid = fork();
	if (pid == 0) {
		for (int64_t until = clock_ms() + 20; clock_ms() < until;)
			;
		if (write(pipes[1], "x", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	close(pipes[0]);
	close(pipes[1]);
	return pid;
}

static struct instance *starting(struct spawner *spawner, pid_t pid)
{
	int64_t now = clock_ms();

	spawner->count = 1;
	spawner->instances[0] = (struct instance){
		.pid = pid, .setup = -1, .deadline = now - 1, .latest = now + LIMIT_START_LONGEST_MS};
	return &spawner->instances[0];
}

static void test_slow_is_not_stuck(void **state)
{
	struct spawner *spawner = *state;
	pid_t pid = start_process();
	struct instance *instance = starting(spawner, pid);

	/* it has done something since the last look */
	assert_in_range(instances_expire(spawner), LIMIT_START_MS / 2, LIMIT_START_MS);
	assert_false(instance->failed);
	/* and once it rests, nothing any more */
	for (int64_t until = clock_ms() + LIMIT_START_MS; !instance->failed && clock_ms() < until;) {
		instance->deadline = clock_ms() - 1;
		instances_expire(spawner);
	}
	assert_true(instance->failed);
	/* nor may it work for ever */
	instance = starting(spawner, pid);
	instance->latest = clock_ms();
	instances_expire(spawner);
	assert_true(instance->failed);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_a_word_that_waits_is_heard(void **state)
{
	struct spawner *spawner = *state;
	struct frame_header ready = {.type = SETUP_READY};
	struct instance *instance = starting(spawner, 0);
	int sockets[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_return_code(frame_send(sockets[1], &ready, NULL, 0, NULL, 0, 0), 0);
	instance->setup = sockets[0];
	instance->latest = instance->deadline;
	assert_int_equal(instances_expire(spawner), -1);
	assert_false(instance->failed);
	assert_int_equal(instance->state, INSTANCE_READY);
	close(sockets[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_few_at_a_time_and_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_than_the_table_holds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_one_that_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_slow_is_not_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_word_that_waits_is_heard, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
