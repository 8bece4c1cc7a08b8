/* SPDX-License-Identifier: Apache-2.0 */
/* find_files' executor side: answers whose time is over, and how the next call goes on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/files/harness.h"

#define MANY 3000

struct found {
	uint64_t total, first, next;
	uint32_t flags, count;
	char (*paths)[64];
};

static char paths[LIMIT_FIND_PATHS_MAX][64];

static void decode(const struct answer *answer, struct found *found)
{
	struct frame_reader reader;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	found->total = frame_get_u64(&reader);
	found->first = frame_get_u64(&reader);
	found->next = frame_get_u64(&reader);
	for (int i = 0; i < 3; i++)
		frame_get_u64(&reader);
	found->flags = frame_get_u32(&reader);
	found->count = frame_get_u32(&reader);
	found->paths = paths;
	assert_true(found->count <= LIMIT_FIND_PATHS_MAX);
	for (uint32_t i = 0; i < found->count; i++)
		frame_get_text(&reader, paths[i], sizeof paths[i]);
	assert_int_equal(frame_done(&reader), 0);
}

/* One slice a call: each gives some, and together they give everything once, in order. */
static void test_late(void **state)
{
	struct harness *harness = harness_new();
	struct found found;
	uint64_t offset = 0;
	unsigned calls = 0;
	char name[64], last[64] = "";

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "ws/%04u", i);
		make_text(harness, name, "");
	}
	harness->search = true;
	harness_start(harness);
	do {
		decode(harness_find(harness, ".", "*", FILES_BY_NAME, offset, 2000, 0), &found);
		assert_int_equal(found.first, offset);
		for (uint32_t i = 0; i < found.count; i++) {
			assert_true(strcmp(last, found.paths[i]) < 0);
			memcpy(last, found.paths[i], sizeof last);
		}
		offset += found.count;
		assert_int_equal(found.total, offset);
		assert_int_equal(found.next, found.flags & FILES_FIND_UNFINISHED ? offset : 0);
		calls++;
	} while (found.flags & FILES_FIND_UNFINISHED);
	assert_int_equal(offset, MANY);
	assert_true(calls >= MANY / LIMIT_FIND_STEP);
	/* a question between is another search; what was begun is begun anew */
	decode(harness_find(harness, ".", "*", FILES_BY_NAME, 0, 10, 0), &found);
	assert_true(found.flags & FILES_FIND_UNFINISHED);
	decode(harness_find(harness, ".", "29??", FILES_BY_NAME, 0, 1000, 10000), &found);
	assert_int_equal(found.total, 100);
	decode(harness_find(harness, ".", "*", FILES_BY_NAME, 0, 10, 10000), &found);
	assert_int_equal(found.total, MANY);
	assert_int_equal(found.next, 10);
	assert_false(found.flags);
	harness_stop(harness);
}

/* By size the whole must be seen: the same call again, until it is. */
static void test_late_sorted(void **state)
{
	struct harness *harness = harness_new();
	struct found found;
	unsigned calls = 0;
	char name[64];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "ws/%04u", i);
		make_file(harness, name, "xxxxxxx", i == 2345 ? 7 : i % 5);
	}
	harness->search = true;
	harness_start(harness);
	do {
		decode(harness_find(harness, ".", "*", FILES_BY_SIZE, 0, 3, 0), &found);
		assert_true(found.count <= 3);
		if (found.flags & FILES_FIND_UNFINISHED)
			assert_int_equal(found.next, 0);
		calls++;
	} while (found.flags & FILES_FIND_UNFINISHED);
	assert_true(calls > 5);
	assert_int_equal(found.total, MANY);
	assert_int_equal(found.next, 3);
	assert_string_equal(found.paths[0], "2345");
	assert_string_equal(found.paths[1], "0004"); /* equal ones by name */
	assert_string_equal(found.paths[2], "0009");
	decode(harness_find(harness, ".", "*", FILES_BY_SIZE, MANY - 1, 3, 10000), &found);
	assert_string_equal(found.paths[0], "2995");
	assert_int_equal(found.next, 0);
	harness_stop(harness);
}

static void test_cancelled(void **state)
{
	struct harness *harness = harness_new();
	struct buffer payload, nothing;
	struct found found;
	char name[64];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "ws/%04u", i);
		make_text(harness, name, "");
	}
	harness->search = true;
	harness_start(harness);
	pack_find(&payload, ".", "*", FILES_BY_NAME, 0, 10, 10000);
	buffer_init(&nothing, 1);
	harness_answer(harness, 2);
	harness_send(harness, FILES_FIND, 2, &payload);
	harness_send(harness, REPLY_CANCEL, 2, &nothing);
	harness_wake(harness);
	assert_failure(harness_wait(harness, 2), "cancelled");
	buffer_deinit(&payload);
	decode(harness_find(harness, ".", "*", FILES_BY_NAME, 0, 10, 10000), &found);
	assert_int_equal(found.total, MANY);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_late_sorted),
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
