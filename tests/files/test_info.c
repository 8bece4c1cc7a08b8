/* SPDX-License-Identifier: Apache-2.0 */
/* get_file_info and read_files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/files/requests.h"

struct facts {
	uint32_t type, flags, mode, user, group, links;
	uint64_t size, disk, lines;
	int64_t modified;
	char target[4096], kind[128], encoding[64], ends[16];
	size_t hashed;
};

static void get(const struct answer *answer, struct facts *facts)
{
	struct frame_reader reader;
	char path[4096];

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	facts->type = frame_get_u32(&reader);
	facts->flags = frame_get_u32(&reader);
	facts->size = frame_get_u64(&reader);
	facts->disk = frame_get_u64(&reader);
	facts->mode = frame_get_u32(&reader);
	facts->user = frame_get_u32(&reader);
	facts->group = frame_get_u32(&reader);
	facts->links = frame_get_u32(&reader);
	facts->modified = (int64_t)frame_get_u64(&reader);
	frame_get_u64(&reader);
	frame_get_u64(&reader);
	facts->lines = frame_get_u64(&reader);
	frame_get_text(&reader, facts->target, sizeof facts->target);
	frame_get_text(&reader, facts->kind, sizeof facts->kind);
	frame_get_text(&reader, facts->encoding, sizeof facts->encoding);
	frame_get_text(&reader, facts->ends, sizeof facts->ends);
	frame_get_bytes(&reader, &facts->hashed);
	frame_get_text(&reader, path, sizeof path);
	assert_int_equal(frame_done(&reader), 0);
}

static void test_text(void **state)
{
	static const struct {
		const char *text, *encoding, *ends;
		uint64_t lines;
		uint32_t flags;
	} cases[] = {
		{"a\nb\n", "ASCII", "LF", 2, 0},
		{"a\nb", "ASCII", "LF", 2, FILES_INFO_OPEN_END},
		{"a\r\nb\r\n", "ASCII", "CRLF", 2, 0},
		{"a\rb\r", "ASCII", "CR", 2, 0},
		{"a\rb", "ASCII", "CR", 2, FILES_INFO_OPEN_END},
		{"a\r\nb\n", "ASCII", "mixed", 2, 0},
		{"a\r\r\n", "ASCII", "CRLF", 1, 0}, /* a CR alone beside others is a character */
		{"a", "ASCII", "none", 1, FILES_INFO_OPEN_END},
		{"\xc3\xa4\n", "UTF-8", "LF", 1, 0},
		{"\xef\xbb\xbfx\n", "UTF-8 with a byte-order mark", "LF", 1, 0},
		{"\xe4h\n", "ISO-8859-1", "LF", 1, 0},
		{"\x93h\x94\n", "windows-1252", "LF", 1, 0},
	};
	struct harness *harness = harness_new();
	struct facts facts;

	harness_start(harness);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_text(harness, "ws/text", cases[i].text);
		get(request_info(harness, "text", FILES_HASH), &facts);
		assert_string_equal(facts.encoding, cases[i].encoding);
		assert_string_equal(facts.ends, cases[i].ends);
		assert_int_equal(facts.lines, cases[i].lines);
		assert_int_equal(facts.flags, cases[i].flags | FILES_INFO_TEXT);
		assert_int_equal(facts.hashed, 32);
	}
	harness_stop(harness);
}

