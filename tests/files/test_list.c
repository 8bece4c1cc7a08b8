/* SPDX-License-Identifier: Apache-2.0 */
/* list_directory's executor side: order, pages, trees, types, bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tools/files/executor/names.h"
#include "tools/files/executor/near.h"

struct listed {
	uint64_t total, first, next, hidden, ignored;
	uint32_t flags, count;
	char names[2000][64];
	uint32_t types[2000];
	char target[64]; /* of the last link */
};

static void decode(const struct answer *answer, struct listed *listed)
{
	struct frame_reader reader;
	char text[4096];

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	frame_get_text(&reader, text, sizeof text);
	listed->total = frame_get_u64(&reader);
	listed->first = frame_get_u64(&reader);
	listed->next = frame_get_u64(&reader);
	listed->hidden = frame_get_u64(&reader);
	listed->ignored = frame_get_u64(&reader);
	listed->flags = frame_get_u32(&reader);
	listed->count = frame_get_u32(&reader);
	assert_true(listed->count <= 2000);
	for (uint32_t i = 0; i < listed->count; i++) {
		frame_get_text(&reader, listed->names[i], sizeof listed->names[i]);
		listed->types[i] = frame_get_u32(&reader);
		frame_get_u64(&reader);
		frame_get_u64(&reader);
		frame_get_text(&reader, text, sizeof text);
		if (listed->types[i] == FILES_LINK)
			snprintf(listed->target, sizeof listed->target, "%.63s", text);
	}
	assert_int_equal(frame_done(&reader), 0);
}

static void test_types(void **state)
{
	static const char *const names[] = {"Z", "a", "b", "b/c", "b/d", "b/d/e", "fifo", "link"};
	static const uint32_t types[] = {FILES_FILE,      FILES_FILE, FILES_DIRECTORY, FILES_FILE,
					 FILES_DIRECTORY, FILES_FILE, FILES_FIFO,      FILES_LINK};
	struct harness *harness = harness_new();
	static struct listed listed;
	char path[256];

	make_directory(harness, "ws/b");
	make_directory(harness, "ws/b/d");
	make_text(harness, "ws/a", "a");
	make_text(harness, "ws/Z", "Z");
	make_text(harness, "ws/.hidden", "");
	make_text(harness, "ws/b/c", "c");
	make_text(harness, "ws/b/d/e", "e");
	make_link(harness, "ws/link", "b/d"); /* shown, not gone into */
	snprintf(path, sizeof path, "%s/fifo", harness->workspace);
	assert_int_equal(mkfifo(path, 0644), 0);
	harness_start(harness);
	decode(harness_list(harness, ".", 5, 0, 0, 100), &listed);
	assert_int_equal(listed.total, 8);
	assert_int_equal(listed.count, 8);
	assert_int_equal(listed.hidden, 1);
	for (int i = 0; i < 8; i++) {
		assert_string_equal(listed.names[i], names[i]);
		assert_int_equal(listed.types[i], types[i]);
	}
	assert_string_equal(listed.target, "b/d");
	decode(harness_list(harness, ".", 2, FILES_HIDDEN, 0, 100), &listed);
	assert_int_equal(listed.total, 8);
	assert_string_equal(listed.names[0], ".hidden");
	/* pages of every size are the same list */
	for (uint64_t limit = 1; limit < 9; limit++) {
		uint64_t offset = 0;

		do {
			decode(harness_list(harness, ".", 5, 0, offset, limit), &listed);
			assert_int_equal(listed.total, 8);
			for (uint32_t i = 0; i < listed.count; i++)
				assert_string_equal(listed.names[i], names[offset + i]);
			offset += listed.count;
			assert_int_equal(listed.next, offset < 8 ? offset : 0);
		} while (listed.next);
	}
	decode(harness_list(harness, "link", 1, 0, 0, 100), &listed);
	assert_int_equal(listed.total, 1);
	assert_failure(harness_list(harness, "a", 1, 0, 0, 100), "not a directory");
	assert_failure(harness_list(harness, "lnik", 1, 0, 0, 100), "Did you mean `link`?");
	harness_stop(harness);
}

static void test_many(void **state)
{
	struct harness *harness = harness_new();
	static struct listed listed;
	char name[64];

	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof name, "ws/%08x", (unsigned)i * 2654435761u);
		make_text(harness, name, "");
	}
	harness_start(harness);
	decode(harness_list(harness, ".", 1, 0, 500, 2000), &listed);
	assert_int_equal(listed.total, 3000);
	assert_int_equal(listed.count, 2000);
	assert_int_equal(listed.next, 2500);
	for (uint32_t i = 1; i < listed.count; i++)
		assert_true(strcmp(listed.names[i - 1], listed.names[i]) < 0);
	harness_stop(harness);
}

/* What ignore files name is left out and counted, from above and from inside alike. */
static void test_ignored(void **state)
{
	struct harness *harness = harness_new();
	static struct listed listed;

	make_directory(harness, "ws/src");
	make_directory(harness, "ws/src/build");
	make_directory(harness, "ws/build");
	make_text(harness, "ws/.gitignore", "*.o\n/build/\n!keep.o\n");
	make_text(harness, "ws/src/.ignore", "secret*\n");
	make_text(harness, "ws/src/a.c", "");
	make_text(harness, "ws/src/a.o", "");
	make_text(harness, "ws/src/keep.o", "");
	make_text(harness, "ws/src/secret.c", "");
	make_text(harness, "ws/src/build/x", "");
	make_text(harness, "ws/build/y", "");
	make_link(harness, "ws/here", "src");
	harness_start(harness);
	decode(harness_list(harness, ".", 3, 0, 0, 100), &listed);
	assert_int_equal(listed.total, 6); /* here src src/a.c src/build src/build/x src/keep.o */
	assert_string_equal(listed.names[2], "src/a.c");
	assert_string_equal(listed.names[5], "src/keep.o");
	assert_int_equal(listed.ignored, 3);
	assert_int_equal(listed.hidden, 2);
	decode(harness_list(harness, "src", 1, 0, 0, 100), &listed);
	assert_int_equal(listed.total, 3);
	assert_int_equal(listed.ignored, 2);
	assert_string_equal(listed.names[0], "a.c");
	decode(harness_list(harness, "src", 1, FILES_IGNORED, 0, 100), &listed);
	assert_int_equal(listed.total, 5);
	assert_int_equal(listed.ignored, 0);
	decode(harness_list(harness, "build", 1, 0, 0, 100), &listed); /* who names it means it */
	assert_int_equal(listed.total, 1);
	decode(harness_list(harness, "here", 1, 0, 0, 100), &listed); /* a link: rules above do not count */
	assert_int_equal(listed.total, 4);
	decode(harness_list(harness, "./src//", 1, 0, 0, 100), &listed);
	assert_int_equal(listed.total, 3);
	harness_stop(harness);
}

static void test_distance(void **state)
{
	assert_int_equal(near_distance("main.c", "main.c", 10), 0);
	assert_int_equal(near_distance("main.c", "MAIN.c", 10), 1);
	assert_int_equal(near_distance("main.c", "mian.c", 10), 2);
	assert_int_equal(near_distance("main.c", "man.c", 10), 2);
	assert_int_equal(near_distance("main.c", "maine.c", 10), 2);
	assert_int_equal(near_distance("main.c", "maim.c", 10), 2);
	assert_int_equal(near_distance("main.c", "maiN.h", 10), 3);
	assert_int_equal(near_distance("", "abc", 10), 6);
	assert_int_equal(near_distance("abcdefgh", "stuvwxyz", 4), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_ignored),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
