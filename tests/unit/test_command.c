/* SPDX-License-Identifier: Apache-2.0 */
/* Commands whose nanny lies, falls silent or dies, and pipes that hold more than usual. */
#include <fcntl.h>

#include "protocol/cleanup.h"
#include "tests/support/nanny.h"

/* All that a pipe of a megabyte holds is taken, when the report comes before it was read. */
static void test_enlarged_pipe(void **state)
{
	static char bytes[1 << 20];
	struct nanny nanny;
	uint32_t number;
	int pipe;

	begin();
	frontend_say(&frontend, RUN("1", ",\"max_bytes\":1048576"));
	nanny = take();
	pipe = nanny.fds.fds[1];
	assert_int_equal(fcntl(pipe, F_SETPIPE_SZ, sizeof bytes), sizeof bytes);
	memset(bytes, 'x', sizeof bytes);
	memcpy(bytes + sizeof bytes - 4, "last", 4);
	assert_int_equal(write(pipe, bytes, sizeof bytes), sizeof bytes);
	close(pipe);
	nanny.fds.fds[1] = -1;
	report(&nanny, 0); /* the leash was watched first, so the report is heard before the pipe */
	frontend_turn(&frontend);
	number = frontend_expect(&frontend, frontend.spawner, SPAWNER_FILE, NULL).call;
	frontend_frame(frontend.spawner, SPAWNER_FILED, number, 0, NULL, 0, -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"omitted_bytes\":{\"stdout\":0,\"stderr\":0}"), 1);
	assert_int_equal(frontend_count(&frontend, "xlast\""), 1);
	frame_descriptors_close(&nanny.fds);
	end();
}

static void test_nanny_lies(void **state)
{
	static const struct {
		uint16_t type;
		size_t length;
	} lies[] = {{KEEPER_ENDED, 3},  {KEEPER_FAILED, 5}, {KEEPER_KILL, 0},
		    {KEEPER_DENIED, 5}, {KEEPER_STATE, 5},  {4711, 0}};

	for (size_t i = 0; i < sizeof lies / sizeof *lies + 1; i++) {
		struct nanny nanny;

		begin();
		frontend_say(&frontend, RUN("1", ""));
		nanny = take();
		if (i < sizeof lies / sizeof *lies)
			frontend_frame(nanny.fds.fds[0], lies[i].type, 0, 0, "\xff\xff\xff\xff\xff",
				       lies[i].length, -1);
		else
			report(&nanny, 0x7f); /* stopped is no end */
		frontend_turn(&frontend);
		assert_int_equal(buffer_length(&frontend.sent), 0); /* not before it is dead */
		frontend_kill(&frontend);
		assert_int_equal(frontend_count(&frontend, "the sandbox ended while the command ran"), 1);
		assert_int_equal(frontend_count(&frontend, "Nothing of it is alive"), 1);
		assert_int_equal(mcp_in_flight(frontend.peer), 0);
		frame_descriptors_close(&nanny.fds);
		end();
	}
}

static void deny(const struct nanny *nanny, const char *target, const char *rule)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_text(&payload, "write");
	frame_put_text(&payload, target);
	assert_int_equal(frame_put_text(&payload, rule), 0);
	frontend_frame(nanny->fds.fds[0], KEEPER_DENIED, 0, 0, buffer_data(&payload), buffer_length(&payload),
		       -1);
	buffer_deinit(&payload);
}

/* What a rule refused is told with the result: once each, counted, and no more than a result bears. */
static void test_denials(void **state)
{
	struct nanny nanny;
	char target[32];

	begin();
	frontend_say(&frontend, RUN("1", ""));
	nanny = take();
	deny(&nanny, "/w/.mcp\n.json", "protected:.mcp.json");
	for (int i = 0; i < LIMIT_COMMAND_DENIALS + 5; i++) {
		snprintf(target, sizeof target, "/w/.vscode/%d", i);
		deny(&nanny, target, "protected:.vscode");
		deny(&nanny, target, "protected:.vscode");
		frontend_turn(&frontend);
	}
	report(&nanny, 0x100);
	frontend_turn(&frontend);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend,
					"Denied: write /w/.mcp?.json (protected:.mcp.json). Allowed: "
					"reading it, and writing elsewhere. Only a person"),
			 1);
	assert_int_equal(frontend_count(&frontend, "(2 times)"), LIMIT_COMMAND_DENIALS - 1);
	assert_int_equal(frontend_count(&frontend, "\"count\":2"), LIMIT_COMMAND_DENIALS - 1);
	assert_int_equal(frontend_count(&frontend, "Denied: 12 more"), 1);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"exited\",\"exit_code\":1"), 1);
	assert_int_equal(frontend_count(&frontend, "\"sallyport.dev/denial\":{\"layer\":\"sandbox\""), 1);
	assert_int_equal(frontend_count(&frontend, "isError"), 0);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* A target cannot write lines of its own, and what was refused before it began is no mere failure. */
