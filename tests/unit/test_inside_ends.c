/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the web executor into sandboxes: what becomes of them when anybody lies or dies. */
#include "protocol/cleanup.h"
#include "tests/support/inside.h"

static void test_lies_of_the_executor(void **state)
{
	static const struct {
		uint32_t value, fields[4], count;
	} lies[] = {
		{0, {1, 0, 1000}, 3},    {0, {1, 65536, 1000}, 3},         {0, {1, UINT32_MAX, 1000}, 3},
		{2, {1, 8000, 1000}, 3}, {0x0a000001, {1, 8000, 1000}, 3}, {0x7effffff, {1, 8000, 1000}, 3},
		{0, {1, 8000}, 2},       {0, {1, 8000, 1000, 1}, 4},       {0, {0}, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct running running;
		int door;

		begin(4, false);
		door = stand(0, &running);
		fetch(0);
		frontend_frame(web, WEB_INSIDE, 1, lies[i].value, lies[i].fields, lies[i].count * 4, -1);
		frontend_turn(&frontend);
		assert_int_equal(expect_kill(), 2);
		frontend_expect_nothing(&frontend, door);
		die(2);
		finish_all(door, &running);
	}
}

/* A second word, or one that is none: the sandbox ends, as after any lie of a nanny's. */
static void test_lies_of_a_nanny(void **state)
{
	static const uint16_t words[] = {KEEPER_CONNECTED, KEEPER_ENDED, KEEPER_STATE, KEEPER_DENIED, 99};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		struct running running;
		struct relay relay;
		int door;

		begin(4, false);
		door = stand(0, &running);
		fetch(0);
		ask(1, 0, 8000, 0);
		relay = take_relay(door, 8000, 0);
		if (words[i] == KEEPER_CONNECTED) {
			connect_relay(&relay);
			close(expect_connected(1));
		}
		frontend_frame(relay.fds.fds[0], words[i], relay.call, 0, NULL, 0, -1);
		frontend_turn(&frontend);
		assert_int_equal(expect_kill(), 1);
		if (words[i] != KEEPER_CONNECTED)
			expect_refused(1, ECONNRESET, "the sandbox ended");
		drop(&relay);
		die(1);
		frame_descriptors_close(&running.fds);
		close(door);
		close(web);
		web = -1;
		end();
	}
}

static void test_the_sandbox_ends(void **state)
{
	struct running running;
	struct relay asked, connected;
	int door, outside;
	char byte;

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	ask(1, 0, 8000, 0);
	asked = take_relay(door, 8000, 0);
	ask(2, 0, 8000, 0);
	connected = take_relay(door, 8000, 0);
	connect_relay(&connected);
	outside = expect_connected(2);
	die(1);
	expect_refused(1, ECONNRESET, "the sandbox ended");
	assert_null(frontend.calls.sandboxes->insides.all);
	drop(&asked);
	drop(&connected);
	assert_int_equal(read(outside, &byte, 1), 0);
	close(outside);
	frame_descriptors_close(&running.fds);
	close(door);
	close(web);
	web = -1;
	end();
}

/* What an executor has asked is none of the next one's business. */
static void test_the_executor_ends(void **state)
{
	struct running running;
	struct relay relay;
	int door;

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	ask(1, 0, 8000, 0);
	relay = take_relay(door, 8000, 0);
	close(web);
	web = -1;
	frontend_turn(&frontend);
	assert_int_equal(expect_kill(), 2);
	die(2);
	assert_null(frontend.calls.sandboxes->insides.all);
	fetch(0);
	frontend_expect_nothing(&frontend, web);
	drop(&relay);
	finish_all(door, &running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies_of_the_executor),
		cmocka_unit_test(test_lies_of_a_nanny),
		cmocka_unit_test(test_the_sandbox_ends),
		cmocka_unit_test(test_the_executor_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
