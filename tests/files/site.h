/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_SITE_H
#define SALLYPORT_TESTS_SITE_H

#include <dirent.h>
#include <fcntl.h>

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

static inline void site_begin(struct site *site, struct harness *harness, const char *below, unsigned flags)
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

static inline void site_end(struct site *site)
{
	walk_free(site->walk);
	reach_deinit(&site->reach);
	close(site->root);
}

/* The next entry; false at the end. */
static inline bool site_next(struct site *site, struct walk_entry *entry)
{
	int step;

	while ((step = walk_next(site->walk, entry)) == WALK_BUSY)
		;
	assert_true(step >= 0);
	return step == WALK_ENTRY;
}

static inline int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

#endif
