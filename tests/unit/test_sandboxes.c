/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes of several callers: who gets one at the bound, and when they end. */
#include <sys/resource.h>

#include "tests/support/callers.h"

/* ---- the bound ---- */

static void test_idle_longest_gives_way(void **state)
{
	int doors[3], id;

	begin(2, false);
	for (int i = 0; i < 2; i++) {
		run(i);
		doors[i] = frontend_start(&frontend, SPAWNER_SANDBOX);
		serve(doors[i]);
	}
	run(0); /* used again: now the second is the one that was idle longest */
	serve(doors[0]);
	id = run(2);
	assert_int_equal(expect_kill(), 2);
	frontend_expect_nothing(&frontend, frontend.spawner); /* not before its death */
	run(0);                                               /* it goes on meanwhile */
	serve(doors[0]);
	die(2);
	doors[2] = frontend_start(&frontend, SPAWNER_SANDBOX);
	serve(doors[2]);
	assert_true(answered(id));
	for (int i = 0; i < 3; i++)
		close(doors[i]);
	end();
}

/* None with a command alive is ended for another's sake, and those who wait are served in turn. */
static void test_in_turn(void **state)
{
	struct running running;
	int door, next, last, ids[CALLERS];

	begin(1, false);
	ids[0] = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(door);
	for (int i = 1; i < CALLERS; i++)
		ids[i] = run(i);
	frontend_expect_nothing(&frontend, frontend.spawner);
	finish(&running);
	for (int i = 1; i < CALLERS; i++) {
		assert_int_equal(expect_kill(), i);
		frontend_expect_nothing(&frontend, frontend.spawner);
		close(door);
		die((uint32_t)i);
		next = (int)frontend.calls.sandboxes->all->caller->number;
		assert_int_equal(next, callers[i].number);
		door = frontend_start(&frontend, SPAWNER_SANDBOX);
		last = ids[i];
		assert_false(answered(last));
		serve(door);
		assert_true(answered(last));
	}
	frontend_expect_nothing(&frontend, frontend.spawner); /* nobody waits: the last one stays */
	close(door);
	end();
}

/* Whoever waits longer than its call is told so, and keeps its turn. */
static void test_waits_longer_than_its_call(void **state)
{
	struct running running;
	int door, id;

	begin(1, false);
	run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(door);
	id = run(1);
	fire(&callers[1].waiting->timer);
	assert_true(answered(id));
	assert_int_equal(frontend_count(&frontend, "[waits for its turn: place 1 · id "), 1);
	frontend_expect_nothing(&frontend, frontend.spawner);
	finish(&running);
	frontend_expect(&frontend, frontend.spawner, SPAWNER_KILL, NULL); /* the idle one makes room */
	close(door);
	end();
}

/* Descriptors are a bound too: whoever has too few waits for the end of another's. */
static void test_descriptors(void **state)
{
	struct running first, second;
	int doors[2], ids[2];

	begin(8, false);
	frontend.calls.sandboxes->files = 2 * 3 + 4; /* two sandboxes and one command */
	for (int i = 0; i < 2; i++) {
		ids[i] = run(i);
		doors[i] = frontend_start(&frontend, SPAWNER_SANDBOX);
	}
	first = take(doors[0]);
	frontend_expect_nothing(&frontend, doors[1]);
	run(2);
	frontend_expect_nothing(&frontend, frontend.spawner);
	finish(&first);
	second = take(doors[1]);
	assert_true(answered(ids[0]));
	assert_int_equal(expect_kill(), 1); /* idle, and the third needs its descriptors */
	finish(&second);
	assert_true(answered(ids[1]));
	close(doors[0]);
	die(1);
	close(frontend_start(&frontend, SPAWNER_SANDBOX));
	close(doors[1]);
	end();
}

/* One of each caller at a time, however many one of them has. */
static void test_turns_go_round(void **state)
{
	struct running running;
	int doors[2];

	begin(8, false);
	frontend.calls.sandboxes->files = 2 * 3 + 4; /* two sandboxes and one command */
	run(0);
	doors[0] = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(doors[0]);
	run(0);
	run(0);
	run(1);
	doors[1] = frontend_start(&frontend, SPAWNER_SANDBOX);
	frontend_expect_nothing(&frontend, doors[1]);
	assert_int_equal(command_place(callers[0].waiting->next), 2);
	assert_int_equal(command_place(callers[1].waiting), 2); /* behind one of the other's */
	finish(&running);
	running = take(doors[0]);
	frontend_expect_nothing(&frontend, doors[1]);
	finish(&running);
	running = take(doors[1]); /* before the other's third */
	frontend_expect_nothing(&frontend, doors[0]);
	finish(&running);
	serve(doors[0]);
	close(doors[0]);
	close(doors[1]);
	end();
}

