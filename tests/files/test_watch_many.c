/* SPDX-License-Identifier: Apache-2.0 */
/* Watched paths, the executor's side: neither many watches nor a neighbour who renames at full speed does
 * harm. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tests/files/watches.h"

/* A thousand, in a hundred directories; each is told of its own. */
static void test_many(void **state)
{
	struct harness *harness = harness_new();
	char path[64];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "ws/d%02u", i);
		make_directory(harness, path);
	}
	begin(harness);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(path, sizeof path, "ws/d%02u/%u", i % 100, i);
		make_text(harness, path, "x");
		watched(harness, i, path + 3);
	}
	fence(harness); /* of being made */
	for (unsigned i = 0; i < 1000; i++)
		harness->answers[i].changes = 0;
	make_text(harness, "ws/d07/507", "y");
	assert_int_equal(told(harness, 507), 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(harness->answers[i].changes, 0);
	move(harness, "ws/d42", "ws/away");
	fence(harness);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(harness->answers[i].changes, i % 100 == 42);
	for (unsigned i = 0; i < 1000; i++)
		unwatch(harness, i);
	end(harness);
}

/* More events than the kernel keeps, while the executor is stopped: everybody is told, and hears on. */
static void test_overflow(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/quiet", "x");
	make_directory(harness, "ws/loud");
	begin(harness);
	watched(harness, 1, "quiet");
	watched(harness, 2, "loud/x");
	assert_int_equal(kill(harness->pid, SIGSTOP), 0);
	for (int i = 0; i < 9000; i++) { /* two each: fs.inotify.max_queued_events is 16,384 unless raised */
		make_text(harness, "ws/loud/x", "");
		assert_int_equal(unlink(inside(harness, "ws/loud/x")), 0);
	}
	assert_int_equal(kill(harness->pid, SIGCONT), 0);
	while (!harness->answers[1].changes)
		harness_pump(harness);
	while (told(harness, 1) || told(harness, 2))
		;
	make_text(harness, "ws/quiet", "y");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/loud/x", "y");
	assert_int_equal(told(harness, 2), 1);
	unwatch(harness, 1);
	unwatch(harness, 2);
	end(harness);
}

static clock_t processor_time(pid_t pid)
{
	char path[64], line[1024];
	unsigned long user, system;
	_cleanup_fd_ int fd = -1;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	length = read(fd, line, sizeof line - 1);
	assert_true(length > 0);
	line[length] = '\0';
	assert_int_equal(sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &system),
			 2);
	return (clock_t)(user + system);
}

/* Renames directories on the way for as long as it lives. */
static pid_t hostile(const char *one, const char *two)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	for (;;) {
		rename(one, two);
		rename(two, one);
	}
}

static void test_renames_at_full_speed(void **state)
{
	struct harness *harness = harness_new();
	char one[300], path[64];
	clock_t before, used;
	struct tms ignored;
	pid_t pid;

	make_directory(harness, "ws/one");
	make_directory(harness, "ws/one/sub");
	begin(harness);
	for (uint32_t number = 0; number < 200; number++) {
		snprintf(path, sizeof path, "one/sub/%u", number);
		watched(harness, number, path);
	}
	snprintf(one, sizeof one, "%s", inside(harness, "ws/one"));
	pid = hostile(one, inside(harness, "ws/two"));
	before = processor_time(harness->pid);
	clock_t began = times(&ignored);
	for (int i = 0; i < 10; i++) /* others are served meanwhile, and it goes on */
		fence(harness);
	used = processor_time(harness->pid) - before;
	assert_true(times(&ignored) > began);
	/* less than half of one processor while two others have the rest */
	assert_in_range(used, 0, (times(&ignored) - began) / 2 + sysconf(_SC_CLK_TCK) / 10);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	if (access(one, F_OK) < 0)
		move(harness, "ws/two", "ws/one");
	fence(harness);
	fence(harness);
	for (uint32_t number = 0; number < 200; number++)
		harness->answers[number].changes = 0;
	make_text(harness, "ws/one/sub/7", "heard still");
	assert_int_equal(told(harness, 7), 1);
	for (uint32_t number = 0; number < 200; number++)
		unwatch(harness, number);
	end(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_renames_at_full_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
