/* SPDX-License-Identifier: Apache-2.0 */
/* One walk of several threads, and a tree that somebody changes while it is walked. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/files/site.h"

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
		while (!crew->over && (crew->over = !site_next(crew->site, &entry), !crew->over) &&
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

		site_begin(&site, harness, ".", 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, work, &crew), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(crew.files, DIRECTORIES * FILES);
		site_end(&site);
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

		site_begin(&site, harness, ".", WALK_HIDDEN | WALK_IGNORED);
		while (site_next(&site, &entry)) {
			assert_null(strstr(entry.path, "stolen"));
			if (!strchr(entry.path, '/')) { /* once, and in order */
				assert_true(strcmp(last, entry.path) < 0);
				snprintf(last, sizeof last, "%s", entry.path);
			}
			told++;
		}
		missing += told - before < DIRECTORIES * (FILES + 1);
		site_end(&site);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(told > 500 * FILES && missing > 0); /* it was really attacked */
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_swapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
