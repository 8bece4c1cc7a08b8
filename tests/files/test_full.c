/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that is full, one that has no room for another name, and a quota that is used up: whatever writes
 * leaves what was there and nothing else, and says which path, why, and what to do. The disk is a small tmpfs
 * in a mount namespace of the test's own; the quota a filter that answers as one would, since not every
 * kernel has quotas for a file system that a test may make.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/files/old_system.h"
#include "tests/files/receive.h"
#include "tests/files/requests.h"
#include "tests/files/small_disk.h"

#define DISK  (64u << 10)
#define NAMES 40
#define BIG   (40u << 10) /* of content that does not fit beside what is there */

struct full_case {
	const char *name, *path; /* told in the refusal */
	const struct answer *(*ask)(struct harness *);
};

static char big[BIG + 1];

static const struct answer *write_over(struct harness *harness)
{
	return harness_write(harness, "file", big, BIG, 0, "");
}

static const struct answer *write_new(struct harness *harness)
{
	return harness_write(harness, "new", big, BIG, 0, "");
}

static const struct answer *append(struct harness *harness)
{
	return harness_write(harness, "file", big, BIG, FILES_APPEND, "");
}

static const struct answer *receive(struct harness *harness)
{
	return harness_receive(harness, "new", big, BIG, 0, "");
}

static const struct answer *receive_over(struct harness *harness)
{
	return harness_receive(harness, "file", big, BIG, FILES_OVERWRITE, "");
}

static const struct answer *edit(struct harness *harness)
{
	return harness_edit(harness, "file", "old", big, 0);
}

static const struct answer *patch(struct harness *harness, const char *first)
{
	static char text[BIG + 1000];

	snprintf(
		text, sizeof text,
		"*** Begin Patch\n%s*** Update File: file\n-old\n+%s\n*** Add File: new\n+x\n*** End Patch\n",
		first, big);
	return harness_patch(harness, text, 0);
}

static const struct answer *patch_two(struct harness *harness)
{
	return patch(harness, "");
}

static const struct answer *patch_several(struct harness *harness)
{
	return patch(harness, "*** Update File: other\n-other\n+changed\n*** Delete File: gone\n");
}

static const struct answer *copy(struct harness *harness)
{
	return request_transfer(harness, FILES_COPY, inside(harness, "src/big"), "new", 0);
}

static const struct answer *copy_over(struct harness *harness)
{
	return request_transfer(harness, FILES_COPY, inside(harness, "src/big"), "file", FILES_OVERWRITE);
}

static const struct answer *copy_tree(struct harness *harness)
{
	return request_transfer(harness, FILES_COPY, inside(harness, "src/tree"), "new", 0);
}

static const struct answer *move_here(struct harness *harness)
{
	return request_transfer(harness, FILES_MOVE, inside(harness, "src/big"), "new", 0);
}

static const struct answer *move_tree_here(struct harness *harness)
{
	return request_transfer(harness, FILES_MOVE, inside(harness, "src/tree"), "new", 0);
}

static const struct answer *make(struct harness *harness)
{
	return request_make(harness, "new");
}

static const struct full_case cases[] = {
	{"write over a file", "file", write_over},
	{"write a new file", "new", write_new},
	{"append", "file", append},
	{"receive a new file", "new", receive},
	{"receive over a file", "file", receive_over},
	{"edit", "file", edit},
	{"patch of two files", "", patch_two},
	{"patch of several files", "", patch_several},
	{"copy", "new", copy},
	{"copy over a file", "file", copy_over},
	{"copy a tree", "new", copy_tree},
	{"move from another file system", "new", move_here},
	{"move a tree from another file system", "new", move_tree_here},
};

static const struct full_case make_case = {"make a directory", "new", make};

static struct harness *begin(void (*prepare)(void))
{
	struct harness *harness = harness_new();

	memset(big, 'x', BIG);
	small_disk_mount(harness->workspace, DISK, NAMES);
	make_text(harness, "ws/file", "old\n");
	make_text(harness, "ws/other", "other\n");
	make_text(harness, "ws/gone", "gone\n");
	make_directory(harness, "src");
	make_directory(harness, "src/tree");
	make_text(harness, "src/big", big);
	make_text(harness, "src/tree/big", big);
	add_workspace(harness, "src", true);
	harness->prepare = prepare;
	return harness;
}

static void end(struct harness *harness)
{
	small_disk_unmount(harness->workspace);
	harness_stop(harness);
}

static void refused(struct harness *harness, const struct full_case *which, const char *why)
{
	int before = entries(harness, "ws");
	const struct answer *answer = which->ask(harness);
	const char *text = answer_text(answer, 0);

	if (answer->type != REPLY_FAILURE || !strstr(text, which->path) || !strstr(text, why) ||
	    !strstr(text, "delete something first"))
		fail_msg("%s: type %u, \"%s\"", which->name, answer->type, text);
	assert_content(harness, "ws/file", "old\n");
	assert_content(harness, "ws/other", "other\n");
	assert_content(harness, "ws/gone", "gone\n");
	assert_content(harness, "ws/new", NULL);
	assert_content(harness, "src/big", big);
	assert_content(harness, "src/tree/big", big);
	if (entries(harness, "ws") != before)
		fail_msg("%s left something behind", which->name);
}

/* Bytes that are free; 0: none at all, so that not even a journal has room. */
static void fill(struct harness *harness, size_t free_bytes)
{
	size_t used = 3 * 4096; /* the three small files */

	for (size_t at = 0; at < DISK - used - free_bytes; at += 4096) {
		char name[32], page[4096] = "";

		snprintf(name, sizeof name, "ws/filler%zu", at / 4096);
		make_file(harness, name, page, sizeof page);
	}
}

/* Everything goes again, with the same executor, when there is room. */
static void recovers(struct harness *harness)
{
	for (unsigned i = 0; i < DISK / 4096; i++) {
		char name[32];

		snprintf(name, sizeof name, "ws/filler%u", i);
		unlink(inside(harness, name));
	}
	assert_int_equal(write_over(harness)->type, REPLY_RESULT);
	assert_content(harness, "ws/file", big);
}

static void test_no_space(void **state)
{
	static const size_t rooms[] = {0, 4096, 8192, 20480};

	for (size_t room = 0; room < sizeof rooms / sizeof *rooms; room++) {
		struct harness *harness = begin(NULL);

		harness_start(harness);
		fill(harness, rooms[room]);
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			refused(harness, &cases[i], "no space left on the disk");
		recovers(harness);
		end(harness);
	}
}

/* Room for bytes, and not for one more name. */
static void test_no_names(void **state)
{
	struct harness *harness = begin(NULL);

	harness_start(harness);
	for (unsigned i = 4; i < NAMES; i++) { /* the root and the three files are four */
		char name[32];

		snprintf(name, sizeof name, "ws/filler%u", i);
		make_text(harness, name, "");
	}
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(harness, &cases[i], "no space left on the disk");
	refused(harness, &make_case, "no space left on the disk");
	end(harness);
}

static void test_quota(void **state)
{
	struct harness *harness = begin(old_system_quota);

	harness_start(harness);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		refused(harness, &cases[i], "the disk quota is used up");
	end(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_space),
		cmocka_unit_test(test_no_names),
		cmocka_unit_test(test_quota),
	};

	if (!small_disk_begin())
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
