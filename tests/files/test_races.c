/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each operation on a path through a directory that a hostile process exchanges with a link. Nothing outside
 * may be read, written, made or removed; that the race is one is shown by implementations that look first and
 * act then, which the same process catches.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/files/hostile.h"
#include "tests/files/requests.h"

static void test_read(void **state)
{
	struct race race;

	race_begin(&race, "");
	while (race_goes_on(&race)) {
		struct answer *answer = harness_read(race.harness, "swap/file", 1, 10, 1000, 0);

		if (went_well(&race, answer)) {
			assert_false(contains(&answer->text, SECRET));
			assert_true(contains(&answer->text, INSIDE));
		}
	}
	race_end(&race);
}

static void test_read_files(void **state)
{
	struct race race;

	race_begin(&race, "");
	while (race_goes_on(&race)) {
		static const char *const paths[] = {"swap/file", "swap/name-outside", "swap/../swap/file"};
		struct answer *answer = harness_read_several(race.harness, paths, 3);
		struct frame_reader reader;
		uint32_t refused;

		assert_int_equal(answer->type, REPLY_RESULT);
		frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
		assert_int_equal(frame_get_u32(&reader), 3);
		refused = frame_get_u32(&reader); /* the second always: it is not in there */
		assert_in_range(refused, 1, 3);
		race.done += 3 - refused;
		race.refused += refused - 1;
		assert_false(contains(&answer->text, SECRET));
		assert_int_equal(contains(&answer->text, INSIDE), refused < 3);
	}
	race_end(&race);
}

static void test_write(void **state)
{
	struct race race;

	race_begin(&race, "");
	while (race_goes_on(&race))
		went_well(&race, harness_write(race.harness, race.tried % 2 ? "swap/file" : "swap/new",
					       INSIDE, 6, 0, ""));
	race_end(&race);
}

/* Where the directory is now that nobody exchanges it: ws/swap, or ws/other. */
static const char *settle(struct race *race)
{
	struct stat status;

	race_calm(race);
	assert_int_equal(lstat(inside(race->harness, "ws/swap"), &status), 0);
	return S_ISDIR(status.st_mode) ? "swap" : "other";
}

static void test_edit(void **state)
{
	static const char *const contents[] = {INSIDE, "edited"};
	struct race race;
	unsigned edits = 0;
	const char *directory;
	char path[64];

	race_begin(&race, "");
	while (race_goes_on(&race))
		edits += went_well(&race, harness_edit(race.harness, "swap/file", contents[edits % 2],
						       contents[(edits + 1) % 2], 0));
	/* each that was said to be done is, no other is, and nothing lies about */
	directory = settle(&race);
	snprintf(path, sizeof path, "ws/%s", directory);
	assert_int_equal(entries(race.harness, path), 1);
	assert_int_equal(entries(race.harness, "ws"), 2);
	snprintf(path, sizeof path, "ws/%s/file", directory);
	assert_content(race.harness, path, contents[edits % 2]);
	race_end(&race);
}

/* Changed, with another made; changed back, the other deleted; renamed; renamed back. %1$s: the directory. */
static const char *const patches[] = {
	"*** Update File: %1$s/file\n-inside\n+changed\n*** Add File: %1$s/new\n+new\n",
	"*** Update File: %1$s/file\n-changed\n+inside\n*** Delete File: %1$s/new\n",
	"*** Update File: %1$s/file\n*** Move to: %1$s/renamed\n inside\n*** Add File: beside\n+beside\n",
	"*** Update File: %1$s/renamed\n*** Move to: %1$s/file\n inside\n*** Delete File: beside\n",
};

static struct answer *patch(struct race *race, unsigned which, const char *directory)
{
	char text[512], whole[600];

	snprintf(text, sizeof text, patches[which % 4], directory);
	snprintf(whole, sizeof whole, "*** Begin Patch\n%s*** End Patch\n", text);
	return harness_patch(race->harness, whole, 0);
}

static void test_patch(void **state)
{
	struct race race;
	unsigned patched = 0;
	const char *directory;
	char path[64];

	race_begin(&race, "");
	while (race_goes_on(&race))
		patched += went_well(&race, patch(&race, patched, "swap"));
	/* each was done whole or not at all: so what comes next fits, and nothing lies about */
	directory = settle(&race);
	do
		assert_int_equal(patch(&race, patched, directory)->type, REPLY_RESULT);
	while (++patched % 4);
	snprintf(path, sizeof path, "ws/%s", directory);
	assert_int_equal(entries(race.harness, path), 1);
	assert_int_equal(entries(race.harness, "ws"), 2);
	race_end(&race);
}

static void test_make(void **state)
{
	struct race race;
	char path[64];

	race_begin(&race, "");
	while (race_goes_on(&race)) {
		snprintf(path, sizeof path, "swap/%u/deeper", race.tried % 100);
		if (race.tried % 100 == 0)
			for (unsigned j = 0; j < 100; j++) {
				snprintf(path, sizeof path, "swap/%u", j);
				request_delete(race.harness, path, FILES_RECURSIVE);
			}
		went_well(&race, request_make(race.harness, path));
	}
	race_end(&race);
}

static void test_list(void **state)
{
	struct race race;

	race_begin(&race, "");
	while (race_goes_on(&race)) {
		struct answer *answer = harness_list(race.harness, "swap", 3, FILES_HIDDEN, 0, 100);

		went_well(&race, answer);
		assert_false(contains(&answer->payload, "name-outside"));
		/* and in a tree that is walked through it, where a link is a link and no refusal */
		answer = harness_list(race.harness, ".", 3, FILES_HIDDEN, 0, 100);
		assert_false(contains(&answer->payload, "name-outside"));
	}
	race_end(&race);
}

