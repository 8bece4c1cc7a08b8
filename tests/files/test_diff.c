/* SPDX-License-Identifier: Apache-2.0 */
/* Unified diffs: exact ones of small texts, what random ones lead to, bounds, and other encodings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tools/files/executor/diff.h"

static uint32_t seed = 1;

static uint32_t next(void)
{
	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

/* The diff, NUL-terminated, to be freed. */
static char *diff_of(const void *old, size_t old_length, const void *new, size_t new_length, size_t most,
		     uint64_t *cut)
{
	struct text old_text, new_text;
	struct diff_side left = {old, old_length, &old_text, "o"}, right = {new, new_length, &new_text, "n"};
	struct buffer out;

	text_recognise(&old_text, old, old_length);
	text_recognise(&new_text, new, new_length);
	buffer_init(&out, 64u << 20);
	assert_int_equal(diff_texts(&left, &right, &out, most, cut), 0);
	assert_true(buffer_length(&out) <= most);
	assert_int_equal(buffer_append(&out, "", 1), 0);
	return out.bytes;
}

static void check(const char *old, const char *new, const char *expected)
{
	uint64_t cut;
	_cleanup_free_ char *diff = diff_of(old, strlen(old), new, strlen(new), 10000, &cut);

	assert_string_equal(diff, expected);
	assert_int_equal(cut, 0);
}

#define NAMES  "--- o\n+++ n\n"
#define NO_END "\\ No newline at end of file\n"

