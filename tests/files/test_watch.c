/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watched paths, the executor's side: what is told of, what is not, and that neither many watches nor a
 * neighbour who renames at full speed does harm. That nothing was told is seen behind a change that must be.
 */
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
#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tests/files/requests.h"

#define FENCE (HARNESS_CALLS - 1) /* the number of a watch that every test has */

static struct answer *watch(struct harness *harness, uint32_t number, const char *path)
{
	struct buffer payload;

	harness_answer(harness, number); /* emptied */
	buffer_init(&payload, 1u << 20);
	assert_int_equal(frame_put_text(&payload, path), 0);
	harness_send(harness, FILES_WATCH, number, &payload);
	buffer_deinit(&payload);
	harness_wake(harness);
	return harness_wait(harness, number);
}

static void watched(struct harness *harness, uint32_t number, const char *path)
{
	const struct answer *answer = watch(harness, number, path);

	if (answer->type != REPLY_WATCHED)
		fail_msg("%s: %s", path, answer_text(answer, 0));
}

static void unwatch(struct harness *harness, uint32_t number)
{
	struct buffer payload;

	buffer_init(&payload, 16);
	harness_send(harness, FILES_UNWATCH, number, &payload);
	harness_wake(harness);
}

static struct harness *begin(struct harness *harness)
{
	make_directory(harness, "ws/fence");
	harness_start(harness);
	watched(harness, FENCE, "fence/f");
	return harness;
}

/* Everything that happened before this has been told. */
static void fence(struct harness *harness)
{
	struct answer *answer = &harness->answers[FENCE];

	answer->changes = 0;
	make_text(harness, "ws/fence/f", "x");
	while (!answer->changes)
		harness_pump(harness);
}

static void end(struct harness *harness)
{
	unwatch(harness, FENCE);
	harness_stop(harness);
}

/* How often `number` was told of since last asked. */
static unsigned told(struct harness *harness, uint32_t number)
{
	unsigned changes;

	fence(harness);
	changes = harness->answers[number].changes;
	harness->answers[number].changes = 0;
	return changes;
}

static void move(struct harness *harness, const char *from, const char *to)
{
	assert_int_equal(rename(inside(harness, from), inside(harness, to)), 0);
}

static void test_a_file(void **state)
{
	struct harness *harness = harness_new();
	_cleanup_fd_ int fd = -1;

	make_text(harness, "ws/a", "one");
	make_text(harness, "ws/b", "other");
	begin(harness);
	watched(harness, 1, "a");
	assert_int_equal(told(harness, 1), 0);
	make_text(harness, "ws/b", "changed");
	free(take_file(harness, "ws/a", NULL)); /* read */
	assert_int_equal(told(harness, 1), 0);
	fd = open(inside(harness, "ws/a"), O_WRONLY | O_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(told(harness, 1), 1);
	move(harness, "ws/b", "ws/a"); /* replaced */
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(write(fd, "x", 1), 1); /* the one that was replaced */
	assert_int_equal(told(harness, 1), 0);
	make_text(harness, "ws/a", "again"); /* the new one is watched */
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(unlink(inside(harness, "ws/a")), 0);
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/a", "made anew");
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(link(inside(harness, "ws/a"), inside(harness, "ws/same")), 0);
	assert_int_equal(told(harness, 1), 1); /* one more link: its attributes */
	make_text(harness, "ws/same", "by its other name");
	assert_int_equal(told(harness, 1), 1);
	unwatch(harness, 1);
	make_text(harness, "ws/a", "nobody listens");
	assert_int_equal(told(harness, 1), 0);
	end(harness);
}

/* Ours is a temporary file and a rename; it is one change. */
static void test_our_own_write(void **state)
{
	struct harness *harness = begin(harness_new());

	watched(harness, 1, "a");
	harness_write(harness, "a", "one", 3, 0, "");
	assert_int_equal(told(harness, 1), 1);
	harness_write(harness, "a", "two", 3, 0, "");
	assert_int_equal(told(harness, 1), 1);
	unwatch(harness, 1);
	end(harness);
}

/* What is not there yet, nor the way to it. */
static void test_the_way(void **state)
{
	struct harness *harness = begin(harness_new());

	watched(harness, 1, "one/two/three");
	make_directory(harness, "ws/two");
	assert_int_equal(told(harness, 1), 0);
	make_directory(harness, "ws/one");
	assert_int_equal(told(harness, 1), 1);
	make_directory(harness, "ws/one/two");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/one/two/three", "x");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/one/two/four", "x");
	assert_int_equal(told(harness, 1), 0);
	/* away and back, and another in its place meanwhile */
	move(harness, "ws/one", "ws/away");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/away/two/three", "of another name now");
	assert_int_equal(told(harness, 1), 0);
	make_directory(harness, "ws/one");
	make_directory(harness, "ws/one/two");
	make_text(harness, "ws/one/two/three", "another");
	assert_int_equal(told(harness, 1), 1);
	move(harness, "ws/one", "ws/other");
	move(harness, "ws/away", "ws/one");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "ws/one/two/three", "the first again");
	assert_int_equal(told(harness, 1), 1);
	unwatch(harness, 1);
	end(harness);
}

