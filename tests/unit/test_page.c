/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that mean harm, bounds that bind, titles and addresses. What pages become is looked at by
 * tests/web/pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/page/address.h"
#include "tools/web/page/page.h"
#include "tools/web/page/tree.h"

#define MANY 100000

/* `count` times `part`, which goes round through its '%' as a number. */
static void repeat(struct buffer *to, const char *part, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			strchr(part, '%') ? buffer_printf(to, part, i) : buffer_append_text(to, part), 0);
}

/* Each is `before`, MANY times `part`, `between`, MANY times `part2`. */
static const struct {
	const char *name, *before, *part, *between, *part2;
	unsigned nodes; /* at most, for one of MANY */
	const char *begins;
} attacks[] = {
	{"deep nesting", "", "<div>", "x", "</div>", 0, "x\n"},
	{"deep lists", "", "<ul><li>", "x", "", 1, "- "},
	{"deep quotes", "", "<blockquote>", "x", "</blockquote>", 0, "> "},
	{"deep tables", "", "<table><tr><td>", "x", "", 2, "x\n"},
	{"attributes", "<p ", "a%u=x ", ">x", "", 0, "x\n"},
	{"one attribute again and again", "<p ", "class=x ", ">x", "", 0, "x\n"},
	{"end tags of nothing", "<p>x", "</b></x-%u></section></td>", "", "", 0, "x\n"},
	{"end tags of nothing in open elements", "", "<span>", "", "</i></q></x-%u>", 0, ""},
	{"unclosed formatting", "", "<b><i><font color=%u>", "", "<p>x", 45, "**_x"},
	{"misnested formatting", "", "<b><p>x</b>", "", "", 6, "**x**\n"},
	{"misnested links", "", "<a href=%u><div>", "x", "</a>", 3, ""},
	{"one long text", "", "aaaaaaaaaa", "", "", 0, "aaaaaaaaaa"},
	{"entities", "<p>", "&amp;&#65;", "", "", 0, "&A&A"},
	{"names of no entity", "<p>", "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "", 0, "&aaa"},
	{"internal DTD", "<!DOCTYPE x [", "<!ENTITY a%u '&b;&b;'>", "]>", "&a1;", 1, ""},
	{"columns", "<table><tr>", "<td>x", "", "", 2, "x x x"},
	{"colspan", "<table>", "<tr><th colspan=1000000000>x<td rowspan=1000000000>y", "", "", 5, "| "},
	{"wide table", "<table><tr><th>a", "<td colspan=9>", "", "<tr><td>x", 6, ""},
	{"images of brackets", "<img src=x alt='", "[]()", "'>", "", 0, "![\\[\\]()"},
	{"signs", "<p>", "*_`[]()<>!#&\\~|", "", "", 0, "\\*"},
	{"tags without end", "<p>x", "<p class=", "", "", 0, "x\n"},
	{"comments without end", "x", "<!--", "", "", 0, "x\n"},
	{"script without end", "x<script>", "</scrip", "", "", 0, "x\n"},
	{"dots", "<p><a href='", "../", "'>x</a>", "", 0, ""},
	{"footnotes", "", "<sup><a href=#n%u>%u</a></sup>", "", "<li id=n%u>x", 5, "[^0]"},
};

static void harm(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(attacks); i++) {
		_cleanup_(buffer_deinit) struct buffer html = {.max = 64 * LIMIT_WEB_BODY_BYTES},
						       text = {.max = LIMIT_WEB_TEXT_BYTES};
		const struct page_options options = {.url = "https://example.org/", .memory = SIZE_MAX};
		struct page_facts facts;
		struct tree tree;
		const char *begins = attacks[i].begins;

		assert_int_equal(buffer_append_text(&html, attacks[i].before), 0);
		if (strcmp(attacks[i].name, "footnotes") == 0)
			for (unsigned j = 0; j < MANY; j++)
				assert_int_equal(buffer_printf(&html, attacks[i].part, j, j), 0);
		else
			repeat(&html, attacks[i].part, MANY);
		assert_int_equal(buffer_append_text(&html, attacks[i].between), 0);
		repeat(&html, attacks[i].part2, MANY);

		assert_int_equal(tree_parse(&tree, buffer_data(&html), buffer_length(&html), SIZE_MAX, 0), 0);
		if (tree.nodes > 4 * LIMIT_PAGE_DEPTH + attacks[i].nodes * MANY)
			fail_msg("%s: %u nodes", attacks[i].name, tree.nodes);
		tree_deinit(&tree);

		assert_int_equal(
			page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)), 0);
		if (buffer_length(&text) > 4 * buffer_length(&html) + LIMIT_WEB_BODY_BYTES)
			fail_msg("%s: %zu bytes", attacks[i].name, buffer_length(&text));
		if (!begins[0])
			continue;
		if (buffer_length(&text) < strlen(begins) ||
		    memcmp(buffer_data(&text), begins, strlen(begins)) != 0)
			fail_msg("%s: begins with %.40s", attacks[i].name,
				 buffer_length(&text) ? buffer_data(&text) : "");
	}
}

