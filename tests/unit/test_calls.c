/* SPDX-License-Identifier: Apache-2.0 */
/* Calls whose executor lies, hangs, or cannot be had: each is answered once, and the server goes on. */
#include "tests/support/frontend.h"

#define CALL(id, more, tool, arguments)                                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{" more "\"name\":\"" tool  \
	"\",\"arguments\":{" arguments "}}}"
#define FETCH(id) CALL(id, "", "fetch_url", "\"url\":\"http://example.org/\"")
#define ENDED     "web executor ended while it worked"

static struct frontend frontend;
static int web;
static uint32_t number; /* of the call that `web` was asked for */

/* A fetch that is in flight at a web executor, the test. */
static void begin(const char *message)
{
	struct frame_header header;

	frontend_init(&frontend);
	frontend_say(&frontend, message);
	web = frontend_start(&frontend, SPAWNER_WEB);
	assert_int_equal(frame_receive(web, &header, &frontend.frame, NULL, MSG_DONTWAIT), 0);
	number = header.call;
	assert_int_equal(buffer_length(&frontend.sent), 0);
}

static void end(void)
{
	close(web);
	frontend_deinit(&frontend);
}

static void reply(uint16_t type, uint32_t call, const char *text)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	assert_int_equal(frame_put_text(&payload, text), 0);
	frontend_frame(web, type, call, 0, buffer_data(&payload), buffer_length(&payload), -1);
	buffer_deinit(&payload);
}

static void assert_condemned(void)
{
	frontend_turn(&frontend);
	assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_ENDING);
	assert_int_equal(frontend_count(&frontend, ENDED), 0); /* not before it is dead */
	frontend_kill(&frontend);
	assert_int_equal(frontend.calls.web.supervised.state, SUPERVISED_NONE);
}

static void test_twice(void **state)
{
	begin(FETCH("1"));
	reply(REPLY_FAILURE, number, "first");
	reply(REPLY_FAILURE, number, "second");
	assert_condemned();
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	assert_int_equal(frontend_count(&frontend, "Error: first"), 1);
	end();
}

static void test_of_another(void **state)
{
	begin(FETCH("1"));
	frontend_say(&frontend, CALL("2", "", "read_file", "\"path\":\"a\""));
	for (unsigned slot = 0; slot < frontend.calls.unused; slot++) {
		if (frontend.calls.slots[slot]->channel == &frontend.calls.files)
			reply(REPLY_FAILURE, frontend.calls.slots[slot]->number, "forged");
	}
	frontend_turn(&frontend);
	frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL); /* of files */
	frontend_kill(&frontend);
	assert_int_equal(frontend_count(&frontend, "forged"), 0);
	assert_int_equal(frontend_count(&frontend, ENDED), 1);
	assert_int_equal(frontend_count(&frontend, "\"id\":2"), 0);
	end();
}

static void test_malformed(void **state)
{
	static const struct {
		uint16_t type;
		size_t length;
	} lies[] = {{REPLY_RESULT, 3},   {REPLY_FAILURE, 2}, {REPLY_DENIED, 9},
		    {REPLY_PROGRESS, 1}, {REPLY_MEDIA, 5},   {REPLY_CANCEL, 0},
		    {REPLY_WATCHED, 0},  {REPLY_CHANGED, 0}, {999, 0}};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		begin(FETCH("1"));
		frontend_frame(web, lies[i].type, number, 0, "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
			       lies[i].length, -1);
		assert_condemned();
		assert_int_equal(frontend_count(&frontend, ENDED), 1);
		end();
	}
}

static void test_endless_text(void **state)
{
	static char text[LIMIT_FRAME_BYTES];

	begin(FETCH("1"));
	memset(text, '\n', sizeof text);
	for (unsigned i = 0; i <= LIMIT_RESULT_BYTES_MAX / sizeof text + 1; i++) {
		frontend_frame(web, REPLY_TEXT, number, 0, text, sizeof text, -1);
		frontend_turn(&frontend);
	}
	assert_condemned();
	assert_int_equal(frontend_count(&frontend, ENDED), 1);
	end();
}

