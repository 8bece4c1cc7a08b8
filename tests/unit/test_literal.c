/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literals and patterns: that nothing is missed. Thousands of generated expressions over generated texts,
 * each line asked of PCRE2 alone, and the fast ways must find exactly those lines.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "tools/files/search/pattern.h"

#define PATTERNS 20000

static uint64_t seed = 4711;

static unsigned below(unsigned bound)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % bound;
}

/* ---- needles ---- */

static const uint8_t *find_slowly(const struct needle *needle, const uint8_t *at, const uint8_t *end)
{
	for (; end - at >= needle->length; at++) {
		size_t i = 0;

		while (i < needle->length && (at[i] | needle->masks[i]) == needle->bytes[i])
			i++;
		if (i == needle->length)
			return at;
	}
	return NULL;
}

static void test_needles(void **state)
{
	static const char letters[] = "aAbBkK_\n\xc3\xa9";
	uint8_t text[300];

	for (int round = 0; round < 50000; round++) {
		size_t length = below(sizeof text), size = 1 + below(round % 2 ? 4 : NEEDLE_BYTES);
		struct needle needle;
		uint8_t bytes[NEEDLE_BYTES];
		uint8_t *place = malloc(length + 1); /* of its own, so that a sanitizer sees its end */

		assert_non_null(place);
		for (size_t i = 0; i < length; i++)
			place[i] = (uint8_t)letters[below(sizeof letters - 1)];
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)letters[below(sizeof letters - 1)];
		if (length > size && below(2))
			memcpy(place + below((unsigned)(length - size)), bytes, size);
		needle_init(&needle, bytes, size, below(2));
		assert_ptr_equal(needle_find(&needle, place, place + length),
				 find_slowly(&needle, place, place + length));
		free(place);
	}
}

/* ---- literals: what is known of an expression ---- */

struct known {
	const char *pattern;
	const char *literals; /* joined by '|'; "" for none */
	bool fold, spans;
};

