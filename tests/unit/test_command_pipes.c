/* SPDX-License-Identifier: Apache-2.0 */
/* How fast the output of commands is taken: at once when nobody else calls, else in stretches with a rest. */
#include "tests/support/callers.h"

static int door;
static struct running running;
static struct command *command;
static int call;

static void start(void)
{
	begin(1, false);
	call = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	running = take(door);
	command = callers[0].open->running;
	assert_true(fcntl(running.fds.fds[1], F_SETPIPE_SZ, 1 << 20) > 0);
}

static void finish_it(void)
{
	finish(&running);
	assert_true(answered(call));
}

static void stop(void)
{
	close(door);
	end();
}

/* The loop finds its pipe ready, again and again, at the time that it is (a turn of the loop would ask the
 * clock). */
static void settle(void)
{
	struct loop_source *source = &command->pipes[0].source;
	uint64_t before;

	do {
		before = command_log_total(&command->log);
		if (source->fd >= 0)
			source->ready(source, EPOLLIN);
	} while (command_log_total(&command->log) > before);
}

/* The command writes so many bytes; how many were taken by the time nothing more is. */
static uint64_t flood(size_t length)
{
	static char bytes[LIMIT_COMMAND_LOG_BYTES / 2]; /* with more the log wants a file */
	uint64_t before = command_log_total(&command->log);

	memset(bytes, '\n', sizeof bytes);
	assert_true(before + length <= sizeof bytes);
	assert_int_equal(write(running.fds.fds[1], bytes, length), length);
	settle();
	return command_log_total(&command->log) - before;
}

static void somebody_calls(const char *tool)
{
	char text[128];

	let_pass(1);
	frontend.speaking = &callers[1];
	snprintf(text, sizeof text,
		 "{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"%s\",\"arguments\":{}}}",
		 tool);
	frontend_say(&frontend, text);
}

/* Who asks for what commands write does not make them slower. */
static void test_beside_calls_about_commands(void **state)
{
	start();
	somebody_calls("list_commands");
	somebody_calls("read_output");
	assert_int_equal(flood(LIMIT_PIPE_PACE_BYTES * 3 / 2), LIMIT_PIPE_PACE_BYTES * 3 / 2);
	assert_int_equal(command->pipes[0].rest.place, 0);
	finish_it();
	stop();
}

static void test_alone(void **state)
{
	start();
	assert_int_equal(flood(LIMIT_PIPE_PACE_BYTES * 3 / 2), LIMIT_PIPE_PACE_BYTES * 3 / 2);
	assert_int_equal(command->pipes[0].rest.place, 0);
	finish_it();
	stop();
}

static void test_beside_calls(void **state)
{
	struct command_pipe *pipe;

	start();
	pipe = &command->pipes[0];
	somebody_calls("read_file"); /* it lacks a path, which is no matter here */
	assert_int_equal(flood(LIMIT_PIPE_PACE_BYTES + 1000), LIMIT_PIPE_PACE_BYTES);
	assert_int_equal(pipe->rest.at, pipe->stretch + LOOP_MS(LIMIT_PIPE_PACE_MS));
	let_pass(LIMIT_PIPE_PACE_MS);
	loop_timer_clear(&frontend.loop, &pipe->rest);
	pipe->rest.fire(&pipe->rest);
	settle();
	assert_int_equal(command_log_total(&command->log), LIMIT_PIPE_PACE_BYTES + 1000);
	assert_int_equal(pipe->rest.place, 0);
	/* and when nobody has called for a while it is as before */
	let_pass(LIMIT_PIPE_PACED_MS);
	assert_int_equal(flood(LIMIT_PIPE_PACE_BYTES - 1000), LIMIT_PIPE_PACE_BYTES - 1000);
	assert_int_equal(pipe->rest.place, 0);
	finish_it();
	stop();
}

/* What it wrote in its last moment is told, though its pipe rests. */
static void test_an_end_while_it_rests(void **state)
{
	start();
	somebody_calls("read_file");
	assert_int_equal(flood(LIMIT_PIPE_PACE_BYTES), LIMIT_PIPE_PACE_BYTES);
	assert_true(command->pipes[0].rest.place > 0);
	assert_int_equal(write(running.fds.fds[1], "last words\n", 11), 11);
	finish_it();
	assert_int_equal(frontend_count(&frontend, "last words"), 2); /* text, and structured */
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_beside_calls),
		cmocka_unit_test(test_beside_calls_about_commands),
		cmocka_unit_test(test_an_end_while_it_rests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