static void test_never_answers(void **state)
{
	struct call *call;

	begin(FETCH("1"));
	call = calls_find(&frontend.calls, number);
	assert_non_null(call);
	loop_timer_clear(&frontend.loop, &call->deadline);
	call->deadline.fire(&call->deadline);
	assert_int_equal(frontend_count(&frontend, "was not done within"), 1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_expect(&frontend, web, REPLY_CANCEL, NULL).call, number);
	/* still nothing */
	assert_ptr_equal(calls_find(&frontend.calls, number), call);
	assert_int_not_equal(call->deadline.place, 0);
	loop_timer_clear(&frontend.loop, &call->deadline);
	call->deadline.fire(&call->deadline);
	assert_condemned();
	assert_null(calls_find(&frontend.calls, number));
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	end();
}

static void test_cancelled(void **state)
{
	begin(FETCH("1"));
	frontend_say(&frontend, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
				"\"requestId\":1}}");
	frontend_turn(&frontend);
	frontend_expect(&frontend, web, REPLY_CANCEL, NULL);
	frontend_frame(web, REPLY_TEXT, number, 0, "late", 4, -1);
	reply(REPLY_FAILURE, number, "cancelled");
	frontend_turn(&frontend);
	assert_int_equal(buffer_length(&frontend.sent), 0);
	assert_null(calls_find(&frontend.calls, number));
	frontend_expect_nothing(&frontend, frontend.spawner); /* that was no lie */
	end();
}

static void test_flood_of_progress(void **state)
{
	begin(CALL("1", "\"_meta\":{\"progressToken\":7},", "fetch_url", "\"url\":\"http://example.org/\""));
	for (unsigned i = 0; i < 100; i++) {
		reply(REPLY_PROGRESS, number, "more");
		frontend_turn(&frontend);
	}
	assert_in_range(frontend_count(&frontend, "notifications/progress"), 1, 20);
	end();
}

/* ---- executors that cannot be had ---- */

static void test_layer_missing(void **state)
{
	struct frame_header header;
	struct buffer payload;

	frontend_init(&frontend);
	frontend_say(&frontend, FETCH("1"));
	frontend_expect(&frontend, frontend.spawner, SPARE_GO, NULL);
	header = frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	assert_int_equal(frame_put_text(&payload, "landlock"), 0);
	assert_int_equal(frame_put_text(&payload, "landlock_create_ruleset"), 0);
	assert_int_equal(frame_put_text(&payload, "Add landlock to lsm=."), 0);
	assert_int_equal(frame_put_u32(&payload, CONFINEMENT_FULL), 0);
	frontend_frame(frontend.spawner, SPAWNER_FAILED, header.call, ENOSYS, buffer_data(&payload),
		       buffer_length(&payload), -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend,
					"Denied: the web executor cannot be confined: landlock: "
					"landlock_create_ruleset failed with ENOSYS (Function not "
					"implemented) (rule: no tool runs without layer landlock). Allowed: "
					"nothing until this is mended"),
			 1);
	assert_int_equal(frontend_count(&frontend, "every layer. Add landlock to lsm=.\""), 1);
	assert_true(frontend.calls.confinement_missing);
	buffer_deinit(&payload);
	frontend_deinit(&frontend);
}

/* The spawner dies while it starts executors: no layer is missing, and everybody is told once. */
static void test_spawner_dies(void **state)
{
	frontend_init(&frontend);
	frontend_say(&frontend, FETCH("1"));
	frontend_say(&frontend, CALL("2", "", "read_file", "\"path\":\"a\""));
	frontend_say(&frontend, CALL("3", "", "run_command", "\"command\":\"true\""));
	close(frontend.spawner);
	frontend.spawner = -1;
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "could not be started: "), 3);
	assert_int_equal(frontend_count(&frontend, "\"isError\":true"), 3);
	assert_false(frontend.calls.confinement_missing);
	frontend_deinit(&frontend);
}

