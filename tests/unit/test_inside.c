/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the web executor into sandboxes: for whom, and how many. */
#include "protocol/cleanup.h"
#include "tests/support/inside.h"

static void test_connected(void **state)
{
	struct running running;
	struct relay relay;
	char byte;
	int door, outside;

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	ask(7, 0, 8000, 0x7f000002);
	relay = take_relay(door, 8000, 0x7f000002);
	frontend_expect_nothing(&frontend, web);
	connect_relay(&relay);
	outside = expect_connected(7);
	assert_int_equal(write(relay.fds.fds[1], "x", 1), 1);
	assert_int_equal(read(outside, &byte, 1), 1);
	/* neither a command nor in their way */
	assert_int_equal(callers[0].running_count, 1);
	assert_int_equal(frontend.calls.sandboxes->inside_count, 1);
	drop(&relay);
	assert_int_equal(frontend.calls.sandboxes->inside_count, 0);
	frontend_expect_nothing(&frontend, web);
	close(outside);
	finish_all(door, &running);
}

static void test_nobody_listens(void **state)
{
	struct running running;
	struct relay relay;
	int door;

	begin(4, false);
	fetch(0);
	ask(1, 0, 8000, 0); /* and no sandbox is asked for */
	expect_refused(1, ECONNREFUSED, "where no command runs");
	frontend_expect_nothing(&frontend, frontend.spawner);
	door = stand(0, &running);
	ask(2, 0, 8000, 0);
	relay = take_relay(door, 8000, 0);
	frontend_frame(relay.fds.fds[0], KEEPER_FAILED, relay.call, ECONNREFUSED, "\0\0\0\0\0\0\0", 8, -1);
	drop(&relay);
	expect_refused(2, ECONNREFUSED, "nothing listens on port 8000 in your sandbox; start");
	ask(3, 0, 8000, 0);
	relay = take_relay(door, 8000, 0);
	drop(&relay); /* without a word */
	expect_refused(3, ECONNRESET, "the sandbox ended");
	assert_null(frontend.calls.sandboxes->insides.all);
	finish_all(door, &running);
}

static void test_for_whom(void **state)
{
	struct running running, other;
	int door, others;

	begin(4, false);
	door = stand(0, &running);
	others = stand(1, &other);
	fetch(0);
	ask(1, 1, 8000, 0); /* it was asked nothing for this one */
	expect_refused(1, ECONNREFUSED, "nothing listens");
	ask(2, 2, 8000, 0); /* nothing of whose runs */
	expect_refused(2, ECONNREFUSED, "nothing listens");
	frontend_expect_nothing(&frontend, others);
	frontend_expect_nothing(&frontend, door);
	finish(&other);
	close(others);
	finish_all(door, &running);
}

/* Other executors have nothing to ask here. */
static void test_of_no_other(void **state)
{
	struct running running;
	int door;

	begin(4, false);
	door = stand(0, &running);
	assert_int_equal(replies_take(&frontend.calls, &frontend.calls.files,
				      &(struct frame_header){.type = WEB_INSIDE, .length = 12},
				      (const uint8_t *)"\1\0\0\0\1\0\0\0\1\0\0\0"),
			 -EPROTO);
	fetch(0);
	finish_all(door, &running);
}

static void test_no_more_than_may_be(void **state)
{
	struct relay relays[LIMIT_INSIDE_CONNECTIONS], relay;
	struct running running;
	int door, outside[LIMIT_INSIDE_CONNECTIONS];

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	for (uint32_t i = 0; i < LIMIT_INSIDE_CONNECTIONS; i++) {
		ask(i, 0, 8000, 0);
		relays[i] = take_relay(door, 8000, 0);
		connect_relay(&relays[i]);
		outside[i] = expect_connected(i);
	}
	ask(100, 0, 8000, 0);
	ask(101, 0, 8000, 0);
	frontend_expect_nothing(&frontend, door);
	drop(&relays[3]);
	close(outside[3]);
	relay = take_relay(door, 8000, 0); /* one of them has its turn */
	frontend_expect_nothing(&frontend, door);
	connect_relay(&relay);
	close(expect_connected(101));
	fire(frontend.loop.heap[1]); /* the other's time has passed */
	expect_refused(100, ETIMEDOUT, "or 16 other connections");
	drop(&relay);
	for (uint32_t i = 0; i < LIMIT_INSIDE_CONNECTIONS; i++)
		if (i != 3) {
			drop(&relays[i]);
			close(outside[i]);
		}
	assert_int_equal(frontend.calls.sandboxes->inside_count, 0);
	finish_all(door, &running);
}

static void test_a_flood_is_refused(void **state)
{
	struct running running;
	unsigned refused = 0;
	int door, error;

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	for (uint32_t i = 0; i < LIMIT_INSIDE_WAITING + LIMIT_INSIDE_CONNECTIONS + 50; i++) {
		struct frame_header header;

		ask(i, 0, 8000, 0);
		if (frame_receive(web, &header, &frontend.frame, NULL, MSG_DONTWAIT) == 0) {
			assert_int_equal(header.type, WEB_UNCONNECTED);
			assert_int_equal(header.value, EBUSY);
			refused++;
		}
	}
	assert_int_equal(refused, 50 + LIMIT_INSIDE_CONNECTIONS);
	assert_int_equal(frontend.calls.sandboxes->insides.waiting, LIMIT_INSIDE_WAITING);
	close(web); /* all of them go with it */
	web = -1;
	frontend_turn(&frontend);
	die(2);
	assert_null(frontend.calls.sandboxes->insides.all);
	for (error = 0; error == 0;) {
		struct frame_descriptors fds;
		struct frame_header header;

		frame_descriptors_init(&fds);
		error = frame_receive(door, &header, &frontend.frame, &fds, MSG_DONTWAIT);
		frame_descriptors_close(&fds);
	}
	finish(&running);
	close(door);
	end();
}

static void test_where_there_is_no_loopback(void **state)
{
	struct running running;
	int door;

	begin(4, false);
	door = stand(0, &running);
	fetch(0);
	frontend.supervisor.found.profile = CONFINEMENT_CONTAINER;
	ask(1, 0, 8000, 0);
	expect_refused(1, EOPNOTSUPP, "under the profile container");
	frontend_expect_nothing(&frontend, door);
	finish_all(door, &running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connected),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_for_whom),
		cmocka_unit_test(test_of_no_other),
		cmocka_unit_test(test_no_more_than_may_be),
		cmocka_unit_test(test_a_flood_is_refused),
		cmocka_unit_test(test_where_there_is_no_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
