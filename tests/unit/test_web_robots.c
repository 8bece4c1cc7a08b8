/* SPDX-License-Identifier: Apache-2.0 */
/* robots.txt: the examples of RFC 9309 and the cases that crawlers disagree about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/robots.h"

#define FOR_ALL "User-agent: *\n"

static const char rfc_groups[] = "User-Agent: ExampleBot\n"
				 "Disallow: /foo\n"
				 "Disallow: /bar\n"
				 "\n"
				 "User-Agent: ExampleBot\n"
				 "Disallow: /baz\n";

/* RFC 9309 section 5.1. */
static const char rfc_simple[] = "User-Agent: *\n"
				 "Disallow: *.gif$\n"
				 "Disallow: /example/\n"
				 "Allow: /publications/\n"
				 "\n"
				 "User-Agent: foobot\n"
				 "Disallow:/\n"
				 "Allow:/example/page.html\n"
				 "Allow:/example/allowed.gif\n"
				 "\n"
				 "User-Agent: barbot\n"
				 "User-Agent: bazbot\n"
				 "Disallow: /example/page.html\n"
				 "\n"
				 "User-Agent: quxbot\n"
				 "\n";

static const struct {
	const char *robots, *agent, *path;
	bool allowed;
	const char *line; /* NULL: no rule */
} cases[] = {
	{"", "sallyport", "/", true, NULL},
	/* section 2.2.1: groups of one agent are merged, case does not matter, "*" only without one */
	{rfc_groups, "examplebot", "/foo/x", false, "Disallow: /foo"},
	{rfc_groups, "EXAMPLEBOT", "/baz", false, "Disallow: /baz"},
	{rfc_groups, "other", "/foo", true, NULL},
	{rfc_simple, "sallyport", "/a.gif", false, "Disallow: *.gif$"},
	{rfc_simple, "sallyport", "/a.gif?x", true, NULL},
	{rfc_simple, "sallyport", "/example/x", false, "Disallow: /example/"},
	{rfc_simple, "sallyport", "/publications/x", true, "Allow: /publications/"},
	{rfc_simple, "sallyport", "/publications/a.gif", true, "Allow: /publications/"},
	{rfc_simple, "foobot", "/example/page.html", true, "Allow: /example/page.html"},
	{rfc_simple, "foobot", "/example/allowed.gif", true, "Allow: /example/allowed.gif"},
	{rfc_simple, "foobot", "/example/other.gif", false, "Disallow: /"},
	{rfc_simple, "barbot", "/example/page.html", false, "Disallow: /example/page.html"},
	{rfc_simple, "bazbot", "/example/page.html", false, "Disallow: /example/page.html"},
	{rfc_simple, "bazbot", "/a.gif", true, NULL},
	{rfc_simple, "quxbot", "/example/page.html", true, NULL},
	/* section 5.2: the longest match */
	{"User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n", "foobot",
	 "/example/page/disallowed.gif", false, "Disallow: /example/page/disallowed.gif"},
	{"User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n", "foobot",
	 "/example/page/x", true, "Allow: /example/page/"},
	{FOR_ALL "Disallow: /x\nAllow: /x", "sallyport", "/x", true, "Allow: /x"},
	{FOR_ALL "Allow: /x\nDisallow: /x", "sallyport", "/x", true, "Allow: /x"},
	{FOR_ALL "Allow: /p\nDisallow: /", "sallyport", "/page", true, "Allow: /p"},
	{FOR_ALL "Allow: /$\nDisallow: /", "sallyport", "/", true, "Allow: /$"},
	{FOR_ALL "Allow: /$\nDisallow: /", "sallyport", "/page.htm", false, "Disallow: /"},
	{FOR_ALL "Allow: /page\nDisallow: /*.htm", "sallyport", "/page.htm", false, "Disallow: /*.htm"},
	{FOR_ALL "Allow: /page\nDisallow: /*.ph", "sallyport", "/page.php", true, "Allow: /page"},
	{FOR_ALL "Allow: /folder\nDisallow: /folder", "sallyport", "/folder/page", true, "Allow: /folder"},
	/* product tokens */
	{"User-agent: Sallyport/1.0 (x)\nDisallow: /", "sallyport", "/", false, "Disallow: /"},
	{"User-agent: sallyport-images\nDisallow: /", "sallyport", "/", true, NULL},
	{"User-agent: sally\nDisallow: /", "sallyport", "/", true, NULL},
	{"User-agent: sallyport *\nDisallow: /", "sallyport", "/", false, "Disallow: /"},
	{"User-agent: * x\nDisallow: /", "sallyport", "/", false, "Disallow: /"},
	{"User-agent: *x\nDisallow: /", "sallyport", "/", true, NULL},
	{"User-agent: sallyport\nAllow: /\n" FOR_ALL "Disallow: /", "sallyport", "/", true, "Allow: /"},
	{FOR_ALL "Disallow: /\nUser-agent: sallyport\n", "sallyport", "/", true, NULL},
	{"User-agent: a\nUser-agent: sallyport\nDisallow: /x", "sallyport", "/x", false, "Disallow: /x"},
	{"User-agent: sallyport\nDisallow: /x\nUser-agent: a\nDisallow: /y", "sallyport", "/y", true, NULL},
	/* other records do not end a group */
	{"User-agent: sallyport\nSitemap: /s\nUser-agent: a\nDisallow: /x", "sallyport", "/x", false,
	 "Disallow: /x"},
	{"User-agent: sallyport\n\n\nDisallow: /x", "sallyport", "/x", false, "Disallow: /x"},
	/* lines */
	{"Disallow: /", "sallyport", "/", true, NULL},
	{FOR_ALL "Disallow:", "sallyport", "/", true, NULL},
	{FOR_ALL "Disallow: # /", "sallyport", "/", true, NULL},
	{FOR_ALL "Disallow: /a # b", "sallyport", "/a", false, "Disallow: /a"},
	{"# c\n" FOR_ALL "#x\nDisallow: /a", "sallyport", "/a", false, "Disallow: /a"},
	{FOR_ALL "Disallow /a", "sallyport", "/a", true, NULL},
	{"User-agent *\nDisallow: /a", "sallyport", "/a", true, NULL},
	{FOR_ALL "Dissallow: /a", "sallyport", "/a", true, NULL},
	{"user agent: *\nDisallow: /a", "sallyport", "/a", true, NULL},
	{" \tUSER-AGENT\t:\t*\t\r\n DISALLOW :/a ", "sallyport", "/a", false, "Disallow: /a"},
	{"User-agent: *\rDisallow: /a\rDisallow: /b", "sallyport", "/b", false, "Disallow: /b"},
	{"User-agent: *\r\nDisallow: /a\r\nDisallow: /b\r\n", "sallyport", "/a", false, "Disallow: /a"},
	{"\xef\xbb\xbfUser-agent: *\nDisallow: /a", "sallyport", "/a", false, "Disallow: /a"},
	{"\xef\xbbUser-agent: *\nDisallow: /a", "sallyport", "/a", true, NULL},
	{"<html>\n<p>User-agent: *\n<p>Disallow: /", "sallyport", "/a", true, NULL},
	/* stars and ends */
	{FOR_ALL "Disallow: /fish", "sallyport", "/fish.html", false, "Disallow: /fish"},
	{FOR_ALL "Disallow: /fish", "sallyport", "/fishheads/yummy.html", false, "Disallow: /fish"},
	{FOR_ALL "Disallow: /fish", "sallyport", "/Fish.asp", true, NULL},
	{FOR_ALL "Disallow: /fish", "sallyport", "/catfish", true, NULL},
	{FOR_ALL "Disallow: /fish*", "sallyport", "/fish?id=1", false, "Disallow: /fish*"},
	{FOR_ALL "Disallow: /fish/", "sallyport", "/fish", true, NULL},
	{FOR_ALL "Disallow: fish", "sallyport", "/fish", true, NULL},
	{FOR_ALL "Disallow: /*.php", "sallyport", "/folder/filename.php?parameters", false,
	 "Disallow: /*.php"},
	{FOR_ALL "Disallow: /*.php", "sallyport", "/windows.PHP", true, NULL},
	{FOR_ALL "Disallow: /*.php$", "sallyport", "/filename.php", false, "Disallow: /*.php$"},
	{FOR_ALL "Disallow: /*.php$", "sallyport", "/filename.php?x", true, NULL},
	{FOR_ALL "Disallow: /*.php$", "sallyport", "/a.php.php", false, "Disallow: /*.php$"},
	{FOR_ALL "Disallow: /fish*.php", "sallyport", "/fishheads/catfish.php?x", false,
	 "Disallow: /fish*.php"},
	{FOR_ALL "Disallow: /a*b*c$", "sallyport", "/a-b-c-b-c", false, "Disallow: /a*b*c$"},
	{FOR_ALL "Disallow: /a*bc$", "sallyport", "/abc", false, "Disallow: /a*bc$"},
	{FOR_ALL "Disallow: /ab*bc$", "sallyport", "/abc", true, NULL},
	{FOR_ALL "Disallow: *", "sallyport", "/x", false, "Disallow: *"},
	{FOR_ALL "Disallow: *$", "sallyport", "/x", false, "Disallow: *$"},
	{FOR_ALL "Disallow: $", "sallyport", "/x", true, NULL},
	{FOR_ALL "Disallow: /x$y", "sallyport", "/x$y", true, NULL}, /* a "$" inside is written %24 */
	{FOR_ALL "Disallow: /x%24y", "sallyport", "/x$y", false, "Disallow: /x%24y"},
	{FOR_ALL "Disallow: /path/file-with-a-%2A.html", "sallyport", "/path/file-with-a-*.html", false,
	 "Disallow: /path/file-with-a-%2A.html"},
	{FOR_ALL "Disallow: /path/foo-%24", "sallyport", "/path/foo-%24", false, "Disallow: /path/foo-%24"},
	/* section 2.2.2: one spelling of octets */
	{FOR_ALL "Disallow: /foo/bar?baz=quz", "sallyport", "/foo/bar?baz=quz", false,
	 "Disallow: /foo/bar?baz=quz"},
	{FOR_ALL "Disallow: /foo/bar?baz=https://foo.bar", "sallyport", "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
	 true, NULL},
	{FOR_ALL "Disallow: /foo/bar/\xe3\x83\x84", "sallyport", "/foo/bar/%E3%83%84", false,
	 "Disallow: /foo/bar/\xe3\x83\x84"},
	{FOR_ALL "Disallow: /foo/bar/%e3%83%84", "sallyport", "/foo/bar/%E3%83%84", false,
	 "Disallow: /foo/bar/%e3%83%84"},
	{FOR_ALL "Disallow: /foo/bar/%62%61%7A", "sallyport", "/foo/bar/baz", false,
	 "Disallow: /foo/bar/%62%61%7A"},
	{FOR_ALL "Disallow: /foo/baz", "sallyport", "/foo/%62az", false, "Disallow: /foo/baz"},
	{FOR_ALL "Disallow: /a%2fb", "sallyport", "/a/b", true, NULL},
	{FOR_ALL "Disallow: /a%zz", "sallyport", "/a%25zz", false, "Disallow: /a%zz"},
	/* itself */
	{FOR_ALL "Disallow: /", "sallyport", "/robots.txt", true, NULL},
};