/* Nobody is there to start anything: the failure comes while the call is still being begun. */
static void test_nobody_left(void **state)
{
	frontend_init(&frontend);
	close(frontend.spawner);
	frontend.spawner = -1;
	frontend_turn(&frontend);
	for (unsigned i = 0; i < 3; i++) {
		frontend_say(&frontend, FETCH("1"));
		frontend_say(&frontend, CALL("2", "", "read_file", "\"path\":\"a\""));
		frontend_say(&frontend, CALL("3", "", "run_command", "\"command\":\"true\",\"stdin\":\"x\""));
	}
	assert_int_equal(frontend_count(&frontend, "Restart the server"), 9);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	frontend_deinit(&frontend);
}

/* Frames that no spawner sends: it is dropped, and what it had ended with it. */
static void test_spawner_lies(void **state)
{
	static const uint16_t lies[] = {SPAWNER_STARTED, SPAWNER_FAILED, SPARE_FAILED, 77};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		begin(FETCH("1"));
		frontend_frame(frontend.spawner, lies[i], 4711, 4712, "?", 1, -1);
		frontend_turn(&frontend);
		assert_int_equal(frontend_count(&frontend, ENDED), 1);
		assert_int_equal(frontend.supervisor.spawner.fd, -1);
		end();
	}
}

/* The spare dies: the spawner makes a new one, and when the spawner dies too, that one takes its place. */
static void test_spare_dies(void **state)
{
	int first[2], second[2];

	begin(FETCH("1"));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, first), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, second), 0);
	frontend_frame(frontend.spawner, SPARE_NEXT, 0, 0, NULL, 0, first[0]);
	close(first[0]);
	frontend_turn(&frontend);
	close(first[1]);
	frontend_turn(&frontend);
	frontend_expect(&frontend, frontend.spawner, SPAWNER_SPARE, NULL);
	frontend_frame(frontend.spawner, SPAWNER_SPARED, 0, 0, NULL, 0, second[0]);
	close(second[0]);
	frontend_turn(&frontend);
	close(frontend.spawner);
	frontend.spawner = second[1];
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, ENDED), 1);
	frontend_say(&frontend, FETCH("2"));
	frontend_expect(&frontend, frontend.spawner, SPARE_GO, NULL);
	frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	end();
}

/* What fails before any layer is an error that may pass, not a kernel that cannot confine. */
static void test_start_fails(void **state)
{
	struct frame_header header;
	struct buffer payload;

	frontend_init(&frontend);
	frontend_say(&frontend, FETCH("1"));
	frontend_expect(&frontend, frontend.spawner, SPARE_GO, NULL);
	header = frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	assert_int_equal(frame_put_text(&payload, "start"), 0);
	assert_int_equal(frame_put_text(&payload, "socketpair"), 0);
	assert_int_equal(frame_put_text(&payload, "Raise it."), 0);
	assert_int_equal(frame_put_u32(&payload, CONFINEMENT_FULL), 0);
	frontend_frame(frontend.spawner, SPAWNER_FAILED, header.call, EMFILE, buffer_data(&payload),
		       buffer_length(&payload), -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend,
					"Error: the web executor could not be started: socketpair: Too "
					"many open files (EMFILE). Nothing was done. Raise it."),
			 1);
	assert_false(frontend.calls.confinement_missing);
	buffer_deinit(&payload);
	frontend_deinit(&frontend);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_of_another),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_endless_text),
		cmocka_unit_test(test_never_answers),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_flood_of_progress),
		cmocka_unit_test(test_layer_missing),
		cmocka_unit_test(test_spawner_dies),
		cmocka_unit_test(test_nobody_left),
		cmocka_unit_test(test_spawner_lies),
		cmocka_unit_test(test_spare_dies),
		cmocka_unit_test(test_start_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