/* What has a NUL in every other byte is no binary for that. */
static void test_utf16(void **state)
{
	static const struct {
		const char *content;
		size_t length;
		const char *encoding, *ends;
		uint64_t lines;
		uint32_t flags;
	} cases[] = {
		{"\xff\xfe"
		 "a\0\n\0b\0\n\0",
		 10, "UTF-16LE", "LF", 2, 0},
		{"\xff\xfe"
		 "a\0\r\0\n\0b\0",
		 10, "UTF-16LE", "CRLF", 2, FILES_INFO_OPEN_END},
		{"\xfe\xff"
		 "\0a\0\n\x0a\x0a",
		 8, "UTF-16BE", "LF", 2, FILES_INFO_OPEN_END}, /* U+0A0A is no end */
		{"\xff\xfe"
		 "\x0a\x0d",
		 4, "UTF-16LE", "none", 1, FILES_INFO_OPEN_END}, /* nor is U+0D0A */
	};
	struct harness *harness = harness_new();
	struct facts facts;

	harness_start(harness);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_file(harness, "ws/text", cases[i].content, cases[i].length);
		get(request_info(harness, "text", FILES_HASH), &facts);
		assert_string_equal(facts.kind, "text/plain");
		assert_string_equal(facts.encoding, cases[i].encoding);
		assert_string_equal(facts.ends, cases[i].ends);
		assert_int_equal(facts.lines, cases[i].lines);
		assert_int_equal(facts.flags, cases[i].flags | FILES_INFO_TEXT);
	}
	make_file(harness, "ws/text", "\xff\xfe\0\0a\0\0\0", 8); /* UTF-32: no text of ours */
	get(request_info(harness, "text", 0), &facts);
	assert_int_equal(facts.flags, 0);
	harness_stop(harness);
}

/* Line ends that a piece of the file ends between. */
static void test_pieces(void **state)
{
	struct harness *harness = harness_new();
	size_t length = 4 * LIMIT_FRAME_BYTES;
	char *content = malloc(length);
	struct facts facts;

	memset(content, 'x', length);
	memcpy(content + LIMIT_FRAME_BYTES - 1, "\r\n", 2);
	memcpy(content + 2 * LIMIT_FRAME_BYTES - 1, "\xc3\xa4", 2);
	memcpy(content + length - 2, "\r\n", 2);
	make_file(harness, "ws/pieces", content, length);
	harness_start(harness);
	get(request_info(harness, "pieces", 0), &facts);
	assert_string_equal(facts.ends, "CRLF");
	assert_int_equal(facts.lines, 2);
	assert_string_equal(facts.encoding, "UTF-8");
	assert_int_equal(facts.hashed, 0);
	free(content);
	harness_stop(harness);
}

