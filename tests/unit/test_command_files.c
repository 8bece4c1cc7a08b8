/* SPDX-License-Identifier: Apache-2.0 */
/* The files that logs of much output go to (server/command_pipes.c, sandboxes.c). The spawner that makes them
 * is pretended; they are the kernel's. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/command_parts.h"
#include "tests/support/callers.h"

static char bytes[600000];

/* A command that wrote all of that in its last moment. Its report is heard, and its file is asked for. */
static uint32_t flood(int door)
{
	struct running running = take(door);
	int pipe = running.fds.fds[1];

	running.fds.fds[1] = -1;
	assert_in_range(fcntl(pipe, F_SETPIPE_SZ, sizeof bytes), sizeof bytes, 1 << 20);
	memset(bytes, '\n', sizeof bytes);
	assert_int_equal(write(pipe, bytes, sizeof bytes), sizeof bytes);
	close(pipe);
	finish(&running);
	return frontend_expect(&frontend, frontend.spawner, SPAWNER_FILE, NULL).call;
}

static void give(uint32_t number, bool file)
{
	frontend_frame(frontend.spawner, SPAWNER_FILED, number, 0, NULL, 0,
		       file ? memfd_create("log", MFD_CLOEXEC) : -1);
	frontend_turn(&frontend);
}

static unsigned count_kept(const struct caller *caller)
{
	unsigned count = 0;

	for (const struct command *at = caller->ended; at; at = at->next)
		count += command_log_has_file(&at->log);
	return count;
}

/* What a command has written when it ends waits for the file that it needs. */
static void test_report_before_the_file(void **state)
{
	for (int given = 0; given < 2; given++) {
		int door, id;
		uint32_t number;

		begin(8, false);
		id = run(0);
		door = frontend_start(&frontend, SPAWNER_SANDBOX);
		number = flood(door);
		assert_false(answered(id));
		give(number, given);
		assert_true(answered(id));
		assert_int_equal(command_log_total(&callers[0].ended->log), sizeof bytes);
		assert_int_equal(count_kept(&callers[0]), given);
		close(door);
		end();
	}
}

/* Nor is it told for ever that it runs, should none come. */
static void test_a_file_that_does_not_come(void **state)
{
	int door, id;

	begin(8, false);
	id = run(0);
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
	flood(door);
	assert_false(answered(id));
	fire(&callers[0].open->running->timer);
	assert_true(answered(id));
	assert_int_equal(callers[0].running_count, 0);
	close(door);
	end();
}

/* Together they take what so many may; who has ended gives way to who runs. */
static void test_so_many_bytes(void **state)
{
	const uint64_t each = (1 << 20) + (1 << 20) / LIMIT_OUTPUT_RECORD_SHARE;
	unsigned commands = 6 * LIMIT_LOG_FILES; /* none takes all that it may */
	int door = -1;

	begin(8, false);
	frontend.plan.output_bytes = 1 << 20;
	for (unsigned i = 0; i < commands; i++) {
		run(0);
		if (door < 0)
			door = frontend_start(&frontend, SPAWNER_SANDBOX);
		give(flood(door), true);
		assert_in_range(frontend.calls.sandboxes->log_bytes, 1, LIMIT_LOG_FILES * each);
	}
	assert_in_range(count_kept(&callers[0]), LIMIT_LOG_FILES, commands - 1);
	assert_int_equal(count_kept(&callers[0]), frontend.calls.sandboxes->log_count);
	assert_false(command_log_has_file(&callers[0].ended->log)); /* the first */
	while (callers[0].ended)
		command_free(callers[0].ended);
	assert_int_equal(frontend.calls.sandboxes->log_bytes, 0);
	assert_int_equal(frontend.calls.sandboxes->log_count, 0);
	close(door);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_report_before_the_file),
					   cmocka_unit_test(test_a_file_that_does_not_come),
					   cmocka_unit_test(test_so_many_bytes)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
