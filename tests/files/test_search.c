/* SPDX-License-Identifier: Apache-2.0 */
/* The search executor's loop: pages, cancelling, many at once, lies. What matches is
 * tests/hosts/test_search.py's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"
#include "tests/files/requests.h"

struct found {
	uint32_t flags;
	uint64_t shown, next, files;
};

static void ask(struct harness *harness, uint32_t call, const char *pattern, uint64_t limit, uint64_t offset,
		uint32_t within_ms)
{
	struct buffer payload;

	pack_search(&payload, ".", pattern, limit, offset, within_ms);
	harness_answer(harness, call);
	harness_send(harness, FILES_SEARCH, call, &payload);
	buffer_deinit(&payload);
}

static const char *decode(struct answer *answer, struct found *found)
{
	struct frame_reader reader;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	found->flags = frame_get_u32(&reader);
	found->shown = frame_get_u64(&reader);
	found->next = frame_get_u64(&reader);
	found->files = frame_get_u64(&reader);
	assert_false(reader.failed);
	assert_int_equal(buffer_append(&answer->text, "", 1), 0);
	return buffer_data(&answer->text);
}

static struct harness *tree(unsigned files)
{
	struct harness *harness = harness_new();
	char path[64], text[256];

	harness->search = harness->threads = true;
	for (unsigned i = 0; i < files; i++) {
		snprintf(path, sizeof path, "ws/f%04u", i);
		snprintf(text, sizeof text, "nothing\nneedle %u\n%0100u!\n", i, 0);
		make_text(harness, path, text);
	}
	harness_start(harness);
	return harness;
}

static void test_pages(void **state)
{
	struct harness *harness = tree(300);
	struct found found = {.next = 0};
	char line[64];

	for (unsigned i = 0; i < 300; i += 7) {
		unsigned shown = 300 - i < 7 ? 300 - i : 7;

		ask(harness, 1, "needle \\d+", 7, i, 60000);
		const char *text = decode(harness_wait(harness, 1), &found);

		assert_int_equal(found.shown, shown);
		assert_int_equal(found.next, i + shown);
		assert_int_equal(found.flags, i + shown == 300 ? FILES_SEARCH_DONE : 0);
		for (unsigned j = 0; j < shown; j++) {
			snprintf(line, sizeof line, "f%04u:2:needle %u\n", i + j, i + j);
			assert_memory_equal(text, line, strlen(line));
			text += strlen(line);
		}
	}
	harness_stop(harness);
}

static void test_beyond_the_end(void **state)
{
	struct harness *harness = tree(20);
	struct found found;

	ask(harness, 1, "needle", 10, 1000, 60000);
	decode(harness_wait(harness, 1), &found);
	assert_int_equal(found.shown, 0);
	assert_int_equal(found.flags, FILES_SEARCH_DONE);
	harness_stop(harness);
}

/* No time at all for a slow expression: what there is, and the same question goes on. */
static void test_late(void **state)
{
	struct harness *harness = tree(200);
	struct found found;
	uint64_t offset = 0;
	unsigned late = 0;

	do {
		ask(harness, 1, "needle \\d+|^(0+){4}1$", 1000, offset, 0);
		decode(harness_wait(harness, 1), &found);
		assert_int_equal(found.next, offset + found.shown);
		offset = found.next;
		late += found.flags & FILES_SEARCH_LATE ? 1 : 0;
	} while (found.flags & FILES_SEARCH_LATE);
	assert_int_equal(found.flags, FILES_SEARCH_DONE);
	assert_int_equal(offset, 200);
	assert_true(late > 0);
	harness_stop(harness);
}

static void test_cancel(void **state)
{
	struct harness *harness = tree(200);
	struct buffer nothing;
	struct found found;

	/* each line of zeros takes its time */
	ask(harness, 1, "^(0+)+$", 10, 0, 60000);
	buffer_init(&nothing, 16);
	harness_send(harness, REPLY_CANCEL, 1, &nothing);
	harness_wake(harness);
	assert_failure(harness_wait(harness, 1), "cancelled");
	ask(harness, 2, "needle 7$", 10, 0, 60000);
	assert_non_null(strstr(decode(harness_wait(harness, 2), &found), "f0007:2:needle 7\n"));
	harness_stop(harness);
}

/* More than there may be: some are told so, all are answered, and none by another's results. */
static void test_many(void **state)
{
	struct harness *harness = tree(100);
	unsigned answered = 0;
	struct found found;
	char pattern[64], line[64];

	for (uint32_t call = 0; call < 3 * LIMIT_SEARCHES; call++) {
		snprintf(pattern, sizeof pattern, "needle %u$", call);
		ask(harness, call, pattern, 10, 0, 60000);
	}
	for (uint32_t call = 0; call < 3 * LIMIT_SEARCHES; call++) {
		struct answer *answer = harness_wait(harness, call);

		if (answer->type == REPLY_FAILURE) {
			assert_failure(answer, "searches run already");
			continue;
		}
		snprintf(line, sizeof line, "f%04u:2:needle %u\n", call, call);
		assert_string_equal(decode(answer, &found), line);
		answered++;
	}
	assert_true(answered >= LIMIT_SEARCHES);
	harness_stop(harness);
}

static void test_lies(void **state)
{
	static const uint32_t limits[] = {0, LIMIT_SEARCH_RESULTS_MAX + 1};

	for (size_t i = 0; i < 2; i++) {
		struct harness *harness = tree(1);

		ask(harness, 1, "x", limits[i], 0, 60000);
		harness_wake(harness);
		harness_join(harness, 4);
		harness_stop(harness);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages), cmocka_unit_test(test_beyond_the_end),
		cmocka_unit_test(test_late),  cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_lies)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
