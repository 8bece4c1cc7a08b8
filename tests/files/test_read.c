/* SPDX-License-Identifier: Apache-2.0 */
/* read_file's executor side: windows against a simple model, kinds, failures in words. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/files/harness.h"

static void test_whole(void **state)
{
	struct harness *harness = harness_new();
	struct read_facts facts;
	struct answer *answer;

	make_text(harness, "ws/a.txt", "one\ntwo\n");
	make_text(harness, "ws/empty", "");
	harness_start(harness);
	answer = harness_read(harness, "a.txt", 1, 2000, 32000, 0);
	decode_read(answer, &facts);
	assert_int_equal(buffer_length(&answer->text), 8);
	assert_memory_equal(buffer_data(&answer->text), "one\ntwo\n", 8);
	assert_int_equal(facts.lines, 2);
	assert_int_equal(facts.next, 0);
	assert_int_equal(facts.size, 8);
	assert_true(facts.hashed);
	answer = harness_read(harness, "empty", 1, 2000, 32000, 0);
	decode_read(answer, &facts);
	assert_int_equal(facts.flags, FILES_READ_EMPTY);
	assert_int_equal(facts.lines, 0);
	harness_stop(harness);
}

/* ---- the model: what a window is, said as simply as possible ---- */

struct window {
	char *text;
	size_t length;
	uint64_t first, lines;
	int64_t next;
	bool past, line_cut;
};

static size_t line_end(const char *text, size_t length, size_t at)
{
	while (at < length && text[at] != '\n')
		at++;
	return at < length ? at + 1 : at;
}

static void model(const char *text, size_t length, int64_t offset, uint64_t limit, uint64_t bytes,
		  bool numbers, struct window *window)
{
	size_t starts[5000], count = 0, used = 0;
	int64_t first = offset - 1;

	for (size_t at = 0; at < length; at = line_end(text, length, at))
		starts[count++] = at;
	starts[count] = length;
	if (offset < 0)
		first = (int64_t)count + offset < 0 ? 0 : (int64_t)count + offset;
	*window = (struct window){.text = malloc(bytes + 64), .first = (uint64_t)first + 1};
	if ((size_t)first >= count && !(length == 0 && offset <= 1)) {
		window->past = true;
		return;
	}
	for (size_t i = (size_t)first; i < count && window->lines < limit; i++) {
		char prefix[32] = "";
		size_t size = starts[i + 1] - starts[i], front = 0;

		if (numbers)
			front = (size_t)snprintf(prefix, sizeof prefix, "%6zu\t", i + 1);
		if (used + front + size > bytes) {
			if (window->lines > 0)
				break;
			window->line_cut = true;
			size = bytes > front ? bytes - front : 0;
			if (!size)
				front = 0;
		}
		memcpy(window->text + used, prefix, front);
		memcpy(window->text + used + front, text + starts[i], size);
		used += front + size;
		window->lines++;
		if (window->line_cut)
			break;
	}
	window->length = used;
	if ((size_t)first + window->lines < count)
		window->next = offset < 0 && first > 0 && !numbers
				       ? -(int64_t)(count - (size_t)first - window->lines)
				       : first + 1 + (int64_t)window->lines;
}

/* Pseudo-random, the same each run. */
static uint32_t dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % sides;
}

static size_t random_text(char *text, size_t most, uint32_t *seed)
{
	size_t length = 0, lines = dice(seed, 60);
	unsigned longest = dice(seed, 4) == 0 ? 3000 : 40;

	for (size_t i = 0; i < lines && length + longest + 2 < most; i++) {
		size_t line = dice(seed, longest);

		for (size_t j = 0; j < line; j++)
			text[length++] = (char)('a' + dice(seed, 26));
		if (i + 1 < lines || dice(seed, 2))
			text[length++] = '\n';
	}
	return length;
}

