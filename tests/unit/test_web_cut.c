/* SPDX-License-Identifier: Apache-2.0 */
/* Where pages end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/content/cut.h"

/* `page` is what must come first; the rest follows. */
static const struct {
	const char *page, *rest;
	size_t most;
	bool markdown;
} cases[] = {
	{"all of it fits", "", 100, true},
	{"one paragraph here\n\nand a second one\n\n", "# Heading\n\ntext", 42, true},
	{"one paragraph here\n\n# Heading\n\nand a second\n\n", "one that goes on", 50, true}, /* too early */
	{"one paragraph here\n\n", "and a second that does not end", 28, true},
	{"first line of it\nsecond line of it\n", "third line of it\nfourth", 45, true},
	{"# a line\n# another\n\n", "# not a heading in plain text", 24, false},
	/* fenced blocks and tables are whole, unless longer than a page */
	{"some words before\n\n", "```c\nint a;\n\nint b;\n```\n\nafter it", 36, true},
	{"some words before\n\n```\nx\n```\n\n", "and what comes after it", 34, true},
	{"```\none line\n\n", "two line\n\nthree line\n```\n", 18, true},
	{"```\none\n```` \n\n", "two paragraph", 18, true},
	{"words before it\n\n", "````\na\n```\n\nb\n````\nafter that", 30, true},
	{"words before it\n\n", "~~~\na\n```\n\nb\n~~~\nafter that one", 30, true},
	{"words before it\n\n", "| a | b |\n|---|---|\n| c | d |\n\nx", 42, true},
	{"| a | b |\n|---|---|\n| c | d |\n", "| e | f |\n| g | h |\n", 38, true},
	/* inside a line */
	{"A sentence that is long enough. ", "And another one without an end", 40, true},
	{"some words with no full stop at all but ", "spaces between them", 46, true},
	{"\xe6\x96\x87\xe6\x96\x87\xe6\x96\x87\xe6\x96\x87\xe3\x80\x82",
	 "\xe6\x96\x87\xe6\x96\x87\xe6\x96\x87", 17, true},
	{"aaaaaaaaaa", "\xe2\x82\xac\xe2\x82\xac", 12, true},
	{"aaaaaaaaa", "e\xcc\x81\xcc\x81z", 12, true}, /* a letter keeps its accents */
	{"\x80\x80\x80", "\x80\x80", 3, true},         /* never nothing */
	{"a", "\n\n\nb", 1, true},
};

static void cuts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[200];
		size_t page = strlen(cases[i].page), length = page + strlen(cases[i].rest), cut;

		memcpy(text, cases[i].page, page);
		memcpy(text + page, cases[i].rest, length - page);
		cut = cut_page(text, length, 0, cases[i].most, cases[i].markdown);
		if (cut != page)
			fail_msg("case %zu, \"%.*s\": cut at %zu, expected %zu", i, (int)length, text, cut,
				 page);
	}
}

/* A page that begins inside a fenced block knows that it does. */
static void later_pages(void **state)
{
	static const char text[] = "```\na\n\nb\n\nc\n```\n\nafter\n\nthe end of it";
	size_t first = cut_page(text, strlen(text), 0, 9, true);

	assert_int_equal(first, 9);
	assert_int_equal(cut_page(text, strlen(text), first, 18, true),
			 strlen("```\na\n\nb\n\nc\n```\n\nafter\n\n"));
}

/* Pages put together are the text, whatever it is and however small they are. */
static void nothing_is_lost(void **state)
{
	static const char *const pieces[] = {"a", "\n",           "\n\n",     "```", "| ",  "# ",
					     " ", "\xe2\x82\xac", "\xcc\x81", ". ",  "\xff"};
	char text[400];

	srand(7);
	for (unsigned round = 0; round < 20000; round++) {
		size_t length = 0, at = 0, most = 1 + (size_t)rand() % 40;

		while (length < 300) {
			const char *piece = pieces[(size_t)rand() % ARRAY_SIZE(pieces)];

			memcpy(text + length, piece, strlen(piece));
			length += strlen(piece);
		}
		while (at < length) {
			size_t cut = cut_page(text, length, at, most < length - at ? most : length - at,
					      round % 2);

			assert_true(cut > at && cut <= length && cut - at <= most);
			at = cut;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(later_pages),
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
