/* SPDX-License-Identifier: Apache-2.0 */
/* Main content: what names say, and the corners of the search. Whole pages: tests/web/pages/main_*. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "tools/web/page/article_words.h"
#include "tools/web/page/page.h"

static unsigned signs_of(const char *names)
{
	struct attribute attribute = {
		.value = names, .length = (uint32_t)strlen(names), .name = ATTRIBUTE_class};
	struct node node = {.element = ELEMENT_div, .attributes = &attribute, .length = 1};

	return article_signs(&node);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(signs_of("related-posts"), SIGN_APART);
	assert_int_equal(signs_of("relatedPosts"), SIGN_APART);
	assert_int_equal(signs_of("relatedposts"), SIGN_APART);
	assert_int_equal(signs_of("x cookie_banner"), SIGN_CHROME);
	assert_int_equal(signs_of("comment-list"), SIGN_COMMENTS);
	assert_int_equal(signs_of("articleBody"), SIGN_CONTENT);
	assert_int_equal(signs_of("post footer"), SIGN_CONTENT | SIGN_CHROME);
	assert_int_equal(signs_of(""), 0);
	assert_int_equal(signs_of("--- 123 _"), 0);
}

/* First and last of the table, and of some letters: it is searched by halves, so it must be sorted. */
static void test_table(void **state)
{
	static const char *const words[] = {
		"ad",      "addthis",   "yarpp",  "zergnet",     "banner",     "byline",     "caption",
		"cookies", "credits",   "dfp",    "drawer",      "entry",      "fbcomments", "gdpr",
		"latest",  "livefyre",  "main",   "nav",         "navigation", "outbrain",   "overlay",
		"paging",  "promo",     "quiz",   "related",     "share",      "story",      "subscribe",
		"taboola", "timestamp", "upnext", "webmentions", "writtenby"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!signs_of(words[i]))
			fail_msg("%s is not found", words[i]);
}

/* Generated names have capitals in odd places. */
static void test_no_words(void **state)
{
	(void)state;
	assert_int_equal(signs_of("hJpRRP xAdRt sc-77igqf-0"), 0);
	assert_int_equal(signs_of("leader shareholder address"), 0);
	assert_int_equal(
		signs_of("a-name-of-a-class-that-goes-on-and-on-withoutanyendorpurposewhatsoeverinit"), 0);
}

static void expect(const char *html, const char *markdown)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = 65536};
	const struct page_options options = {.memory = 1u << 20};
	struct page_facts facts;

	assert_int_equal(page_convert(&text, &facts, &options, html, strlen(html)), 0);
	assert_int_equal(buffer_length(&text), strlen(markdown));
	assert_memory_equal(buffer_data(&text), markdown, strlen(markdown));
}

static void test_corners(void **state)
{
	(void)state;
	expect("<p>Hello", "Hello\n");
	/* all of it is called a menu: then it is the page */
	expect("<div class=menu>One thing, and another.</div>", "One thing, and another.\n");
	/* a title that is told above is not told again */
	expect("<title>Ducks - Pond</title><h1>Ducks</h1><p>They float, and nobody knows why they should "
	       "not.",
	       "They float, and nobody knows why they should not.\n");
	expect("<title>Pond</title><h1>Ducks</h1><p>They float.", "# Ducks\n\nThey float.\n");
}

/* JSON that ends too early, and escapes at its end. */
static void test_data(void **state)
{
	static const char *const bad[] = {"\"articleBody\"", "\"articleBody\":", "\"articleBody\":\"",
					  "\"articleBody\":\"a\\", "\"articleBody\":\"\\u00"};
	char html[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(html, sizeof html, "<script type='application/ld+json'>%s</script><p>Hello", bad[i]);
		expect(html, "Hello\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),   cmocka_unit_test(test_table), cmocka_unit_test(test_no_words),
		cmocka_unit_test(test_corners), cmocka_unit_test(test_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
