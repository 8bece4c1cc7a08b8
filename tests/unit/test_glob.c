/* SPDX-License-Identifier: Apache-2.0 */
/* Globs: tables for what is promised, a slow and simple matcher for everything else, and hostile patterns. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/glob.h"

static bool run(const char *pattern, const char *text, enum glob_dialect dialect)
{
	struct buffer program;
	bool matches;

	buffer_init(&program, 1u << 20);
	matches = glob_compile(&program, pattern, strlen(pattern), dialect, NULL) == 0 &&
		  glob_run((const uint8_t *)buffer_data(&program), text) == GLOB_YES;
	buffer_deinit(&program);
	return matches;
}

static const struct {
	bool matches;
	const char *text, *pattern;
} of_git[] = {
	{1, "foo", "foo"},
	{0, "foo", "bar"},
	{1, "", ""},
	{1, "foo", "???"},
	{0, "foo", "??"},
	{1, "foo", "*"},
	{1, "foo", "f*"},
	{0, "foo", "*f"},
	{1, "foo", "*foo*"},
	{1, "foobar", "*ob*a*r*"},
	{1, "aaaaaaabababab", "*ab"},
	{1, "foo*", "foo\\*"},
	{0, "foobar", "foo\\*bar"},
	{1, "f\\oo", "f\\\\oo"},
	{0, "foo\\", "foo\\"},
	{1, "ball", "*[al]?"},
	{0, "ten", "[ten]"},
	{1, "ten", "**[!te]"},
	{0, "ten", "**[!ten]"},
	{1, "ten", "t[a-g]n"},
	{0, "ten", "t[!a-g]n"},
	{1, "ton", "t[^a-g]n"},
	{1, "a]b", "a[]]b"},
	{1, "a-b", "a[]-]b"},
	{1, "aab", "a[]a-]b"},
	{1, "]", "]"},
	{0, "foo/baz/bar", "foo*bar"},
	{0, "foo/baz/bar", "foo**bar"},
	{1, "foobazbar", "foo**bar"},
	{1, "foo/baz/bar", "foo/**/bar"},
	{1, "foo/baz/bar", "foo/**/**/bar"},
	{1, "foo/b/a/z/bar", "foo/**/bar"},
	{1, "foo/bar", "foo/**/bar"},
	{1, "foo/bar", "foo/**/**/bar"},
	{0, "foo/bar", "foo?bar"},
	{0, "foo/bar", "foo[/]bar"},
	{0, "foo/bar", "foo[^a-z]bar"},
	{0, "foo/bar", "f[^eiu][^eiu][^eiu][^eiu][^eiu]r"},
	{1, "foo-bar", "f[^eiu][^eiu][^eiu][^eiu][^eiu]r"},
	{1, "foo", "**/foo"},
	{1, "XXX/foo", "**/foo"},
	{1, "bar/baz/foo", "**/foo"},
	{0, "bar/baz/foo", "*/foo"},
	{0, "foo/bar/baz", "**/bar*"},
	{1, "deep/foo/bar/baz", "**/bar/*"},
	{0, "deep/foo/bar", "**/bar/*"},
	{1, "deep/foo/bar/baz", "**/bar/**"},
	{1, "foo/bar/baz", "**/bar**/baz"},
	{0, "foo", "**\\/foo"}, /* wildmatch wants a directory before a quoted slash */
	{1, "a/foo", "**\\/foo"},
	{1, "a/b/foo", "**\\/foo"},
	{1, "foo/a", "foo/**"},
	{1, "foo/a/b", "foo/**"},
	{0, "foo", "foo/**"},
	{1, "a/b/c/d", "a/***/d"},
	{1, "1", "[[:digit:][:upper:][:space:]]"},
	{1, "A", "[[:digit:][:upper:][:space:]]"},
	{0, "a", "[[:digit:][:upper:][:space:]]"},
	{0, "1", "[[:digit:][:upper:][:spaci:]]"},
	{1, " ", "[[:space:]]"},
	{0, "\v", "[[:space:]]"},
	{1, "_", "[[:punct:]]"},
	{1, "b", "[a-c]"},
	{1, "[", "[[:]"},
	{1, ":", "[[:]"},
	{1, "5", "[a-z-5]"},
	{1, "\\", "[\\\\]"},
	{1, "]", "[\\]]"},
	{1, "c", "[\\a-\\d]"},
	{1, "-", "[a-]"},
	{1, "+", "[+--]"},
	{0, "a", "[a"},
	{0, "[a", "[a"},
	{0, "\xc3\xbc", "?"},
	{1, "\xc3\xbc", "??"},
	{1, "{a,b}", "{a,b}"},
};