static void bounds(void **state)
{
	_cleanup_(buffer_deinit) struct buffer html = {.max = LIMIT_WEB_BODY_BYTES}, text = {.max = 1000},
					       late = {.max = LIMIT_WEB_TEXT_BYTES};
	struct page_options options = {.memory = SIZE_MAX};
	struct page_facts facts;

	repeat(&html, "<p>para\xc3\xa4graph <b>%u</b>", MANY);
	assert_int_equal(page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)), 0);
	assert_int_equal(facts.cut, PAGE_CUT_SIZE);
	assert_true(buffer_length(&text) > 900 && buffer_length(&text) <= 1000);

	buffer_clear(&text, 0);
	text.max = LIMIT_WEB_TEXT_BYTES;
	options.memory = (size_t)1000 << 10;
	assert_int_equal(page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)), 0);
	assert_int_equal(facts.cut, PAGE_CUT_MEMORY);
	assert_memory_equal(buffer_data(&text), "para\xc3\xa4graph **0**\n\npara", 20);

	options.memory = 100;
	assert_int_equal(page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)),
			 -ENOMEM);

	/* the time is up before the end: a deadline in the past */
	{
		struct tree tree;

		assert_int_equal(tree_parse(&tree, buffer_data(&html), buffer_length(&html), SIZE_MAX, 1), 0);
		assert_true(tree.cut_time && tree.nodes < MANY);
		tree_deinit(&tree);
	}
	options.memory = SIZE_MAX;
	assert_int_equal(page_convert(&late, &facts, &options, buffer_data(&html), buffer_length(&html)), 0);
	assert_int_equal(facts.cut, PAGE_WHOLE);
}

static void titles(void **state)
{
	static const struct {
		const char *html, *title;
	} cases[] = {
		{"", ""},
		{"<title>One &amp;\n  line</title>", "One & line"},
		{"<title> </title><meta property='og:title' content=' From meta '>", "From meta"},
		{"<h1>A <b>heading</b></h1>", "A heading"},
		{"<p>x<svg><title>icon</title></svg><title>late</title>", "late"},
		{"<title>first</title><title>second</title>", "first"},
		{"<title>never ends", "never ends"},
		{"<title>a<b>c</title>", "a<b>c"},
		{"<title>\xff\x80</title>", "\xef\xbf\xbd\xef\xbf\xbd"},
	};
	_cleanup_(buffer_deinit) struct buffer html = {.max = 10000}, text = {.max = 10000};
	const struct page_options options = {.memory = SIZE_MAX};
	struct page_facts facts;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(page_convert(&text, &facts, &options, cases[i].html, strlen(cases[i].html)),
				 0);
		assert_string_equal(facts.title, cases[i].title);
	}
	assert_int_equal(buffer_append_text(&html, "<title>"), 0);
	repeat(&html, "\xe2\x82\xac", 500);
	assert_int_equal(page_convert(&text, &facts, &options, buffer_data(&html), buffer_length(&html)), 0);
	assert_true(strlen(facts.title) > 245 && strlen(facts.title) % 3 == 0); /* cut between characters */
}

static void addresses(void **state)
{
	static const struct {
		const char *reference, *address; /* NULL: none */
	} cases[] = {
		/* RFC 3986 section 5.4 */
		{"g:h", "g:h"},
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"g?y#s", "http://a/b/c/g?y#s"},
		{";x", "http://a/b/c/;x"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../../g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
		{"g#s/../x", "http://a/b/c/g#s/../x"},
		/* fragments stay as they are */
		{"#s", "#s"},
		/* and what browsers forgive */
		{" g ", "http://a/b/c/g"},
		{"a\nb\tc", "http://a/b/c/abc"},
		{"a b(c)", "http://a/b/c/a%20b%28c%29"},
		{"\\g\\h", "http://a/g/h"},
		{"http:\\\\h\\x", "http://h/x"},
		{"\xc3\xa4", "http://a/b/c/\xc3\xa4"},
		{"\xff", "http://a/b/c/%FF"},
		{"http://h/a/../b", "http://h/b"},
		{"mailto:a@b", "mailto:a@b"},
		{"", NULL},
		{"  ", NULL},
		{"JavaScript:x()", NULL},
		{" javascript:x()", NULL},
		{"data:text/html,x", NULL},
		{"file:///etc/passwd", NULL},
	};
	struct address base, address;

	assert_true(address_resolve(&base, NULL, (struct slice){"http://a/b/c/d;p?q", 18}));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct slice reference = {cases[i].reference, strlen(cases[i].reference)};
		bool found = address_resolve(&address, &base, reference);

		if (found != (cases[i].address != NULL) ||
		    (found && (address.length != strlen(cases[i].address) ||
			       memcmp(address.text, cases[i].address, address.length) != 0)))
			fail_msg("%s: %.*s", cases[i].reference, found ? (int)address.length : 0,
				 address.text);
	}
}

/* Found by halves, so they must be in order. */
static void names(void **state)
{
	for (unsigned i = ELEMENT_a; i < ELEMENTS; i++)
		assert_int_equal(element_find(element_name(i), strlen(element_name(i))), i);
	for (unsigned i = 0; i < ATTRIBUTES; i++)
		assert_int_equal(attribute_find(attribute_text(i), strlen(attribute_text(i))), i);
	assert_int_equal(element_find("DIV", 3), ELEMENT_div);
	assert_int_equal(element_find("x-y", 3), ELEMENT_OTHER);
	assert_int_equal(attribute_find("onclick", 7), ATTRIBUTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(harm),      cmocka_unit_test(bounds), cmocka_unit_test(titles),
		cmocka_unit_test(addresses), cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