static void test_so_many_at_once(void **state)
{
	struct running running, other;
	int doors[2];

	begin(8, false);
	frontend.plan.commands_at_once = 1;
	run(0);
	run(0);
	doors[0] = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(doors[0]);
	frontend_expect_nothing(&frontend, doors[0]);
	run(1); /* another caller's is not bound by that */
	doors[1] = frontend_start(&frontend, SPAWNER_SANDBOX);
	other = take(doors[1]);
	frontend_expect_nothing(&frontend, doors[0]);
	finish(&other);
	finish(&running);
	serve(doors[0]);
	close(doors[0]);
	close(doors[1]);
	end();
}

/* ---- idle ---- */

static void test_idle_end(void **state)
{
	struct sandbox *sandbox;
	int door, id;

	begin(8, false);
	frontend.plan.sandbox_idle_ms = 1000;
	run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	sandbox = callers[0].open;
	fire(&sandbox->idle); /* a command runs */
	frontend_expect_nothing(&frontend, frontend.spawner);
	serve(door);
	fire(&sandbox->idle); /* it has only just ended */
	frontend_expect_nothing(&frontend, frontend.spawner);
	let_pass(1000);
	fire(&sandbox->idle);
	assert_int_equal(expect_kill(), 1);
	close(door);
	id = run(0); /* the new one does not wait for the death of the old */
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	die(1);
	serve(door);
	assert_true(answered(id));
	close(door);
	end();
}

/* ---- a sandbox for each call ---- */

static void test_one_for_each_call(void **state)
{
	struct running running;
	int doors[3];

	begin(8, true);
	run(0);
	doors[0] = frontend_start(&frontend, SPAWNER_SANDBOX);
	doors[1] = frontend_start(&frontend, SPAWNER_SANDBOX); /* ready for the next */
	frontend_expect_nothing(&frontend, frontend.spawner);
	running = take(doors[0]);
	run(0);
	doors[2] = frontend_start(&frontend, SPAWNER_SANDBOX);
	frontend_expect_nothing(&frontend, doors[0]);
	finish(&running);
	assert_int_equal(expect_kill(), 1);
	running = take(doors[1]);
	finish(&running);
	assert_int_equal(expect_kill(), 2);
	assert_int_equal(frontend_count(&frontend, "[exit 0"), 2);
	die(1);
	die(2);
	frontend_expect_nothing(&frontend, frontend.spawner); /* the third stays ready */
	frontend_expect_nothing(&frontend, doors[2]);
	for (int i = 0; i < 3; i++)
		close(doors[i]);
	end();
}

/* What is made ready and fails, or dies, is not made again and again; the next call tries anew. */
static void test_nothing_ready(void **state)
{
	struct frame_header header;
	struct buffer payload;
	int door, id;

	begin(8, true);
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	header = frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	for (int i = 0; i < 3; i++) /* layer, step, remedy */
		frame_put_text(&payload, "start");
	assert_int_equal(frame_put_u32(&payload, CONFINEMENT_FULL), 0);
	frontend_frame(frontend.spawner, SPAWNER_FAILED, header.call, ENOMEM, buffer_data(&payload),
		       buffer_length(&payload), -1);
	buffer_deinit(&payload);
	frontend_turn(&frontend);
	frontend_expect_nothing(&frontend, frontend.spawner);
	serve(door);
	close(door);
	die(expect_kill());
	frontend_expect_nothing(&frontend, frontend.spawner);
	id = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	serve(door);
	assert_true(answered(id));
	close(door);
	close(frontend_start(&frontend, SPAWNER_SANDBOX));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_longest_gives_way),
		cmocka_unit_test(test_in_turn),
		cmocka_unit_test(test_waits_longer_than_its_call),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_turns_go_round),
		cmocka_unit_test(test_so_many_at_once),
		cmocka_unit_test(test_idle_end),
		cmocka_unit_test(test_one_for_each_call),
		cmocka_unit_test(test_nothing_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
