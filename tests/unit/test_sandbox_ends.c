/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes of several callers when one dies, or its keeper lies: what one sandbox says or does not say never
 * reaches another's.
 */
#include "tests/support/callers.h"

/* ---- the dead ---- */

/* It is told as it is: nobody knows whether all of it is dead. */
static void test_death_overdue(void **state)
{
	struct running running;
	int door, id, other;

	begin(8, false);
	id = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(door);
	close(door);
	frontend_turn(&frontend);
	expect_kill();
	assert_false(answered(id));
	fire(&frontend.supervisor.all->bound);
	assert_true(answered(id));
	assert_int_equal(frontend_count(&frontend, "the kernel has not ended all of it yet"), 1);
	frame_descriptors_close(&running.fds);
	die(1); /* late: nobody is meant */
	other = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	serve(door);
	assert_true(answered(other));
	close(door);
	end();
}

/* With the spawner goes everything; that nothing is left is read from the processes themselves. */
static void test_spawner_dies(void **state)
{
	struct running running[2];
	int doors[2];

	begin(8, false);
	for (int i = 0; i < 2; i++) {
		run(i);
		doors[i] = frontend_start(&frontend, SPAWNER_SANDBOX);
		running[i] = take(doors[i]);
	}
	close(frontend.spawner);
	frontend.spawner = -1;
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "Nothing of it is alive"), 2);
	for (int i = 0; i < 2; i++) {
		close(doors[i]);
		frame_descriptors_close(&running[i].fds);
	}
	end();
}

/* A caller that leaves takes its own sandboxes along, the one that still starts too, and nobody else's. */
static void test_caller_leaves(void **state)
{
	int doors[2], id;

	begin(8, false);
	for (int i = 0; i < 2; i++) {
		run(i);
		doors[i] = frontend_start(&frontend, SPAWNER_SANDBOX);
		serve(doors[i]);
	}
	run(2);
	calls_abandon(&frontend.calls);
	caller_deinit(&callers[2]);
	caller_deinit(&callers[0]);
	close(frontend_start(&frontend, SPAWNER_SANDBOX));
	assert_int_equal(expect_kill(), 1);
	assert_int_equal(expect_kill(), 3);
	id = run(1);
	serve(doors[1]);
	assert_true(answered(id));
	close(doors[0]);
	close(doors[1]);
	end();
}

/* ---- keepers that lie ---- */

#define AT_THE_DOOR UINT32_MAX

/* Each lie costs the liar's caller its sandbox; beside it everything goes on. */
static void test_keeper_lies(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t call; /* 0: the other caller's; AT_THE_DOOR: of no call */
		size_t length;
		unsigned times;
	} lies[] = {
		{KEEPER_SWEPT, 4711, 0, 2 * LIMIT_NANNY_DEATHS}, /* more than ever ran */
		{KEEPER_SWEPT, AT_THE_DOOR, 0, 2 * LIMIT_NANNY_DEATHS},
		{KEEPER_SWEPT, 0, 0, 2 * LIMIT_NANNY_DEATHS},
		{KEEPER_SWEPT, 4711, 1, 1},
		{KEEPER_ENDED, 4711, 4, 1},
		{KEEPER_RUN, 4711, 0, 1},
		{SPAWNER_DIED, 4711, 0, 1},
		{0xffff, 4711, 0, 1},
	};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct running liar, other;
		int doors[2], ids[2];

		begin(8, false);
		for (int k = 0; k < 2; k++) {
			ids[k] = run(k);
			doors[k] = frontend_start(&frontend, SPAWNER_SANDBOX);
		}
		liar = take(doors[0]);
		other = take(doors[1]);
		for (unsigned k = 0; k < lies[i].times; k++) {
			struct frame_header header = {.type = lies[i].type,
						      .call = lies[i].call ? lies[i].call : other.call};

			if (header.call == AT_THE_DOOR)
				header.call = 0;
			if (frame_send(doors[0], &header, "....", lies[i].length, NULL, 0, MSG_DONTWAIT) < 0)
				break;
			frontend_turn(&frontend);
		}
		assert_int_equal(expect_kill(), 1);
		frontend_expect_nothing(&frontend, frontend.spawner);
		assert_false(answered(ids[0]) || answered(ids[1]));
		die(1);
		assert_true(answered(ids[0]) && !answered(ids[1]));
		finish(&other);
		assert_true(answered(ids[1]));
		assert_int_equal(frontend_count(&frontend, "[exit 0"), 1);
		frame_descriptors_close(&liar.fds);
		close(doors[0]);
		close(doors[1]);
		end();
	}
}

/* That its nanny died and was swept is believed of a sandbox's own commands only. */
static void test_swept_of_another(void **state)
{
	struct running first, second;
	int doors[2], ids[2];

	begin(8, false);
	for (int i = 0; i < 2; i++) {
		ids[i] = run(i);
		doors[i] = frontend_start(&frontend, SPAWNER_SANDBOX);
	}
	first = take(doors[0]);
	second = take(doors[1]);
	frontend_frame(doors[0], KEEPER_SWEPT, second.call, 0, NULL, 0, -1);
	frame_descriptors_close(&first.fds);
	frontend_turn(&frontend);
	assert_false(answered(ids[0]) || answered(ids[1]));
	finish(&second);
	assert_int_equal(frontend_count(&frontend, "[exit 0"), 1);
	frontend_frame(doors[0], KEEPER_SWEPT, first.call, 0, NULL, 0, -1);
	frontend_turn(&frontend);
	assert_true(answered(ids[0]));
	close(doors[0]);
	close(doors[1]);
	end();
}

/* ---- what is not even received ---- */

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16; older kernels have no such refusal */
#endif

/* Descriptors would be open here until somebody reads their message: who reads none is sent none. */
static void refuses_descriptors(int socket)
{
	struct frame_header header = {.type = KEEPER_SWEPT};
	int passes;
	socklen_t size = sizeof passes;

	if (getsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &passes, &size) == 0)
		assert_int_equal(frame_send(socket, &header, NULL, 0, &socket, 1, MSG_DONTWAIT), -EPERM);
}

static void test_no_descriptors(void **state)
{
	struct running running;
	int door;

	begin(8, false);
	run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(door);
	refuses_descriptors(door);
	refuses_descriptors(running.fds.fds[0]);
	finish(&running);
	close(door);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_death_overdue),    cmocka_unit_test(test_spawner_dies),
		cmocka_unit_test(test_caller_leaves),    cmocka_unit_test(test_keeper_lies),
		cmocka_unit_test(test_swept_of_another), cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