static void test_kinds(void **state)
{
	struct harness *harness = harness_new();
	struct facts facts;

	make_directory(harness, "ws/d");
	make_text(harness, "ws/empty", "");
	make_file(harness, "ws/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
	make_text(harness, "outside", "outside");
	make_link(harness, "ws/link", "d/../png");
	make_link(harness, "ws/dangling", "nowhere");
	make_link(harness, "ws/out", "../outside");
	assert_int_equal(mkfifo(inside(harness, "ws/fifo"), 0640), 0);
	assert_int_equal(chmod(inside(harness, "ws/fifo"), 0640), 0);
	make_text(harness, "ws/sparse", "x\n");
	assert_int_equal(truncate(inside(harness, "ws/sparse"), (off_t)1 << 40), 0);
	harness_start(harness);
	get(request_info(harness, ".", FILES_HASH), &facts);
	assert_int_equal(facts.type, FILES_DIRECTORY);
	assert_int_equal(facts.hashed, 0);
	get(request_info(harness, "empty", FILES_HASH), &facts);
	assert_int_equal(facts.flags, 0);
	assert_int_equal(facts.hashed, 32);
	get(request_info(harness, "link", 0), &facts);
	assert_int_equal(facts.type, FILES_FILE);
	assert_string_equal(facts.target, "d/../png");
	assert_string_equal(facts.kind, "image/png");
	get(request_info(harness, "dangling", 0), &facts);
	assert_int_equal(facts.type, FILES_LINK);
	assert_int_equal(facts.flags, FILES_INFO_UNREADABLE);
	get(request_info(harness, "out", 0), &facts);
	assert_int_equal(facts.type, FILES_LINK);
	assert_string_equal(facts.kind, "");
	get(request_info(harness, "fifo", FILES_HASH), &facts);
	assert_int_equal(facts.type, FILES_FIFO);
	assert_int_equal(facts.mode, 0640);
	/* a terabyte of nothing is looked at no further than its beginning, and not hashed at all */
	get(request_info(harness, "sparse", 0), &facts);
	assert_int_equal(facts.size, (uint64_t)1 << 40);
	assert_true(facts.disk < 100000);
	assert_failure(request_info(harness, "sparse", FILES_HASH), "at most");
	assert_failure(request_info(harness, "none", 0), "there is no `none`");
	assert_denied(request_info(harness, "../outside", 0), "workspace");
	harness_stop(harness);
}

static struct answer *read_several(struct harness *harness, uint64_t bytes, const char *const *paths)
{
	struct buffer payload;
	uint32_t count = 0;

	while (paths[count])
		count++;
	buffer_init(&payload, 1u << 20);
	frame_put_u64(&payload, bytes);
	frame_put_u32(&payload, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(frame_put_text(&payload, paths[i]), 0);
	harness_answer(harness, 0);
	harness_send(harness, FILES_READ_SEVERAL, 0, &payload);
	buffer_deinit(&payload);
	return harness_wait(harness, 0);
}

static void assert_several(const struct answer *answer, const char *text, unsigned parts, uint32_t refused)
{
	struct frame_reader reader;

	assert_int_equal(answer->type, REPLY_RESULT);
	assert_int_equal(answer->parts, parts);
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	assert_int_equal(frame_get_u32(&reader), parts);
	assert_int_equal(frame_get_u32(&reader), refused);
	assert_int_equal(frame_done(&reader), 0);
	if (text) {
		assert_int_equal(buffer_length(&answer->text), strlen(text));
		assert_memory_equal(buffer_data(&answer->text), text, strlen(text));
	}
}

static void test_several(void **state)
{
	const char *const paths[] = {"a", "none", "../out", "png", "d", "fifo", "b", NULL};
	const char *const images[] = {"big", "big", "big", "png", NULL};
	struct harness *harness = harness_new();
	char *image = calloc(1, LIMIT_MEDIA_BYTES);

	make_text(harness, "ws/a", "one\ntwo\n");
	make_text(harness, "ws/b", "three");
	make_directory(harness, "ws/d");
	make_file(harness, "ws/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
	memcpy(image, "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16);
	make_file(harness, "ws/big", image, LIMIT_MEDIA_BYTES);
	free(image);
	assert_int_equal(mkfifo(inside(harness, "ws/fifo"), 0644), 0);
	harness_start(harness);
	assert_several(read_several(harness, 32000, paths),
		       "a\none\ntwo\nnone\n../out\npng\nd\nfifo\nb\nthree", 7, 4);
	assert_int_equal(buffer_length(&harness->answers[0].media), 16 + 4 + strlen("image/png"));
	/* more images than one answer holds: the third is refused, the small one fits */
	assert_several(read_several(harness, 32000, images), NULL, 4, 1);
	assert_int_equal(buffer_length(&harness->answers[0].media),
			 2 * LIMIT_MEDIA_BYTES + 16 + 3 * (4 + strlen("image/png")));
	harness_stop(harness);
}

/* Small files are whole, large ones share what is left. */
static void test_shares(void **state)
{
	const char *const paths[] = {"large", "small", "huge", NULL};
	struct harness *harness = harness_new();
	char *content = malloc(100000);
	size_t length;

	for (int i = 0; i < 100000; i++)
		content[i] = i % 50 == 49 ? '\n' : 'x';
	make_file(harness, "ws/large", content, 50000);
	make_file(harness, "ws/huge", content, 100000);
	make_file(harness, "ws/small", content, 3000);
	free(content);
	harness_start(harness);
	assert_several(read_several(harness, 30000, paths), NULL, 3, 0);
	length = buffer_length(&harness->answers[0].text) - strlen("large\nsmall\nhuge\n");
	/* 3,000, and two halves of the rest (13,499 and 13,500), in whole lines */
	assert_int_equal(length, 3000 + 13450 + 13500);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),  cmocka_unit_test(test_utf16),   cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_kinds), cmocka_unit_test(test_several), cmocka_unit_test(test_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