static void test_info(void **state)
{
	struct race race;

	race_begin(&race, "");
	while (race_goes_on(&race)) {
		struct answer *answer = request_info(race.harness, "swap/file", FILES_HASH);
		struct frame_reader reader;

		if (!went_well(&race, answer))
			continue;
		frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
		frame_get_u64(&reader); /* type and flags */
		assert_int_equal(frame_get_u64(&reader), strlen(INSIDE));
	}
	race_end(&race);
}

/* Into it, out of it, and what is moved aside comes back. */
static void test_move(void **state)
{
	struct race race;

	race_begin(&race, "");
	make_text(race.harness, "ws/mine", INSIDE);
	while (race_goes_on(&race)) {
		if (went_well(&race, request_transfer(race.harness, FILES_MOVE, "swap/file", "taken", 0))) {
			assert_content(race.harness, "ws/taken", INSIDE);
			while (request_transfer(race.harness, FILES_MOVE, "taken", "swap/file", 0)->type !=
			       REPLY_RESULT)
				;
		}
		if (went_well(&race, request_transfer(race.harness, FILES_MOVE, "mine", "swap/mine", 0)))
			while (request_transfer(race.harness, FILES_MOVE, "swap/mine", "mine", 0)->type !=
			       REPLY_RESULT)
				;
	}
	race_end(&race);
}

static void test_copy(void **state)
{
	struct race race;

	race_begin(&race, "deep/");
	while (race_goes_on(&race)) {
		/* the whole, with a directory or a link in it, neither of which shows what is outside */
		if (request_transfer(race.harness, FILES_COPY, "deep", "copy", 0)->type == REPLY_RESULT) {
			struct answer *answer = harness_list(race.harness, "copy", 4, 0, 0, 100);

			assert_false(contains(&answer->payload, "name-outside"));
			assert_int_equal(request_delete(race.harness, "copy", FILES_RECURSIVE)->type,
					 REPLY_RESULT);
		}
		if (went_well(&race, request_transfer(race.harness, FILES_COPY, "deep/swap/file", "x",
						      FILES_OVERWRITE)))
			assert_content(race.harness, "ws/x", INSIDE);
		request_transfer(race.harness, FILES_COPY, "deep/swap", "deep/swap/copy", FILES_OVERWRITE);
		if (request_transfer(race.harness, FILES_COPY, "x", "deep/swap/made", 0)->type ==
		    REPLY_RESULT)
			while (request_delete(race.harness, "deep/swap/made", 0)->type != REPLY_RESULT)
				;
	}
	race_end(&race);
}

static void test_delete(void **state)
{
	struct race race;

	race_begin(&race, "deep/");
	while (race_goes_on(&race)) {
		struct answer *answer = request_delete(
			race.harness, race.tried % 2 ? "deep" : "deep/swap/file", FILES_RECURSIVE);

		went_well(&race, answer);
		/* whatever is left, all is to be there for the next */
		if (entries(race.harness, "ws") > 0 &&
		    request_delete(race.harness, "deep", FILES_RECURSIVE)->type != REPLY_RESULT)
			continue; /* somebody was quicker */
		make_directory(race.harness, "ws/deep");
		make_places(race.harness, "deep/");
	}
	race_end(&race);
}

/* ---- what looks first and acts then ---- */

static bool is_directory(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool naive_read(const char *directory)
{
	char path[512], content[64] = "";
	int fd;

	if (!is_directory(directory))
		return false;
	snprintf(path, sizeof path, "%s/file", directory);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	assert_true(read(fd, content, sizeof content - 1) >= 0);
	close(fd);
	return strcmp(content, SECRET) == 0;
}

static bool naive_make(const char *directory, const char *outside)
{
	char path[512];

	if (!is_directory(directory))
		return false;
	snprintf(path, sizeof path, "%s/made", directory);
	if (mkdir(path, 0755) < 0)
		return false;
	snprintf(path, sizeof path, "%s/made", outside);
	return rmdir(path) == 0;
}

/* The same process catches these within as many tries as it has, or the tests above show nothing. */
static void test_naive(void **state)
{
	unsigned reads = 0, makes = 0, most = tries() > 200000 ? tries() : 200000;
	struct race race;
	char directory[256], outside[256], made[300];

	race_begin(&race, "");
	snprintf(directory, sizeof directory, "%s", inside(race.harness, "ws/swap"));
	snprintf(outside, sizeof outside, "%s", inside(race.harness, "outside"));
	snprintf(made, sizeof made, "%s/ws/swap/made", race.harness->directory);
	for (unsigned i = 0; i < most && (!reads || !makes); i++) {
		reads += naive_read(directory);
		makes += naive_make(directory, outside);
		rmdir(made);
	}
	race_calm(&race);
	assert_true(reads > 0);
	assert_true(makes > 0);
	harness_stop(race.harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive), cmocka_unit_test(test_read), cmocka_unit_test(test_read_files),
		cmocka_unit_test(test_write), cmocka_unit_test(test_edit), cmocka_unit_test(test_patch),
		cmocka_unit_test(test_make),  cmocka_unit_test(test_list), cmocka_unit_test(test_info),
		cmocka_unit_test(test_move),  cmocka_unit_test(test_copy), cmocka_unit_test(test_delete),
	};

	harness_place = "/dev/shm";
	cmocka_set_test_filter(getenv("SALLYPORT_RACE")); /* one of them: test_copy */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
