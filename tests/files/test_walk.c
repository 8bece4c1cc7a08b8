/* SPDX-License-Identifier: Apache-2.0 */
/* The walk: order, bounds, rules, threads, and trees that change while they are walked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
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
#include "tools/files/executor/walk.h"

/* A walk of the harness's workspace; no executor is started. */
struct site {
	struct harness *harness;
	struct reach reach;
	int root;
	struct walk *walk;
};

static void begin(struct site *site, struct harness *harness, const char *below, unsigned flags)
{
	struct place place;
	struct refusal refusal;

	site->harness = harness;
	site->root = open(harness->workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(reach_init(&site->reach, &harness->plan, &site->root), 0);
	assert_int_equal(reach_find(&site->reach, below, "list", &place, &refusal), 0);
	int fd = reach_open(&site->reach, &place, O_RDONLY | O_DIRECTORY, "list", &refusal);
	assert_true(fd >= 0);
	assert_int_equal(walk_new(&site->walk, &site->reach, &place, fd, flags), 0);
}

static void end(struct site *site)
{
	walk_free(site->walk);
	reach_deinit(&site->reach);
	close(site->root);
}

/* The next entry; false at the end. */
static bool next(struct site *site, struct walk_entry *entry)
{
	int step;

	while ((step = walk_next(site->walk, entry)) == WALK_BUSY)
		;
	assert_true(step >= 0);
	return step == WALK_ENTRY;
}

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* Walks and asserts that exactly these are told, in this order: "PATH:TYPE", TYPE of d, f, l or p. */
static void assert_told(struct harness *harness, const char *below, unsigned flags,
			const char *const *expected)
{
	struct walk_entry entry;
	struct site site;

	begin(&site, harness, below, flags);
	for (; *expected; expected++) {
		char told[5000];

		assert_true(next(&site, &entry));
		assert_int_equal(strlen(entry.path), entry.length);
		snprintf(told, sizeof told, "%s:%c", entry.path,
			 entry.type == DT_DIR    ? 'd'
			 : entry.type == DT_LNK  ? 'l'
			 : entry.type == DT_FIFO ? 'p'
						 : 'f');
		assert_string_equal(told, *expected);
	}
	if (next(&site, &entry))
		fail_msg("also told: %s", entry.path);
	assert_int_equal(walk_next(site.walk, &entry), WALK_END);
	end(&site);
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
	begin(&site, harness, ".", 0);
	while (next(&site, &entry))
		if (entry.type == DT_DIR)
			walk_skip(site.walk);
	assert_int_equal(walk_facts(site.walk)->hidden, 3);
	assert_int_equal(walk_facts(site.walk)->ignored, 0); /* c was not entered */
	assert_false(walk_facts(site.walk)->cut);
	end(&site);
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
	begin(&site, harness, ".", 0);
	while (next(&site, &entry)) {
		int now = told++ % 64 ? 0 : count_descriptors();

		longest = entry.length > longest ? entry.length : longest;
		most = now > most ? now : most;
	}
	assert_true(walk_facts(site.walk)->cut);
	assert_int_equal(longest, LIMIT_PATH_BYTES - 1);
	assert_int_equal(told, LIMIT_PATH_BYTES / 2 + 21); /* 2,048 of d, 21 of e */
	assert_in_range(most, descriptors + 10, descriptors + LIMIT_WALK_OPEN + 5);
	end(&site);
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
	begin(&site, harness, ".", 0);
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
	end(&site);
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

/* ---- several threads, and somebody who changes the tree ---- */

#define DIRECTORIES 40
#define FILES       25

static void make_tree(struct harness *harness)
{
	char name[64];

	for (int i = 0; i < DIRECTORIES; i++) {
		snprintf(name, sizeof name, "ws/d%02d", i);
		make_directory(harness, name);
		for (int j = 0; j < FILES; j++) {
			snprintf(name, sizeof name, "ws/d%02d/f%02d", i, j);
			make_text(harness, name, name + 3);
		}
	}
}

struct crew {
	pthread_mutex_t lock;
	struct site *site;
	bool over;
	atomic_int files;
};

/* Takes files as they come and reads them outside the lock: each says its own path. */
static void *work(void *data)
{
	struct crew *crew = data;

	for (;;) {
		char path[64] = "", content[64] = "";
		struct walk_directory *directory = NULL;
		struct walk_entry entry;
		int fd;

		pthread_mutex_lock(&crew->lock);
		while (!crew->over && (crew->over = !next(crew->site, &entry), !crew->over) &&
		       entry.type != DT_REG)
			;
		if (!crew->over) {
			snprintf(path, sizeof path, "%s", entry.path);
			directory = entry.directory;
			walk_directory_hold(directory);
		}
		pthread_mutex_unlock(&crew->lock);
		if (!directory)
			return NULL;
		fd = reach_open_below(directory->fd, strrchr(path, '/') + 1, O_RDONLY | O_NOFOLLOW);
		walk_directory_release(directory);
		if (fd >= 0 && read(fd, content, sizeof content - 1) > 0 && strcmp(content, path) == 0)
			crew->files++;
		close_fd(&fd);
	}
}

static void test_threads(void **state)
{
	struct harness *harness = harness_new();
	int descriptors;
	struct site site;

	make_tree(harness);
	descriptors = count_descriptors();
	for (int round = 0; round < 20; round++) {
		struct crew crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .site = &site};
		pthread_t threads[4];

		begin(&site, harness, ".", 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, work, &crew), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(crew.files, DIRECTORIES * FILES);
		end(&site);
	}
	assert_int_equal(count_descriptors(), descriptors);
	harness_stop(harness);
}

/* Swaps directories for links that lead out, and back, as fast as it can. */
static void attack(const char *workspace, const char *outside)
{
	_cleanup_fd_ int at = open(workspace, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0;; i++) {
		char name[16];

		snprintf(name, sizeof name, "d%02u", i % DIRECTORIES);
		renameat(at, name, at, "away");
		if (symlinkat(outside, at, name) == 0)
			unlinkat(at, name, 0);
		renameat(at, "away", at, name);
	}
}

static void test_swapped(void **state)
{
	struct harness *harness = harness_new();
	struct walk_entry entry;
	struct site site;
	char outside[256];
	unsigned told = 0, missing = 0;
	pid_t pid;

	make_tree(harness);
	make_directory(harness, "outside");
	make_text(harness, "outside/stolen", "");
	snprintf(outside, sizeof outside, "%s/outside", harness->directory);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		attack(harness->workspace, outside);
	for (int round = 0; round < 500; round++) {
		unsigned before = told;
		char last[64] = "";

		begin(&site, harness, ".", WALK_HIDDEN | WALK_IGNORED);
		while (next(&site, &entry)) {
			assert_null(strstr(entry.path, "stolen"));
			if (!strchr(entry.path, '/')) { /* once, and in order */
				assert_true(strcmp(last, entry.path) < 0);
				snprintf(last, sizeof last, "%s", entry.path);
			}
			told++;
		}
		missing += told - before < DIRECTORIES * (FILES + 1);
		end(&site);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(told > 500 * FILES && missing > 0); /* it was really attacked */
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),   cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_deep),    cmocka_unit_test(test_many),
		cmocka_unit_test(test_loop),    cmocka_unit_test(test_threads),
		cmocka_unit_test(test_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