static void rules(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(robots_deinit) struct robots robots;
		const char *line;
		bool allowed;

		assert_int_equal(
			robots_parse(&robots, cases[i].robots, strlen(cases[i].robots), cases[i].agent), 0);
		allowed = robots_allows(&robots, cases[i].path, &line);
		if (allowed != cases[i].allowed || !line != !cases[i].line ||
		    (line && strcmp(line, cases[i].line) != 0))
			fail_msg("%s\n%s for %s: %s by %s", cases[i].robots, cases[i].path, cases[i].agent,
				 allowed ? "allowed" : "refused", line ? line : "nothing");
	}
}

static void statuses(void **state)
{
	struct robots robots;
	const char *line;

	assert_int_equal(robots_from_status(200), ROBOTS_PARSE);
	assert_int_equal(robots_from_status(204), ROBOTS_PARSE);
	assert_int_equal(robots_from_status(302), ROBOTS_ALLOW); /* the sixth redirect: section 2.3.1.2 */
	assert_int_equal(robots_from_status(401), ROBOTS_ALLOW);
	assert_int_equal(robots_from_status(404), ROBOTS_ALLOW);
	assert_int_equal(robots_from_status(429), ROBOTS_ALLOW);
	assert_int_equal(robots_from_status(500), ROBOTS_DISALLOW);
	assert_int_equal(robots_from_status(503), ROBOTS_DISALLOW);
	assert_int_equal(robots_from_status(0), ROBOTS_DISALLOW);
	robots_forbid(&robots);
	assert_false(robots_allows(&robots, "/", &line));
	assert_null(line);
	assert_true(robots_allows(&robots, "/robots.txt", &line));
	robots_deinit(&robots);
	assert_true(robots_allows(&robots, "/", &line)); /* an empty one has no rules */
}