static void test_git(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_git); i++)
		if (run(of_git[i].pattern, of_git[i].text, GLOB_GIT) != of_git[i].matches)
			fail_msg("`%s` and `%s`: not %d", of_git[i].pattern, of_git[i].text,
				 of_git[i].matches);
}

static bool finds(const char *pattern, const char *path, bool directory)
{
	const char *slash = strrchr(path, '/'), *problem;
	struct glob *glob;
	bool matches;

	if (glob_new(&glob, pattern, &problem) < 0)
		fail_msg("`%s`: %s", pattern, problem);
	matches = glob_matches(glob, path, slash ? slash + 1 : path, directory);
	glob_free(glob);
	return matches;
}

static const struct {
	bool matches;
	const char *path, *pattern;
} of_find[] = {
	{1, "a/b/main.c", "*.c"}, /* no slash: names, anywhere */
	{1, "main.c", "*.c"},
	{0, "main.c/x", "*.c"},
	{1, "a/main.c", "a/*.c"}, /* with one: from the beginning */
	{0, "b/a/main.c", "a/*.c"},
	{0, "a/b/main.c", "a/*.c"},
	{1, "b/a/main.c", "**/a/*.c"},
	{1, "a/main.c", "**/a/*.c"},
	{1, "a/x/y/main.c", "a/**/*.c"},
	{0, "a/main.c", "./*.c"}, /* only there */
	{1, "main.c", "./*.c"},
	{1, "a/b.c", "*.{c,h}"},
	{1, "a/b.h", "*.{c,h}"},
	{0, "a/b.o", "*.{c,h}"},
	{1, "src/x.ts", "{src,lib}/**/*.{ts,tsx}"},
	{1, "lib/a/x.tsx", "{src,lib}/**/*.{ts,tsx}"},
	{0, "etc/a/x.tsx", "{src,lib}/**/*.{ts,tsx}"},
	{1, "x.test.js", "x{,.test}.{{,c,m}js,ts}"},
	{1, "x.mjs", "x{,.test}.{{,c,m}js,ts}"},
	{1, "x.ts", "x{,.test}.{{,c,m}js,ts}"},
	{0, "x.mts", "x{,.test}.{{,c,m}js,ts}"},
	{1, "a,b", "a,b"},
	{1, "{", "\\{"},
	{1, "{", "[{]"},
	{1, "}", "}"},
	{1,
	 "\xc3\xbc"
	 "a",
	 "?a"},
	{1, "\xc3\xbc", "[!a]"},
	{0, "\xc3\xbc", "??"},
	{1, "\xff", "?"},
	{1, "x/\xc3\xbc", "x/\xc3\xbc"},
};

static void test_find(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_find); i++)
		if (finds(of_find[i].pattern, of_find[i].path, false) != of_find[i].matches)
			fail_msg("`%s` and `%s`: not %d", of_find[i].pattern, of_find[i].path,
				 of_find[i].matches);
	assert_true(finds("build/", "a/build", true));
	assert_false(finds("build/", "a/build", false));
	assert_true(finds("a/build/", "a/build", true));
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *pattern, *problem;
	} mistakes[] = {
		{"[a", "`[` is never closed"},
		{"a\\", "nothing stands behind"},
		{"{a,b", "`{` is never closed"},
		{"[[:alpja:]]", "no such class"},
		{"[\xc3\xbc]", "only ASCII"},
		{"/etc/*", "relative to `path`"},
		{"../x", "cannot lead up"},
		{"a/../x", "cannot lead up"},
		{"{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}", "too many alternatives"},
	};
	static char large[LIMIT_GLOB_BYTES + 2];
	struct glob *glob;
	const char *problem;

	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		assert_int_equal(glob_new(&glob, mistakes[i].pattern, &problem), -EINVAL);
		assert_non_null(strstr(problem, mistakes[i].problem));
	}
	memset(large, 'a', LIMIT_GLOB_BYTES + 1);
	assert_int_equal(glob_new(&glob, large, &problem), -EINVAL);
	assert_string_equal(problem, "it is too long");
	/* as much as braces can make of so little text */
	memset(large, '?', LIMIT_GLOB_BYTES);
	memcpy(large, "{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}{1,2}", 40);
	large[LIMIT_GLOB_BYTES] = '\0';
	assert_int_equal(glob_new(&glob, large, &problem), 0);
	glob_free(glob);
	/* and as deep */
	memset(large, '{', LIMIT_GLOB_BYTES / 2);
	memset(large + LIMIT_GLOB_BYTES / 2, '}', LIMIT_GLOB_BYTES / 2);
	assert_int_equal(glob_new(&glob, large, &problem), 0);
	glob_free(glob);
}