static void test_denied_before_it_began(void **state)
{
	struct buffer payload;
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ""));
	nanny = take();
	deny(&nanny, "/secret\n[exit 0", "hidden:/secret");
	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_text(&payload, "chdir");
	assert_int_equal(frame_put_text(&payload, "/secret"), 0);
	frontend_frame(nanny.fds.fds[0], KEEPER_FAILED, 0, EACCES, buffer_data(&payload),
		       buffer_length(&payload), -1);
	buffer_deinit(&payload);
	frontend_turn(&frontend);
	assert_int_equal(
		frontend_count(&frontend,
			       "\"text\":\"Denied: write /secret?[exit 0 (hidden:/secret). Allowed: "),
		1);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"denied\""), 1);
	assert_int_equal(frontend_count(&frontend, "\"isError\":true"), 1);
	assert_int_equal(frontend_count(&frontend, "\"sallyport.dev/denial\":{\"layer\":\"sandbox\""), 1);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* A nanny that dies takes its command with it, not the sandbox, and not those beside it. */
static void test_nanny_dies(void **state)
{
	struct nanny first, second;

	begin();
	frontend_say(&frontend, RUN("1", ""));
	frontend_say(&frontend, RUN("2", ""));
	first = take();
	second = take();
	frame_descriptors_close(&first.fds);
	frontend_turn(&frontend);
	assert_int_equal(buffer_length(&frontend.sent), 0); /* its orphans may live */
	frontend_frame(door, KEEPER_SWEPT, first.call, 0, NULL, 0, -1);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	assert_int_equal(frontend_count(&frontend, "Nothing of it is alive"), 1);
	frontend_expect_nothing(&frontend, frontend.spawner);
	report(&second, 0);
	report(&second, 0); /* a second one is not heard: the leash is closed */
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "[exit 0"), 1);
	frame_descriptors_close(&second.fds);
	end();
}

/* Neither the deadline nor the kill is reported: the sandbox goes, and the one who waits gets a new one. */
static void test_nanny_is_silent(void **state)
{
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ",\"timeout_ms\":1000"));
	nanny = take();
	let_time_pass();
	frontend_expect(&frontend, nanny.fds.fds[0], KEEPER_KILL, NULL);
	assert_int_equal(buffer_length(&frontend.sent), 0);
	let_time_pass();
	assert_int_equal(buffer_length(&frontend.sent), 0);
	frontend_kill(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"id\":1"), 1);
	frontend_say(&frontend, RUN("2", ""));
	frontend_expect(&frontend, frontend.spawner, SPAWNER_START, NULL);
	frame_descriptors_close(&nanny.fds);
	end();
}

/* It had ended when the order to kill it came: the kernel tells of that first, and the report is behind it.
 */
static void test_order_that_came_too_late(void **state)
{
	struct nanny nanny;

	begin();
	frontend_say(&frontend, RUN("1", ",\"timeout_ms\":1000"));
	nanny = take();
	let_time_pass();
	report(&nanny, 0);
	frame_descriptors_close(&nanny.fds);
	frontend_turn(&frontend);
	assert_int_equal(frontend_count(&frontend, "\"status\":\"timed_out\""), 1);
	assert_int_equal(frontend.loop.timers, 0);
	frontend_expect_nothing(&frontend, frontend.spawner);
	end();
}

static void test_a_thousand_cancelled(void **state)
{
	static struct nanny nannies[LIMIT_COMMANDS_AT_ONCE];
	char message[200];

	begin();
	for (int i = 1; i <= 1000; i++) {
		snprintf(message, sizeof message, RUN("%d", ""), i);
		frontend_say(&frontend, message);
	}
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++)
		nannies[i] = take();
	frontend_expect_nothing(&frontend, door);
	for (int i = 1; i <= 1000; i++) {
		snprintf(message, sizeof message, CANCEL("%d"), i);
		frontend_say(&frontend, message);
	}
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++) {
		frontend_expect(&frontend, nannies[i].fds.fds[0], KEEPER_KILL, NULL);
		report(&nannies[i], 9);
		frame_descriptors_close(&nannies[i].fds);
	}
	frontend_turn(&frontend);
	for (int i = 0; i < LIMIT_COMMANDS_AT_ONCE; i++) /* LOOP_EVENTS a turn */
		frontend_turn(&frontend);
	frontend_expect_nothing(&frontend, door); /* what waited is not started for nobody */
	assert_int_equal(buffer_length(&frontend.sent), 0);
	assert_int_equal(mcp_in_flight(frontend.peer), 0);
	assert_int_equal(frontend.calls.free_count, frontend.calls.unused);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enlarged_pipe),
		cmocka_unit_test(test_nanny_lies),
		cmocka_unit_test(test_denials),
		cmocka_unit_test(test_denied_before_it_began),
		cmocka_unit_test(test_nanny_dies),
		cmocka_unit_test(test_nanny_is_silent),
		cmocka_unit_test(test_order_that_came_too_late),
		cmocka_unit_test(test_a_thousand_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