static void delays(void **state)
{
	static const char text[] =
		"User-agent: sallyport\nCrawl-delay: 1.5\nDisallow: /x\n" FOR_ALL "Crawl-delay: 99999999\n";
	struct robots robots;

	assert_int_equal(robots_parse(&robots, text, strlen(text), "sallyport"), 0);
	assert_int_equal(robots.crawl_delay_ms, 1500);
	robots_deinit(&robots);
	assert_int_equal(robots_parse(&robots, text, strlen(text), "other"), 0);
	assert_int_equal(robots.crawl_delay_ms, 86400000);
	robots_deinit(&robots);
}

/* 500 KB are read and no more, and matching what is made to be slow takes milliseconds. */
static void bounds(void **state)
{
	static const char *const lines[] = {"Disallow: /*a*a*a*a*a*a*a*a*a*b$\n",
					    "Disallow: *ab\n",
					    "Allow:\xff\n",
					    "Disallow: /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\n",
					    "\r",
					    ":::"};
	size_t length = LIMIT_ROBOTS_BYTES + 100;
	char *text = malloc(length), path[8000];
	struct robots robots;
	const char *line;

	assert_non_null(text);
	memset(path, 'a', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		size_t used = (size_t)snprintf(text, length, "%s", FOR_ALL);
		clock_t begin = clock();

		for (size_t at = used; at < length; at++)
			text[at] = lines[i][(at - used) % strlen(lines[i])];
		memcpy(text + length - 20, "\nDisallow: /aaaaaaaa", 20);
		assert_int_equal(robots_parse(&robots, text, length, "sallyport"), 0);
		assert_true(robots_allows(&robots, path, &line)); /* what forbids it is beyond the bound */
		if (clock() - begin > 4 * CLOCKS_PER_SEC)
			fail_msg("%s took %ld ms", lines[i],
				 (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC));
		robots_deinit(&robots);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(statuses),
		cmocka_unit_test(delays),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