static void test_literals(void **state)
{
	static const struct known known[] = {
		{"foo", "foo", false, true},
		{"foo.*barbaz", "barbaz", false, true},
		{"foo|barbaz", "foo|barbaz", false, true},
		{"(foo|bar)quux", "quux", false, true},
		{"a?bcde", "bcde", false, true},
		{"abc+", "abc", false, true},
		{"abc*", "ab", false, true},
		{"ab{0,2}", "a", false, true},
		{"ab{2}", "ab", false, true},
		{"\\bfoo\\b", "foo", false, true},
		{"^foo$", "foo", false, true},
		{"foo\\.bar", "foo.bar", false, true},
		{"[0-9]+", "", false, true},
		{"[a]bc", "abc", false, true},
		{"x|", "", false, true},
		{"(?:abc)?", "", false, true},
		{"(?=abc)x", "x", false, true},
		{"(?!abc)x", "x", false, true},
		{"(?!\\s)x", "x", false, false},
		{"\\s++x", "x", false, false},
		{"foo\\z", "foo", false, false},
		{"(?<name>foo)", "foo", false, true},
		{"desk", "de", true, true}, /* s and k fold beyond ASCII */
		{"(?i)Config", "Config", false, true},
		{"(?x) a b", "", false, false},
		{"a(?i)b", "", false, false},
		{"\\Qa.b\\E", "", false, false},
		{"(*UCP)foo", "", false, false},
		{"\\x41BC", "ABC", false, true},
		{"\xc3\xa9*x", "x", false, true},
		{"\xc3\xa9+", "\xc3\xa9", false, true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct literals found;
		char joined[LITERAL_COUNT * (NEEDLE_BYTES + 1) + 1] = "";

		literals_find(&found, known[i].pattern, strlen(known[i].pattern), known[i].fold, false);
		for (size_t j = 0; j < found.count; j++) {
			strncat(joined, j ? "|" : "", sizeof joined - strlen(joined) - 1);
			strncat(joined, (const char *)found.any[j].bytes, found.any[j].length);
		}
		if (strcmp(joined, known[i].literals) != 0 || found.spans_safely != known[i].spans)
			fail_msg("%s: \"%s\", safe %d", known[i].pattern, joined, found.spans_safely);
	}
}

/* ---- patterns: generated ---- */

static void put(char *to, size_t size, const char *text)
{
	size_t length = strlen(to);

	snprintf(to + length, size - length, "%s", text);
}

static void generate(char *to, size_t size, int depth)
{
	static const char *const atoms[] = {
		"a",    "b",    "ab",          "ba",        "k",   "S",    ".",   "\\s",      "\\w", "\\d",
		"[ab]", "[^a]", "[^\\n]",      "^",         "$",   "\\b",  "\\B", "\xc3\xa9", "\\.", "\\x61",
		"\\n",  "\\W",  "[\\s]",       "[\\t-\\r]", "aab", "bab",  "\\A", "\\z",      "\\Z", "\\R",
		"\\K",  "\\N",  "[[:alpha:]]", "(?i)",      "\\h", "[]a]", "1",   "\\1",      " "};
	static const char *const quantifiers[] = {"*",    "+",  "?",  "{2}", "{0,1}",
						  "{1,}", "*?", "++", "?+",  "*+"};
	static const char *const groups[] = {
		"(", "(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?<n>", "(?|", "(?i:"};
	unsigned parts = 1 + below(4);

	for (unsigned i = 0; i < parts; i++) {
		if (depth < 3 && below(5) == 0) {
			put(to, size, groups[below(ARRAY_SIZE(groups))]);
			generate(to, size, depth + 1);
			if (below(2)) {
				put(to, size, "|");
				generate(to, size, depth + 1);
			}
			put(to, size, ")");
		} else {
			put(to, size, atoms[below(ARRAY_SIZE(atoms))]);
		}
		if (below(4) == 0)
			put(to, size, quantifiers[below(ARRAY_SIZE(quantifiers))]);
	}
	if (depth == 0 && below(4) == 0) {
		put(to, size, "|");
		generate(to, size, 1);
	}
}

static size_t generate_text(uint8_t *text, size_t size)
{
	static const char *const pieces[] = {
		"a", "b",  "ab", "\n",  "\n",  "k",  "s", "S", "\xc3\xa9", "\xe2\x84\xaa", "\xff",
		" ", "\t", "1",  "aab", "bab", "\r", ".", "]", "_",        "\xc5\xbf"};
	size_t length = 0, wanted = below((unsigned)size - 4);

	while (length < wanted) {
		const char *piece = pieces[below(ARRAY_SIZE(pieces))];

		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
	}
	return length;
}

/* Asks PCRE2 of each line alone, and compares with what the fast way finds. */
static void compare(const char *text, const struct pattern *pattern, const uint8_t *bytes, size_t length)
{
	struct matcher fast, slow;
	struct pattern lines = *pattern;
	struct match found = {.line = 0}, expected = {.line = 0};
	size_t from = 0;
	enum matched result;

	lines.way = PATTERN_LINES;
	assert_int_equal(matcher_init(&fast, pattern), 0);
	assert_int_equal(matcher_init(&slow, &lines), 0);
	matcher_begin(&fast, bytes, length);
	matcher_begin(&slow, bytes, length);
	do {
		result = matcher_next(&fast, bytes, from, length, &found);
		enum matched wanted = matcher_next(&slow, bytes, from, length, &expected);

		if (result != wanted || (result == MATCHED && (found.line != expected.line ||
							       found.line_end != expected.line_end)))
			fail_msg("/%s/ (way %d) on %zu bytes from %zu: %d at %zu, line by line %d at %zu",
				 text, pattern->way, length, from, result, found.line, wanted, expected.line);
		from = found.line_end + 1;
	} while (result != MATCHED_NOTHING && from < length);
	matcher_deinit(&fast);
	matcher_deinit(&slow);
}

static void test_generated(void **state)
{
	unsigned used[4] = {0}, compiled = 0;

	for (int round = 0; round < PATTERNS; round++) {
		char text[200] = "";
		uint8_t bytes[200];
		struct pattern pattern;
		struct refusal refusal;
		unsigned flags = (below(3) ? 0 : PATTERN_FOLD) | (below(8) ? 0 : PATTERN_LITERAL);

		generate(text, sizeof text, 0);
		if (pattern_init(&pattern, text, strlen(text), flags, &refusal) < 0)
			continue;
		compiled++;
		used[pattern.way]++;
		for (int i = 0; i < 10 && pattern.code; i++)
			compare(text, &pattern, bytes, generate_text(bytes, sizeof bytes));
		pattern_deinit(&pattern);
	}
	/* it is no test of ways that are never gone */
	assert_true(compiled > PATTERNS / 3);
	assert_true(used[PATTERN_NEEDLES] > 1000 && used[PATTERN_WHOLE] > 500 && used[PATTERN_LINES] > 500);
}

static void test_bytes(void **state)
{
	struct pattern pattern;
	struct refusal refusal;
	struct matcher matcher;
	struct match match;
	static const uint8_t text[] = "one\ntwo (a.b)\nthree\nfour (a.b) (a.b)";

	assert_int_equal(pattern_init(&pattern, "(a.b)", 5, PATTERN_LITERAL, &refusal), 0);
	assert_int_equal(pattern.way, PATTERN_BYTES);
	assert_int_equal(matcher_init(&matcher, &pattern), 0);
	matcher_begin(&matcher, text, sizeof text - 1);
	assert_int_equal(matcher_next(&matcher, text, 0, sizeof text - 1, &match), MATCHED);
	assert_int_equal(match.line, 4);
	assert_int_equal(match.line_end, 13);
	assert_int_equal(match.start, 8);
	assert_int_equal(matcher_next(&matcher, text, 14, sizeof text - 1, &match), MATCHED);
	assert_int_equal(match.line, 20);
	assert_int_equal(match.line_end, sizeof text - 1);
	matcher_deinit(&matcher);
	pattern_deinit(&pattern);
}

/* A pattern that is exponential ends by its steps, compiled and interpreted. */
static void test_catastrophe(void **state)
{
	static const char line[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\naab\n";
	const uint8_t *text = (const uint8_t *)line;

	for (int compiled = 1; compiled >= 0; compiled--) {
		struct pattern pattern;
		struct refusal refusal;
		struct matcher matcher;
		struct match match;

		assert_int_equal(pattern_init(&pattern, "(a+a?)+b", 8, 0, &refusal), 0);
		pattern.way = PATTERN_WHOLE;
		pattern.count = 0;
		pattern.compiled &= compiled;
		assert_int_equal(matcher_init(&matcher, &pattern), 0);
		matcher_begin(&matcher, text, sizeof line - 1);
		/* it is found out that no b is needed only by trying; the line after it is found all the same
		 */
		enum matched result = matcher_next(&matcher, text, 0, sizeof line - 1, &match);

		assert_true(result == MATCHED_TOO_MUCH || (result == MATCHED && match.line == 46));
		if (result == MATCHED_TOO_MUCH) {
			assert_int_equal(match.line, 0);
			assert_int_equal(match.line_end, 45);
			assert_int_equal(matcher_next(&matcher, text, 46, sizeof line - 1, &match), MATCHED);
			assert_int_equal(match.line, 46);
		}
		matcher_deinit(&matcher);
		pattern_deinit(&pattern);
	}
}

static void test_refused(void **state)
{
	struct pattern pattern;
	struct refusal refusal;

	assert_int_equal(pattern_init(&pattern, "foo(bar", 7, 0, &refusal), -EINVAL);
	assert_non_null(strstr(refusal.text, "missing closing parenthesis at offset 7"));
	assert_int_equal(pattern_init(&pattern, "[z-a]", 5, 0, &refusal), -EINVAL);
	assert_non_null(strstr(refusal.text, "offset 3"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needles),     cmocka_unit_test(test_literals),
		cmocka_unit_test(test_generated),   cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_catastrophe), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
