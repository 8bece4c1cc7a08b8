/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation fails in turn while a body becomes text or a robots.txt is read: an error is told, nothing
 * is left behind (the sanitized build sees to that), and with memory the outcome is whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/fault/allocator.h"
#include "tools/web/content/content.h"
#include "tools/web/content/robots.h"

static const struct {
	const char *type, *body;
} bodies[] = {
	{"application/rss+xml",
	 "<rss><channel><title>T</title><item><title>A</title><link>/a</link><dc:creator>B</dc:creator>"
	 "<description>&lt;p&gt;x</description><pubDate>now</pubDate></item></channel></rss>"},
	{"application/atom+xml",
	 "<feed><title>T</title><entry><link href='/a'/><author><name>B</name></author>"
	 "<content type='xhtml'><p>x</p></content></entry></feed>"},
	{"text/xml", "<urlset><url><loc>u</loc></url></urlset>"},
	{"text/x-opml", "<opml><outline text='a' xmlUrl='/x'/></opml>"},
	{"application/xml", "<a><b>c</b></a>"},
	{"application/json", "{\"a\":[1,{}],\"b\":\"\\u00e4\"}"},
	{"application/feed+json", "{\"version\":\"https://jsonfeed.org/version/"
				  "1\",\"title\":\"T\",\"items\":[{\"url\":\"/a\",\"content_html\":"
				  "\"x\",\"authors\":[{\"name\":\"B\"}]}]}"},
	{"text/plain; charset=shift_jis", "\x83\x65\x83\x65"},
	{"text/plain", "caf\xe9"},
	{"application/pdf", "%PDF-1.4 /Title (x)"},
};

static int take_html(void *context, struct buffer *out, char title[WEB_TITLE_BYTES], const char *html,
		     size_t length)
{
	return buffer_append(out, html, length);
}

/* Returns whether an allocation failed; if none did, all have had their turn. */
static bool read_body(size_t which, unsigned at, bool lasting)
{
	struct content_request request = {.bytes = bodies[which].body,
					  .length = strlen(bodies[which].body),
					  .content_type = bodies[which].type,
					  .url = "http://a.example/",
					  .html = take_html};
	struct content content = {.text.max = 1 << 16};
	int result;

	fault_arm(at, lasting);
	result = content_read(&request, &content);
	fault_disarm();
	/* a guess that lacks memory for one candidate may still be right */
	assert_true(result == 0 || (result == -ENOMEM && fault_happened()));
	assert_true(result < 0 || buffer_length(&content.text) > 0);
	buffer_deinit(&content.text);
	return fault_happened();
}

static void contents(void **state)
{
	for (size_t which = 0; which < ARRAY_SIZE(bodies); which++)
		for (unsigned lasting = 0; lasting < 2; lasting++)
			for (unsigned at = 1; read_body(which, at, lasting); at++)
				assert_true(at < 10000);
}

static bool read_robots(unsigned at, bool lasting)
{
	static const char text[] =
		"User-agent: *\nDisallow: /a\nUser-agent: sallyport\nDisallow: /b\nAllow: /b/c";
	struct robots robots;
	const char *line;
	int result;

	fault_arm(at, lasting);
	result = robots_parse(&robots, text, sizeof text - 1, "sallyport");
	assert_true(result == 0 || (result == -ENOMEM && fault_happened()));
	if (result == 0) /* asked without memory it says no */
		assert_false(robots_allows(&robots, "/b", &line));
	fault_disarm();
	robots_deinit(&robots);
	return fault_happened();
}

static void robots(void **state)
{
	for (unsigned lasting = 0; lasting < 2; lasting++)
		for (unsigned at = 1; read_robots(at, lasting); at++)
			assert_true(at < 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(contents), cmocka_unit_test(robots)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