static void check_window(struct harness *harness, const char *text, size_t length, uint32_t *seed)
{
	static const uint64_t limits[] = {1, 2, 5, 30, 2000}, sizes[] = {1, 8, 50, 500, 4000, 100000};
	int64_t offset = (int64_t)dice(seed, 140) - 70;
	uint64_t limit = limits[dice(seed, 5)], bytes = sizes[dice(seed, 6)];
	bool numbers = dice(seed, 2);
	struct window window;
	struct read_facts facts;
	struct answer *answer;

	offset += offset >= 0;
	model(text, length, offset, limit, bytes, numbers, &window);
	answer = harness_read(harness, "model", offset, limit, bytes, numbers ? FILES_NUMBERS : 0);
	if (window.past) {
		assert_failure(answer, "past the end");
	} else {
		decode_read(answer, &facts);
		if (buffer_length(&answer->text) != window.length ||
		    (window.length && memcmp(buffer_data(&answer->text), window.text, window.length) != 0))
			fail_msg("offset %" PRId64 " limit %" PRIu64 " bytes %" PRIu64
				 " numbers %d length %zu: %zu bytes "
				 "instead of %zu",
				 offset, limit, bytes, numbers, length, buffer_length(&answer->text),
				 window.length);
		assert_int_equal(facts.lines, window.lines);
		if (facts.next != window.next)
			fail_msg("offset %" PRId64 " limit %" PRIu64 " bytes %" PRIu64 ": next %" PRId64
				 " instead of %" PRId64,
				 offset, limit, bytes, facts.next, window.next);
		assert_int_equal(!!(facts.flags & FILES_READ_LINE_CUT), window.line_cut);
		if (facts.first)
			assert_int_equal(facts.first, window.first);
	}
	free(window.text);
}

static void test_windows(void **state)
{
	static char text[200000];
	struct harness *harness = harness_new();
	uint32_t seed = 20261121;

	harness_start(harness);
	for (int file = 0; file < 150; file++) {
		size_t length = random_text(text, sizeof text, &seed);

		make_file(harness, "ws/model", text, length);
		for (int window = 0; window < 20; window++)
			check_window(harness, text, length, &seed);
	}
	harness_stop(harness);
}

/* Long lines and long files, larger than a piece and than the ring. */
static void test_large(void **state)
{
	struct harness *harness = harness_new();
	size_t length = 3u << 20;
	char *text = malloc(length);
	struct read_facts facts;
	struct answer *answer;

	assert_non_null(text);
	memset(text, 'x', length);
	for (size_t at = 199999; at < length; at += 200000)
		text[at] = '\n';
	make_file(harness, "ws/long", text, length);
	harness_start(harness);
	for (int numbers = 0; numbers < 2; numbers++) {
		size_t front = numbers ? 7 : 0;

		answer = harness_read(harness, "long", 1, 2000, 8u << 20, numbers ? FILES_NUMBERS : 0);
		decode_read(answer, &facts);
		assert_int_equal(facts.lines, 16);
		assert_int_equal(facts.next, 0);
		assert_int_equal(buffer_length(&answer->text), length + 16 * front);
		assert_memory_equal(buffer_data(&answer->text) + front, text, 200000);
		/* the second line fits, the third does not */
		answer = harness_read(harness, "long", 1, 2000, 500000, numbers ? FILES_NUMBERS : 0);
		decode_read(answer, &facts);
		assert_int_equal(facts.lines, 2);
		assert_int_equal(facts.next, 3);
		assert_int_equal(buffer_length(&answer->text), 2 * (200000 + front));
		/* not even the first one does */
		answer = harness_read(harness, "long", 1, 2000, 150000, numbers ? FILES_NUMBERS : 0);
		decode_read(answer, &facts);
		assert_int_equal(facts.lines, 1);
		assert_int_equal(facts.next, 2);
		assert_true(facts.flags & FILES_READ_LINE_CUT);
		assert_int_equal(buffer_length(&answer->text), 150000);
	}
	answer = harness_read(harness, "long", -1, 2000, 500000, 0);
	decode_read(answer, &facts);
	assert_int_equal(buffer_length(&answer->text), length % 200000);
	free(text);
	harness_stop(harness);
}

static void test_characters(void **state)
{
	struct harness *harness = harness_new();
	struct read_facts facts;
	struct answer *answer;
	char text[301];

	for (int i = 0; i < 100; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 4); /* the Euro sign, three bytes */
	make_file(harness, "ws/euro", text, 300);
	make_file(harness, "ws/latin1", "gr\xfc\xdf dich\n", 10);
	make_file(harness, "ws/windows", "\x93gr\xfc\xdf\x94 dich\n", 12);
	harness_start(harness);
	for (uint64_t bytes = 10; bytes < 14; bytes++) {
		answer = harness_read(harness, "euro", 1, 10, bytes, 0);
		decode_read(answer, &facts);
		assert_int_equal(buffer_length(&answer->text), bytes / 3 * 3);
		assert_int_equal(facts.next, 0); /* there is no second line */
		assert_true(facts.flags & FILES_READ_LINE_CUT);
		assert_string_equal(facts.kind, "");
	}
	decode_read(harness_read(harness, "latin1", 1, 10, 100, 0), &facts);
	assert_string_equal(facts.kind, "ISO-8859-1");
	decode_read(harness_read(harness, "windows", 1, 10, 100, 0), &facts);
	assert_string_equal(facts.kind, "windows-1252");
	harness_stop(harness);
}

