/* SPDX-License-Identifier: Apache-2.0 */
/* edit_file's executor side: what is answered, what many and large ones at once may take, requests that lie.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/harness.h"

struct pair {
	const char *old, *new;
	uint32_t all;
};

struct edited {
	uint32_t flags, links, count;
	uint64_t bytes, cut, replaced[8];
	char kind[128], diff[20000];
};

static void pack(struct buffer *payload, const char *path, uint32_t flags, const struct pair *pairs,
		 uint32_t count)
{
	buffer_init(payload, 32u << 20);
	frame_put_text(payload, path);
	frame_put_u32(payload, flags);
	frame_put_text(payload, "");
	frame_put_u64(payload, 16000);
	frame_put_u32(payload, count);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(frame_put_text(payload, pairs[i].old), 0);
		assert_int_equal(frame_put_text(payload, pairs[i].new), 0);
		assert_int_equal(frame_put_u32(payload, pairs[i].all), 0);
	}
}

static void send(struct harness *harness, uint32_t call, const char *path, const char *old, const char *new)
{
	const struct pair pair = {old, new, 0};
	struct buffer payload;

	pack(&payload, path, 0, &pair, 1);
	harness_answer(harness, call);
	harness_send(harness, FILES_EDIT, call, &payload);
	buffer_deinit(&payload);
}

static struct answer *edit(struct harness *harness, const char *path, uint32_t flags,
			   const struct pair *pairs, uint32_t count)
{
	struct buffer payload;

	pack(&payload, path, flags, pairs, count);
	harness_answer(harness, 0);
	harness_send(harness, FILES_EDIT, 0, &payload);
	buffer_deinit(&payload);
	return harness_wait(harness, 0);
}

static void decode(const struct answer *answer, struct edited *edited)
{
	struct frame_reader reader;
	char path[4096];
	size_t length;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	frame_get_text(&reader, path, sizeof path);
	edited->flags = frame_get_u32(&reader);
	edited->bytes = frame_get_u64(&reader);
	frame_get_bytes(&reader, &length);
	assert_int_equal(length, FILES_SHA256_BYTES);
	edited->links = frame_get_u32(&reader);
	edited->cut = frame_get_u64(&reader);
	frame_get_text(&reader, edited->kind, sizeof edited->kind);
	edited->count = frame_get_u32(&reader);
	assert_in_range(edited->count, 1, ARRAY_SIZE(edited->replaced));
	for (uint32_t i = 0; i < edited->count; i++)
		edited->replaced[i] = frame_get_u64(&reader);
	frame_get_text(&reader, edited->diff, sizeof edited->diff);
	assert_int_equal(frame_done(&reader), 0);
}

static void assert_content(struct harness *harness, const char *path, const char *expected)
{
	_cleanup_free_ char *content = take_file(harness, path, NULL);

	assert_non_null(content);
	assert_string_equal(content, expected);
}

static void test_answers(void **state)
{
	const struct pair pairs[] = {{"b", "B", 0}, {"c", "C", 1}}, back[] = {{"B", "b", 0}, {"b", "B", 0}};
	struct harness *harness = harness_new();
	struct edited edited;

	make_text(harness, "ws/a", "a\r\nb\r\nc c\r\n");
	harness_start(harness);
	decode(edit(harness, "a", FILES_DRY_RUN, pairs, 2), &edited);
	assert_int_equal(edited.flags, FILES_DRY_RUN);
	assert_content(harness, "ws/a", "a\r\nb\r\nc c\r\n");
	decode(edit(harness, "a", 0, pairs, 2), &edited);
	assert_int_equal(edited.flags, 0);
	assert_int_equal(edited.bytes, 11);
	assert_int_equal(edited.replaced[0], 1);
	assert_int_equal(edited.replaced[1], 2);
	assert_string_equal(edited.kind, "UTF-8, line ends: CRLF");
	assert_string_equal(edited.diff, "--- a\n+++ a\n@@ -1,3 +1,3 @@\n a\n-b\n-c c\n+B\n+C C\n");
	assert_content(harness, "ws/a", "a\r\nB\r\nC C\r\n");
	decode(edit(harness, "a", 0, back, 2), &edited);
	assert_int_equal(edited.flags, FILES_EDIT_SAME);
	assert_string_equal(edited.diff, "");
	harness_stop(harness);
}

/* One after the other, in the order in which they came, however many there are. */
static void test_chain(void **state)
{
	struct harness *harness = harness_new();
	char old[16], new[16];

	make_text(harness, "ws/a", "0\n");
	harness_start(harness);
	for (uint32_t call = 0; call < 500; call++) {
		snprintf(old, sizeof old, "%u\n", call);
		snprintf(new, sizeof new, "%u\n", call + 1);
		send(harness, call, "a", old, new);
	}
	for (uint32_t call = 0; call < 500; call++)
		if (harness_wait(harness, call)->type != REPLY_RESULT)
			fail_msg("%u: %s", call, answer_text(harness_answer(harness, call), 0));
	assert_content(harness, "ws/a", "500\n");
	harness_stop(harness);
}