static void test_small(void **state)
{
	check("", "", "");
	check("a\n", "a\n", "");
	check("", "a\n", NAMES "@@ -0,0 +1 @@\n+a\n");
	check("a\n", "", NAMES "@@ -1 +0,0 @@\n-a\n");
	check("a", "a\n", NAMES "@@ -1 +1 @@\n-a\n" NO_END "+a\n");
	check("a\nb", "c\nb", NAMES "@@ -1,2 +1,2 @@\n-a\n+c\n b\n" NO_END);
	check("a\n\n", "a\n", NAMES "@@ -1,2 +1 @@\n a\n-\n");
	check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n",
	      NAMES "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n");
	/* near each other: one hunk; further apart: two */
	check("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	      NAMES "@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	check("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	      NAMES "@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n");
	/* moved lines, and what is smallest */
	check("a\nb\nc\nd\n", "b\nc\nd\na\n", NAMES "@@ -1,4 +1,4 @@\n-a\n b\n c\n d\n+a\n");
	/* CRLF throughout is not shown, mixed it is */
	check("a\r\nb\r\n", "a\r\nc\r\n", NAMES "@@ -1,2 +1,2 @@\n a\n-b\n+c\n");
	check("a\r\nb\nc\n", "a\r\nb\r\nc\n", NAMES "@@ -1,3 +1,3 @@\n a\r\n-b\n+b\r\n c\n");
	check("a\rb\rc\r", "a\rB\rc\r", NAMES "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
	check("a\rb\r", "a\nb\n", NAMES "@@ -1,2 +1,2 @@\n-a\n-b\n+a\n+b\n");
	check("\xef\xbb\xbf"
	      "a\n",
	      "\xef\xbb\xbf"
	      "b\n",
	      NAMES "@@ -1 +1 @@\n-a\n+b\n");
	check("caf\xe9\n", "th\xe9\n", NAMES "@@ -1 +1 @@\n-caf\xc3\xa9\n+th\xc3\xa9\n");
}

/* One line after the other out of a text; NULL at its end. */
static const char *take_line(const char **at, size_t *length)
{
	const char *line = *at, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	*length = end ? (size_t)(end - line) + 1 : strlen(line);
	*at += *length;
	return line;
}

/* What a diff makes of a text. Every line that stays or goes must be there. */
static void apply(const char *old, const char *diff, char *new)
{
	const char *line, *was;
	size_t length, was_length = 0, number = 0, begin, count;

	new[0] = '\0';
	while ((line = take_line(&diff, &length))) {
		if (strncmp(line, "--- ", 4) == 0 || strncmp(line, "+++ ", 4) == 0)
			continue;
		if (line[0] == '@') {
			if (sscanf(line, "@@ -%zu,%zu", &begin, &count) != 2)
				count = 1;
			for (begin -= count != 0; number < begin; number++) {
				was = take_line(&old, &was_length);
				assert_non_null(was);
				strncat(new, was, was_length);
			}
			continue;
		}
		if (diff[0] == '\\') { /* this line has no end */
			length--;
			take_line(&diff, &was_length);
		}
		if (line[0] != '+') {
			was = take_line(&old, &was_length);
			number++;
			assert_non_null(was);
			assert_int_equal(was_length, length - 1);
			assert_memory_equal(was, line + 1, was_length);
		}
		if (line[0] != '-')
			strncat(new, line + 1, length - 1);
	}
	memcpy(new + strlen(new), old, strlen(old) + 1);
}

static void make_text_of(char *to, unsigned lines, unsigned kinds)
{
	*to = '\0';
	while (lines-- > 0)
		to += snprintf(to, 16, "%u%s", next() % kinds, lines || next() % 3 ? "\n" : "");
}

static void test_random(void **state)
{
	static char old[8000], new[16000], back[20000];

	for (int round = 0; round < 4000; round++) {
		unsigned lines = next() % (round % 10 ? 12 : 300), kinds = 2 + next() % (round % 2 ? 4 : 60);
		uint64_t cut;

		make_text_of(old, lines, kinds);
		if (round % 4 == 0) {
			make_text_of(new, next() % 12, kinds);
		} else { /* some lines of it are others, or gone */
			size_t length, at = 0;

			for (const char *from = old, *line; (line = take_line(&from, &length));) {
				if (next() % 9 == 0)
					at += (size_t)snprintf(new + at, 16, "%u\n", next() % kinds);
				if (next() % 9 == 0)
					continue;
				memcpy(new + at, line, length);
				at += length;
			}
			new[at] = '\0';
		}
		_cleanup_free_ char *diff = diff_of(old, strlen(old), new, strlen(new), 50000, &cut);

		assert_int_equal(cut, 0);
		apply(old, diff, back);
		assert_string_equal(back, new);
		if (strcmp(old, new) == 0)
			assert_string_equal(diff, "");
	}
}

static void test_bounds(void **state)
{
	static char old[400000], new[400000];
	size_t length = 0, at;
	uint64_t cut;

	for (unsigned i = 0; i < 20000; i++)
		length += (size_t)snprintf(old + length, 16, "line %u\n", i);
	memcpy(new, old, length + 1);
	at = (size_t)(strstr(new, "line 100\n") - new);
	new[at] = 'L';
	at = (size_t)(strstr(new, "line 19000\n") - new);
	new[at] = 'L';
	char *diff = diff_of(old, length, new, length, 10000, &cut);

	assert_int_equal(cut, 0);
	assert_non_null(strstr(diff, "@@ -98,7 +98,7 @@\n"));
	assert_non_null(strstr(diff, "@@ -18998,7 +18998,7 @@\n"));
	free(diff);
	/* only the first of them has room */
	diff = diff_of(old, length, new, length, 200, &cut);
	assert_int_equal(cut, 19001);
	assert_non_null(strstr(diff, "+Line 100\n"));
	assert_null(strstr(diff, "Line 19000"));
	free(diff);
	/* no room for anything */
	diff = diff_of(old, length, new, length, 20, &cut);
	assert_int_equal(cut, 101);
	assert_string_equal(diff, "");
	free(diff);
	/* every line: more than is looked through */
	for (at = 0; at < length; at++)
		new[at] = new[at] == 'l' ? 'k' : new[at];
	diff = diff_of(old, length, new, length, 5000, &cut);
	assert_int_equal(cut, 1);
	assert_non_null(strstr(diff, "\n-line 0\n"));
	free(diff);
	/* a line that is longer than what is shown of one: where it differs */
	memset(old, 'x', 300000);
	memcpy(new, old, 300000);
	memcpy(old + 150000, "old", 3);
	memcpy(new + 150000, "new", 3);
	diff = diff_of(old, 300000, new, 300000, 10000, &cut);
	assert_non_null(strstr(diff, "\n-[149800 bytes] xxx"));
	assert_non_null(strstr(diff, "xoldx"));
	assert_non_null(strstr(diff, "xnewx"));
	assert_non_null(strstr(diff, "x [148200 bytes]\n" NO_END));
	free(diff);
}

static void test_wide(void **state)
{
	static const char old[] = "\xff\xfe"
				  "a\0\r\0\n\0b\0\r\0\n\0\x0a\x0a\r\0\n\0",
			  new[] = "\xff\xfe"
				  "a\0\r\0\n\0c\0\r\0\n\0\x0a\x0a\r\0\n\0";
	uint64_t cut;
	_cleanup_free_ char *diff = diff_of(old, sizeof old - 1, new, sizeof new - 1, 1000, &cut);

	assert_string_equal(diff, NAMES "@@ -1,3 +1,3 @@\n a\n-b\n+c\n \xe0\xa8\x8a\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
