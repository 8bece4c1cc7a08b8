/* SPDX-License-Identifier: Apache-2.0 */
/* Watched paths, the executor's side: what is told of, and what is not. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/watches.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file),  cmocka_unit_test(test_our_own_write),
		cmocka_unit_test(test_the_way), cmocka_unit_test(test_a_directory),
		cmocka_unit_test(test_links),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_a_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
