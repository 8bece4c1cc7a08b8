/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: order, bounds and rules. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tests/files/site.h"

/* Walks and asserts that exactly these are told, in this order: "PATH:TYPE", TYPE of d, f, l or p. */
static void assert_told(struct harness *harness, const char *below, unsigned flags,
			const char *const *expected)
{
	struct walk_entry entry;
	struct site site;

	site_begin(&site, harness, below, flags);
	for (; *expected; expected++) {
		char told[5000];

		assert_true(site_next(&site, &entry));
		assert_int_equal(strlen(entry.path), entry.length);
		snprintf(told, sizeof told, "%s:%c", entry.path,
			 entry.type == DT_DIR    ? 'd'
			 : entry.type == DT_LNK  ? 'l'
			 : entry.type == DT_FIFO ? 'p'
						 : 'f');
		assert_string_equal(told, *expected);
	}
	if (site_next(&site, &entry))
		fail_msg("also told: %s", entry.path);
	assert_int_equal(walk_next(site.walk, &entry), WALK_END);
	site_end(&site);
}

static void test_order(void **state)
{
	/* a directory before what is in it, and names by their bytes, not paths: "a-b" is behind "a/b" */
	static const char *const sorted[] = {"A:f",   "a:d",    "a/b:f", "a\nb:d",  "a\nb/c:f",
					     "a-b:f", "fifo:p", "l:l",   "z\xff:f", NULL};
	static const char *const inside[] = {"b:f", NULL};
	struct harness *harness = harness_new();
	char path[256];

	make_directory(harness, "ws/a");
	make_directory(harness, "ws/a\nb");
	make_text(harness, "ws/a/b", "");
	make_text(harness, "ws/a-b", "");
	make_text(harness, "ws/a\nb/c", "");
	make_text(harness, "ws/A", "");
	make_text(harness, "ws/z\xff", "");
	make_text(harness, "ws/.hidden", "");
	make_link(harness, "ws/l", "a");
	snprintf(path, sizeof path, "%s/fifo", harness->workspace);
	assert_int_equal(mkfifo(path, 0644), 0);
	assert_told(harness, ".", 0, sorted);
	assert_told(harness, "a", 0, inside);
	assert_told(harness, "l", 0, inside);
	harness_stop(harness);
}

static void test_left_out(void **state)
{
	static const char *const plain[] = {"c:d", "c/k:f", NULL};
	static const char *const hidden[] = {".gitignore:f", ".x:d", ".x/y:f", "c:d", "c/k:f", NULL};
	static const char *const all[] = {".git:d", ".git/HEAD:f", ".gitignore:f", ".x:d", ".x/y:f",
					  "c:d",    "c/a.o:f",     "c/k:f",        NULL};
	struct harness *harness = harness_new();
	struct walk_entry entry;
	struct site site;
	char path[256];

	make_directory(harness, "ws/.git");
	make_text(harness, "ws/.git/HEAD", "");
	make_directory(harness, "ws/.x");
	make_text(harness, "ws/.x/y", "");
	make_directory(harness, "ws/c");
	make_text(harness, "ws/c/k", "");
	make_text(harness, "ws/c/a.o", "");
	make_directory(harness, "ws/secret");
	make_text(harness, "ws/secret/s", "");
	make_text(harness, "ws/c/key", "");
	make_text(harness, "ws/.gitignore", "*.o\n");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%s/%s", harness->workspace, i ? "secret" : "c/key");
		plan_add_text(&harness->plan.hide, &harness->plan.hide_count, path);
	}
	assert_told(harness, ".", 0, plain);
	assert_told(harness, ".", WALK_HIDDEN, hidden);
	assert_told(harness, ".", WALK_HIDDEN | WALK_IGNORED | WALK_GIT, all);
	site_begin(&site, harness, ".", 0);
	while (site_next(&site, &entry))
		if (entry.type == DT_DIR)
			walk_skip(site.walk);
	assert_int_equal(walk_facts(site.walk)->hidden, 3);
	assert_int_equal(walk_facts(site.walk)->ignored, 0); /* c was not entered */
	assert_false(walk_facts(site.walk)->cut);
	site_end(&site);
	harness_stop(harness);
}

/* As deep as a path can name things, with few descriptors; and below that. */
static void test_deep(void **state)
{
	struct harness *harness = harness_new();
	struct walk_entry entry;
	struct site site;
	size_t longest = 0, told = 0;
	int descriptors, most = 0;
	_cleanup_fd_ int at = open(harness->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < LIMIT_PATH_BYTES / 2 + 20; i++) {
		int below;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		if (i % 100 == 0) /* told after all that is in d: so every directory is come back to */
			assert_int_equal(mkdirat(at, "e", 0755), 0);
		below = openat(at, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		close_fd(&at);
		at = below;
	}
	descriptors = count_descriptors();
	site_begin(&site, harness, ".", 0);
	while (site_next(&site, &entry)) {
		int now = told++ % 64 ? 0 : count_descriptors();

		longest = entry.length > longest ? entry.length : longest;
		most = now > most ? now : most;
	}
	assert_true(walk_facts(site.walk)->cut);
	assert_int_equal(longest, LIMIT_PATH_BYTES - 1);
	assert_int_equal(told, LIMIT_PATH_BYTES / 2 + 21); /* 2,048 of d, 21 of e */
	assert_in_range(most, descriptors + 10, descriptors + LIMIT_WALK_OPEN + 5);
	site_end(&site);
	assert_int_equal(count_descriptors(), descriptors);
	harness_stop(harness);
}

static void test_many(void **state)
{
	struct harness *harness = harness_new();
	struct walk_entry entry;
	struct site site;
	char name[64], last[64] = "";
	size_t told = 0, busy = 0;
	int step;

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "ws/%08x", i * 2654435761u);
		make_text(harness, name, "");
	}
	site_begin(&site, harness, ".", 0);
	while ((step = walk_next(site.walk, &entry)) != WALK_END) {
		busy += step == WALK_BUSY;
		if (step != WALK_ENTRY)
			continue;
		assert_true(strcmp(last, entry.path) < 0);
		snprintf(last, sizeof last, "%s", entry.path);
		told++;
	}
	assert_int_equal(told, 20000);
	assert_true(busy > 10); /* others had their turn */
	site_end(&site);
	harness_stop(harness);
}

/* In a mount namespace of our own: what a bind mount makes its own ancestor is told and not entered. */
static int walk_loop(struct harness *harness)
{
	static const char *const expected[] = {"a:d", "a/b:d", "a/f:f", NULL};
	char from[256], to[256];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return 77;
	snprintf(from, sizeof from, "%s/a", harness->workspace);
	snprintf(to, sizeof to, "%s/a/b", harness->workspace);
	if (mount(from, to, NULL, MS_BIND, NULL) < 0)
		return 77;
	assert_told(harness, ".", 0, expected);
	return 0;
}

static void test_loop(void **state)
{
	struct harness *harness = harness_new();
	int status;
	pid_t pid;

	make_directory(harness, "ws/a");
	make_directory(harness, "ws/a/b");
	make_text(harness, "ws/a/f", "");
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(walk_loop(harness));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	harness_stop(harness);
	if (WEXITSTATUS(status) == 77) {
		print_message("the kernel gives no mount namespace to mount in\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_left_out), cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
