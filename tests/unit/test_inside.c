/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the web executor into sandboxes: for whom, how many, and what becomes of them when anybody
 * lies or dies. The test plays spawner, web executor and nannies. */
#include "protocol/cleanup.h"
#include "server/replies.h"
#include "tests/support/callers.h"
#include "tools/web/wire.h"

static int web = -1;

/* The web executor runs, and has been asked something for that caller. */
static void fetch(int caller)
{
	char message[200];

	frontend.speaking = &callers[caller];
	snprintf(message, sizeof message,
		 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"fetch_url\",\"arguments\":{\"url\":\"http://localhost:8000/\"}}}",
		 ++said);
	frontend_say(&frontend, message);
	if (web < 0)
		web = frontend_start(&frontend, SPAWNER_WEB);
	frontend_turn(&frontend);
	frontend_expect(&frontend, web, WEB_FETCH, NULL);
}

static void ask(uint32_t number, int caller, uint32_t port, uint32_t place)
{
	const uint32_t fields[] = {callers[caller].number, port, 1000};

	frontend_frame(web, WEB_INSIDE, number, place, fields, sizeof fields, -1);
	frontend_turn(&frontend);
}

struct relay {
	uint32_t call;
	struct frame_descriptors fds; /* leash, the end of the pair */
};

static struct relay take_relay(int door, uint32_t port, uint32_t place)
{
	struct relay relay;
	struct frame_reader reader;

	relay.call = frontend_expect(&frontend, door, KEEPER_CONNECT, &relay.fds).call;
	frame_read(&reader, buffer_data(&frontend.frame), buffer_length(&frontend.frame));
	assert_int_equal(frame_get_u32(&reader), port);
	assert_int_equal(frame_get_u32(&reader), place);
	assert_int_equal(relay.fds.count, 2);
	return relay;
}

static void drop(struct relay *relay)
{
	frame_descriptors_close(&relay->fds);
	frontend_turn(&frontend);
}

/* The executor's end of the pair. */
static int expect_connected(uint32_t number)
{
	struct frame_descriptors fds;

	assert_int_equal(frontend_expect(&frontend, web, WEB_CONNECTED, &fds).call, number);
	assert_int_equal(fds.count, 1);
	return fds.fds[0];
}

static void expect_refused(uint32_t number, int error, const char *words)
{
	struct frame_header header = frontend_expect(&frontend, web, WEB_UNCONNECTED, NULL);
	size_t length = buffer_length(&frontend.frame);

	assert_int_equal(header.call, number);
	assert_int_equal(header.value, error);
	if (!memmem(buffer_data(&frontend.frame), length, words, strlen(words)))
		fail_msg("%.*s", (int)length, buffer_data(&frontend.frame));
}

static void connect_relay(struct relay *relay)
{
	frontend_frame(relay->fds.fds[0], KEEPER_CONNECTED, relay->call, 0, NULL, 0, -1);
	frontend_turn(&frontend);
}

/* A server runs in the caller's sandbox. */
static int stand(int caller, struct running *running)
{
	int door;

	run(caller);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	*running = take(door);
	return door;
}

static void finish_all(int door, struct running *running)
{
	finish(running);
	close(door);
	close(web);
	web = -1;
	end();
}

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
		cmocka_unit_test(test_lies_of_the_executor),
		cmocka_unit_test(test_of_no_other),
		cmocka_unit_test(test_no_more_than_may_be),
		cmocka_unit_test(test_a_flood_is_refused),
		cmocka_unit_test(test_lies_of_a_nanny),
		cmocka_unit_test(test_the_sandbox_ends),
		cmocka_unit_test(test_the_executor_ends),
		cmocka_unit_test(test_where_there_is_no_loopback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