static void test_below(void **state)
{
	static const struct {
		bool below;
		const char *path, *pattern;
	} cases[] = {
		{1, "any/where", "*.c"}, {1, "src", "src/*.c"},    {0, "lib", "src/*.c"},
		{0, "src/a", "src/*.c"}, {1, "src/a", "src/**"},   {1, "a/b/c", "**/x/y"},
		{1, "a", "a*/b"},        {0, "b", "a*/b"},         {1, "a/b", "a/*/c"},
		{0, "a/b/c", "a/*/c"},   {1, "x", "{x,y}/z"},      {0, "z", "{x,y}/z"},
		{0, "src", "./*.c"},     {1, "s/t", "s/**/t/*.c"}, {0, "t/t", "s/**/t/*.c"},
	};
	const char *problem;
	struct glob *glob;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(glob_new(&glob, cases[i].pattern, &problem), 0);
		if (glob_leads_below(glob, cases[i].path) != cases[i].below)
			fail_msg("`%s` below `%s`: not %d", cases[i].pattern, cases[i].path, cases[i].below);
		glob_free(glob);
	}
	assert_int_equal(glob_new(&glob, "{src/.x,*.c}", &problem), 0);
	assert_true(glob_names_hidden(glob) && !glob_names_git(glob));
	glob_free(glob);
	assert_int_equal(glob_new(&glob, ".git/HEAD", &problem), 0);
	assert_true(glob_names_hidden(glob) && glob_names_git(glob));
	glob_free(glob);
	assert_int_equal(glob_new(&glob, "./a.c", &problem), 0);
	assert_false(glob_names_hidden(glob) || glob_names_git(glob));
	glob_free(glob);
}

/* The definition, word for word, at exponential cost: no sets but [ab], no backslash. */
static bool slow(const char *start, const char *pattern, const char *text)
{
	size_t stars = strspn(pattern, "*");

	if (stars >= 2 && (pattern == start || pattern[-1] == '/')) {
		if (!pattern[stars])
			return true;
		if (pattern[stars] == '/') {
			if (slow(start, pattern + stars + 1, text))
				return true;
			for (; *text; text++)
				if (*text == '/' && slow(start, pattern + stars + 1, text + 1))
					return true;
			return false;
		}
	}
	if (*pattern == '*') {
		do
			if (slow(start, pattern + stars, text))
				return true;
		while (*text && *text++ != '/');
		return false;
	}
	if (!*pattern || !*text)
		return !*pattern && !*text;
	if (strncmp(pattern, "[ab]", 4) == 0)
		return (*text == 'a' || *text == 'b') && slow(start, pattern + 4, text + 1);
	return (*pattern == '?' ? *text != '/' : *pattern == *text) && slow(start, pattern + 1, text + 1);
}

static void append_random(char *to, const char *const *pieces, int count, int most)
{
	*to = '\0';
	for (int i = rand() % most; i > 0; i--) {
		const char *piece = pieces[rand() % count];

		memcpy(to + strlen(to), piece, strlen(piece) + 1);
	}
}

static void test_random(void **state)
{
	static const char *const patterns[] = {"a", "b",    "/", "*", "**/", "/**",
					       "?", "[ab]", "*", "/", "ab",  "/**/"};
	static const char *const texts[] = {"a", "b", "/", "ab", "ba", "/a"};
	unsigned matched = 0;

	srand(2);
	for (int round = 0; round < 300000; round++) {
		char pattern[128], text[64];
		bool expected;

		append_random(pattern, patterns, ARRAY_SIZE(patterns), 8);
		append_random(text, texts, ARRAY_SIZE(texts), 8);
		expected = slow(pattern, pattern, text);
		matched += expected;
		if (run(pattern, text, GLOB_GIT) != expected)
			fail_msg("`%s` and `%s`: not %d", pattern, text, expected);
	}
	assert_in_range(matched, 3000, 200000); /* both answers were tried */
}

/* Each of these would take longer than the universe lasts if all ways to match were tried. */
static void test_hostile(void **state)
{
	static const char *const pieces[] = {"*a", "**/", "*/", "*", "?*", "**/*a*/", "[ab]*", "a*/**/"};
	static char pattern[LIMIT_GLOB_BYTES + 1], text[LIMIT_PATH_BYTES];

	for (size_t piece = 0; piece < ARRAY_SIZE(pieces); piece++) {
		size_t length = 0, size = strlen(pieces[piece]);

		while (length + size < LIMIT_GLOB_BYTES) {
			memcpy(pattern + length, pieces[piece], size);
			length += size;
		}
		memcpy(pattern + length, "Z", 2);
		for (size_t period = 1; period < 300; period += 37) {
			for (size_t i = 0; i + 1 < sizeof text; i++)
				text[i] = i % (period + 1) == period ? '/' : 'a';
			text[sizeof text - 1] = '\0';
			assert_false(run(pattern, text, GLOB_FIND));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_git),   cmocka_unit_test(test_find),   cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_below), cmocka_unit_test(test_random), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