static void make_large(struct harness *harness, const char *path)
{
	char *content = malloc(LIMIT_EDIT_BYTES);

	memset(content, 'x', LIMIT_EDIT_BYTES);
	for (size_t i = 99; i < LIMIT_EDIT_BYTES; i += 100)
		content[i] = '\n';
	memcpy(content + 5000, "needle", 6);
	make_file(harness, path, content, LIMIT_EDIT_BYTES);
	free(content);
}

/* Memory is bounded: of many large ones some are refused, and afterwards there is room again. */
static void test_large_at_once(void **state)
{
	const struct pair pair = {"needle", "NEEDLE", 0}, every = {"x", "yy", 1};
	struct harness *harness = harness_new();
	char path[32];
	unsigned done = 0, last = 0;
	struct edited edited;

	for (uint32_t i = 0; i < 6; i++) {
		snprintf(path, sizeof path, "ws/%u", i);
		make_large(harness, path);
	}
	harness_start(harness);
	for (uint32_t call = 0; call < 6; call++) {
		snprintf(path, sizeof path, "%u", call);
		send(harness, call, path, "needle", "NEEDLE");
	}
	for (uint32_t call = 0; call < 6; call++) {
		struct answer *answer = harness_wait(harness, call);

		if (answer->type == REPLY_RESULT) {
			done++;
			last = call;
		} else {
			assert_failure(answer, "too many large files are being edited at once");
		}
	}
	snprintf(path, sizeof path, "%u", last);
	assert_in_range(done, 2, 5);
	decode(edit(harness, path, 0, &(struct pair){"NEEDLE", "needle", 0}, 1), &edited);
	assert_int_equal(edited.bytes, LIMIT_EDIT_BYTES);
	assert_failure(edit(harness, path, 0, &every, 1), "more than 1000000 times");
	/* cancelled while it looks: nothing has happened */
	send(harness, 1, path, "needle", "NEEDLE");
	harness_pump(harness);
	harness_send(harness, REPLY_CANCEL, 1, &(struct buffer){.bytes = NULL});
	harness_wake(harness);
	assert_failure(harness_wait(harness, 1), "cancelled");
	decode(edit(harness, path, 0, &pair, 1), &edited);
	assert_int_equal(edited.replaced[0], 1);
	harness_stop(harness);
}

/* What no frontend packs ends the executor. */
static void test_lies(void **state)
{
	for (int i = 0; i < 5; i++) {
		struct pair pair = {"a", "b", i == 0 ? 2 : 0};
		struct harness *harness = harness_new();
		struct buffer payload;

		make_text(harness, "ws/a", "a");
		harness_start(harness);
		pack(&payload, "a", i == 1 ? 2 : 0, &pair, i == 2 ? 0 : 1);
		if (i == 3)
			payload.end--;
		if (i == 4)
			frame_put_u32(&payload, 1);
		harness_send(harness, FILES_EDIT, 1, &payload);
		harness_wake(harness);
		harness_join(harness, 4);
		assert_content(harness, "ws/a", "a");
		harness_stop(harness);
		buffer_deinit(&payload);
	}
}

/* The executor itself refuses what the schema lets nobody send. */
static void test_empty(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/a", "a");
	make_text(harness, "ws/bom",
		  "\xef\xbb\xbf"
		  "a");
	make_text(harness, "ws/empty", "");
	harness_start(harness);
	assert_failure(edit(harness, "a", 0, &(struct pair){"", "b", 0}, 1), "edits[0]: `old` is empty");
	assert_failure(edit(harness, "bom", 0, &(struct pair){"\xef\xbb\xbf", "", 0}, 1), "byte-order mark");
	assert_failure(edit(harness, "empty", 0, &(struct pair){"a", "b", 0}, 1), "is not in `empty`");
	assert_failure(edit(harness, "b", 0, &(struct pair){"a", "b", 0}, 1), "there is no `b`");
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),       cmocka_unit_test(test_chain),
		cmocka_unit_test(test_large_at_once), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
