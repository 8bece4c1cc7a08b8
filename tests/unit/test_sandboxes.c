/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes of several callers: who gets one at the bound, when they end, and that what one sandbox says or
 * does not say never reaches another's. The test plays spawner, keepers and nannies, and lets time pass by
 * firing timers.
 */
#include <fcntl.h>
#include <sys/resource.h>

#include "server/command_parts.h"
#include "tests/support/frontend.h"

#define CALLERS 4

static struct frontend frontend;
static struct caller callers[CALLERS];
static int said; /* the id of the last call */

/* A command at a nanny. */
struct running {
	uint32_t call;
	struct frame_descriptors fds;
};

static void begin(unsigned maximum, bool per_call)
{
	said = 0;
	frontend_init(&frontend);
	frontend.plan.sandbox_maximum = maximum;
	frontend.plan.sandbox_per_call = per_call;
	for (int i = 0; i < CALLERS; i++)
		caller_init(&callers[i], frontend.calls.sandboxes);
}

static void end(void)
{
	calls_abandon(&frontend.calls);
	for (int i = 0; i < CALLERS; i++)
		caller_deinit(&callers[i]);
	frontend_deinit(&frontend);
}

/* Returns the call's id. */
static int run(int caller)
{
	char message[200];

	frontend.speaking = &callers[caller];
	snprintf(message, sizeof message,
		 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"run_command\",\"arguments\":{\"command\":\"x\"}}}",
		 ++said);
	frontend_say(&frontend, message);
	return said;
}

static bool answered(int id)
{
	char text[32];

	snprintf(text, sizeof text, "\"id\":%d,", id);
	return frontend_count(&frontend, text) == 1;
}

static struct running take(int door)
{
	struct running running;

	running.call = frontend_expect(&frontend, door, KEEPER_RUN, &running.fds).call;
	return running;
}

/* Its nanny reports the end. */
static void finish(struct running *running)
{
	static const char report[4 + 3 * 8 + 4]; /* exit 0, nothing used, nobody left over */

	frontend_frame(running->fds.fds[0], KEEPER_ENDED, 0, 0, report, sizeof report, -1);
	frame_descriptors_close(&running->fds);
	frontend_turn(&frontend);
}

static void serve(int door)
{
	struct running running = take(door);

	finish(&running);
}

static uint32_t expect_kill(void)
{
	return frontend_expect(&frontend, frontend.spawner, SPAWNER_KILL, NULL).value;
}

static void die(uint32_t instance)
{
	frontend_frame(frontend.spawner, SPAWNER_DIED, 0, instance, (char[16]){0}, 16, -1);
	frontend_turn(&frontend);
}

static void fire(struct loop_timer *timer)
{
	assert_true(timer->place > 0);
	loop_timer_clear(&frontend.loop, timer);
	timer->fire(timer);
	frontend_turn(&frontend);
}

/* The loop takes its time from the clock; here it stands still between turns, so a while is one that is set.
 */
static void let_pass(uint32_t milliseconds)
{
	frontend.loop.now += LOOP_MS(milliseconds);
}

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

static void test_waits_in_vain(void **state)
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
	assert_int_equal(
		frontend_count(&frontend, "(sandbox.maximum), and none ended in time. Nothing was done"), 1);
	finish(&running);
	frontend_expect_nothing(&frontend, frontend.spawner); /* nobody waits any more */
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

/* Each lie costs the liar's caller its sandbox; beside it everything goes on. */
static void test_keeper_lies(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t call; /* 0: the other caller's */
		size_t length;
		unsigned times;
	} lies[] = {
		{KEEPER_SWEPT, 4711, 0, 2 * LIMIT_NANNY_DEATHS}, /* more than ever ran */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle_longest_gives_way),
		cmocka_unit_test(test_in_turn),
		cmocka_unit_test(test_waits_in_vain),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_idle_end),
		cmocka_unit_test(test_one_for_each_call),
		cmocka_unit_test(test_nothing_ready),
		cmocka_unit_test(test_death_overdue),
		cmocka_unit_test(test_spawner_dies),
		cmocka_unit_test(test_caller_leaves),
		cmocka_unit_test(test_keeper_lies),
		cmocka_unit_test(test_swept_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
