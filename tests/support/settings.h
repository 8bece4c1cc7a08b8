/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_SUPPORT_SETTINGS_H
#define SALLYPORT_TESTS_SUPPORT_SETTINGS_H

/* A home, workspaces and a policy below a directory of the test's own, and settings loaded there. Each test
 * of a file that includes this stands between set_up and tear_down: CASE(test). */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/policy/compile.h"
#include "server/settings.h"

static char top[128]; /* canonical */
static int before;    /* the directory the test was started in */

static inline char *below(const char *name)
{
	static char paths[32][512]; /* borrowed until 32 more were made */
	static unsigned next;
	char *path = paths[next++ % 32];

	snprintf(path, sizeof paths[0], "%s/%s", top, name);
	return path;
}

static inline void make(const char *name)
{
	assert_int_equal(mkdir(below(name), 0755), 0);
}

static inline void put(const char *name, const char *text)
{
	int fd = open(below(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static inline int set_up(void **state)
{
	char path[] = "/tmp/sallyport-settings-XXXXXX", *canonical;

	if (!mkdtemp(path) || !(canonical = realpath(path, NULL)))
		return -1;
	snprintf(top, sizeof top, "%s", canonical);
	free(canonical);
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	make("home");
	make("home/bin");
	make("home/project");
	make("home/project/sub");
	make("other");
	make("tools");
	put("file", "x");
	put("policy.json", "{}");
	setenv("HOME", below("home"), 1);
	setenv("PATH", "/usr/bin", 1);
	return before < 0 ? -1 : chdir(below("other"));
}

static inline int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static inline int tear_down(void **state)
{
	if (fchdir(before) < 0)
		return -1;
	close(before);
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline int load(struct settings *settings, struct options *options, struct err *err)
{
	err->text[0] = '\0';
	return settings_load(settings, options, err);
}

static inline void refused(struct options *options, int code, const char *says)
{
	struct settings settings;
	struct err err;

	assert_int_equal(load(&settings, options, &err), code);
	if (!strstr(err.text, says))
		fail_msg("\"%s\" does not say \"%s\"", err.text, says);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

#endif