/* A directory is what is in it, as far as names go. */
static void test_a_directory(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/d");
	begin(harness);
	watched(harness, 1, "d");
	watched(harness, 2, "d/");
	watched(harness, 3, inside(harness, "ws/d/x"));
	make_text(harness, "ws/d/x", "");
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(harness->answers[2].changes, 1);
	assert_int_equal(harness->answers[3].changes, 1);
	for (uint32_t number = 1; number < 4; number++)
		unwatch(harness, number);
	end(harness);
}

static void test_links(void **state)
{
	struct harness *harness = harness_new();

	make_directory(harness, "ws/d");
	make_text(harness, "ws/d/real", "x");
	make_link(harness, "ws/link", "d/real");
	make_link(harness, "ws/way", "d");
	make_text(harness, "outside", "x");
	make_link(harness, "ws/out", "../outside");
	begin(harness);
	watched(harness, 1, "link");
	watched(harness, 2, "way/real");
	make_text(harness, "ws/d/real", "y");
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(told(harness, 2), 1);
	make_text(harness, "ws/d/new", "z");
	move(harness, "ws/d/new", "ws/d/real");
	assert_int_equal(told(harness, 1), 1);
	assert_int_equal(told(harness, 2), 1);
	assert_int_equal(unlink(inside(harness, "ws/link")), 0);
	assert_int_equal(told(harness, 1), 1);
	assert_denied(watch(harness, 3, "out"), "workspace");
	/* a link that leads out from now on: its being so is told, what it leads to is not watched */
	make_link(harness, "ws/link", "../outside");
	assert_int_equal(told(harness, 1), 1);
	make_text(harness, "outside", "secret");
	assert_int_equal(told(harness, 1), 0);
	unwatch(harness, 1);
	unwatch(harness, 2);
	end(harness);
}

static void test_refused(void **state)
{
	struct harness *harness = harness_new();
	char deep[3 * LIMIT_WATCH_DEPTH], keys[300], there[300];

	make_directory(harness, "ws/keys");
	make_text(harness, "ws/keys/private", "x");
	make_directory(harness, "ws/soon");
	make_link(harness, "ws/by-link", "keys");
	hide(harness, "ws/keys");
	hide(harness, "ws/soon/there");
	begin(harness);
	snprintf(keys, sizeof keys, "hidden:%s", inside(harness, "ws/keys"));
	snprintf(there, sizeof there, "hidden:%s", inside(harness, "ws/soon/there"));
	assert_denied(watch(harness, 1, "keys/private"), keys);
	assert_denied(watch(harness, 1, "keys/none/x"), keys);
	assert_denied(watch(harness, 1, "by-link/private"), keys);
	assert_denied(watch(harness, 1, "by-link/none/x"), keys);
	assert_denied(watch(harness, 1, "soon/there"), there);
	assert_denied(watch(harness, 1, "/etc/passwd"), "workspace");
	assert_denied(watch(harness, 1, "../x"), "workspace");
	for (unsigned i = 0; i <= LIMIT_WATCH_DEPTH; i++)
		memcpy(deep + 2 * i, "./", 3);
	assert_failure(watch(harness, 1, deep), "directories deep");
	end(harness);
}

static void test_a_lie(void **state)
{
	static const struct {
		uint16_t type;
		const char *path; /* or NULL: no payload */
	} lies[] = {{FILES_WATCH, NULL}, {FILES_WATCH, "twice"}, {FILES_UNWATCH, "more"}};

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct harness *harness = begin(harness_new());
		struct buffer payload;

		buffer_init(&payload, 1000);
		if (lies[i].path)
			assert_int_equal(frame_put_text(&payload, lies[i].path), 0);
		unwatch(harness, 77); /* none: no lie, it may have crossed its refusal */
		harness_send(harness, lies[i].type, FENCE, &payload);
		buffer_deinit(&payload);
		harness_wake(harness);
		harness_join(harness, 4);
		harness_stop(harness);
	}
}

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
		cmocka_unit_test(test_a_file),   cmocka_unit_test(test_our_own_write),
		cmocka_unit_test(test_the_way),  cmocka_unit_test(test_a_directory),
		cmocka_unit_test(test_links),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_lie),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_overflow), cmocka_unit_test(test_renames_at_full_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