static void test_media(void **state)
{
	static const struct {
		const char *head, *type;
		size_t length;
	} kinds[] = {
		{"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", 16},
		{"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg", 10},
		{"GIF89a\1\0\1\0", "image/gif", 10},
		{"RIFF\4\0\0\0WEBPVP8 ", "image/webp", 16},
		{"RIFF\4\0\0\0WAVEfmt ", "audio/wav", 16},
		{"ID3\3\0\0\0", "audio/mpeg", 7},
		{"fLaC\0\0\0\"", "audio/flac", 8},
		{"OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x1eOpusHead", "audio/ogg", 36},
	};
	struct harness *harness = harness_new();
	static uint8_t bytes[400000];
	struct read_facts facts;
	struct answer *answer;

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	harness_start(harness);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t name = strlen(kinds[i].type);

		memcpy(bytes, kinds[i].head, kinds[i].length);
		make_file(harness, "ws/m", bytes, sizeof bytes);
		/* where the text would begin does not matter */
		answer = harness_read(harness, "m", i % 2 ? 1 : 100, 10, 32000, 0);
		decode_read(answer, &facts);
		assert_string_equal(facts.kind, kinds[i].type);
		assert_int_equal(facts.flags, FILES_READ_MEDIA);
		assert_int_equal(buffer_length(&answer->media), 4 + name + sizeof bytes);
		assert_memory_equal(buffer_data(&answer->media) + 4, kinds[i].type, name);
		assert_memory_equal(buffer_data(&answer->media) + 4 + name, bytes, sizeof bytes);
		assert_int_equal(buffer_length(&answer->text), 0);
	}
	make_text(harness, "ws/m", "GIF89a is how such files begin\n");
	decode_read(harness_read(harness, "m", 1, 10, 32000, 0), &facts);
	assert_int_equal(facts.flags, 0);
	make_file(harness, "ws/m",
		  "\x7f"
		  "ELF\2\1\1\0\0\0",
		  10);
	assert_failure(harness_read(harness, "m", 1, 10, 32000, 0), "10 bytes of an ELF program");
	make_file(harness, "ws/m", "\xff\xfeh\0i\0", 6);
	assert_failure(harness_read(harness, "m", 1, 10, 32000, 0), "UTF-16");
	make_file(harness, "ws/m", "abc\0def", 7);
	assert_failure(harness_read(harness, "m", -1, 10, 32000, 0), "binary data");
	harness_stop(harness);
}

static void test_failures(void **state)
{
	struct harness *harness = harness_new();
	char path[256];

	make_directory(harness, "ws/src");
	make_text(harness, "ws/src/main.c", "int main;\n");
	make_link(harness, "ws/loop", "loop");
	make_link(harness, "ws/dangling", "nowhere");
	snprintf(path, sizeof path, "%s/fifo", harness->workspace);
	assert_int_equal(mkfifo(path, 0644), 0);
	harness_start(harness);
	assert_failure(harness_read(harness, "src/mian.c", 1, 10, 100, 0), "Did you mean `src/main.c`?");
	assert_failure(harness_read(harness, "scr/main.c", 1, 10, 100, 0), "Did you mean `src/main.c`?");
	assert_failure(harness_read(harness, "SRC/MAIN.c", 1, 10, 100, 0), "Did you mean `src/MAIN.c`?");
	assert_failure(harness_read(harness, "quite/other", 1, 10, 100, 0), "there is no `quite`");
	assert_failure(harness_read(harness, "src", 1, 10, 100, 0), "list_directory");
	assert_failure(harness_read(harness, "src/main.c/x", 1, 10, 100, 0), "ENOTDIR");
	assert_failure(harness_read(harness, "loop", 1, 10, 100, 0), "ELOOP");
	assert_failure(harness_read(harness, "dangling", 1, 10, 100, 0), "link to `nowhere`");
	assert_failure(harness_read(harness, "fifo", 1, 10, 100, 0), "FIFO");
	assert_failure(harness_read(harness, "src/main.c", 2, 10, 100, 0), "the file has 1 line");
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_windows),
		cmocka_unit_test(test_large), cmocka_unit_test(test_characters),
		cmocka_unit_test(test_media), cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
