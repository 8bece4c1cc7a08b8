/* SPDX-License-Identifier: Apache-2.0 */
/* XML, feeds and other formats as they are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/content.h"
#include "tools/web/content/xml.h"

/* What HTML becomes is another's test: here it shows that it was seen as such. */
static int show_html(void *context, struct buffer *out, char title[WEB_TITLE_BYTES], const char *html,
		     size_t length)
{
	if (title)
		memcpy(title, "page", 5);
	return buffer_printf(out, title ? "page(%.*s)" : "html(%.*s)", (int)length, html);
}

struct example {
	const char *type, *body, *markdown, *plain, *title;
};

#define RSS_HEAD                                                                                             \
	"<?xml version='1.0'?>\n<!-- x --><rss version='2.0'><channel><title>News &amp;amp; Co</title>"

static const struct example examples[] = {
	{"application/rss+xml",
	 RSS_HEAD
	 "<link>/home</link><description>All of &lt;b&gt;it&lt;/b&gt;</description>"
	 "<image><title>no</title><link>no</link></image>"
	 "<item><title>One [1]</title><link> a?x=1&amp;y=(2) </link><pubDate>Mon, 6 May</pubDate>"
	 "<dc:creator>Ann</dc:creator><description><![CDATA[<p>Text</p>]]></description>"
	 "<media:title>no</media:title></item>"
	 "<item><guid isPermaLink='false'>7</guid><description>only</description></item>"
	 "<item><guid>http://x.example/7</guid><content:encoded>&lt;i&gt;long&lt;/i&gt;</content:encoded>"
	 "<description>short</description></item></channel></rss>",
	 "# [News & Co](http://a.example/home)\n\nhtml(All of <b>it</b>)\n\n"
	 "## [One \\[1\\]](http://a.example/d/a?x=1&y=%282%29)\nMon, 6 May · Ann\n\nhtml(<p>Text</p>)\n\n"
	 "## (untitled)\n\nhtml(only)\n\n"
	 "## <http://x.example/7>\n\nhtml(<i>long</i>)\n",
	 "News & Co\nhttp://a.example/home\n\nhtml(All of <b>it</b>)\n\n"
	 "One [1]\nhttp://a.example/d/a?x=1&y=(2)\nMon, 6 May · Ann\n\nhtml(<p>Text</p>)\n\n"
	 "(untitled)\n\nhtml(only)\n\n"
	 "http://x.example/7\n\nhtml(<i>long</i>)\n",
	 "News & Co"},
	{"application/atom+xml",
	 "<feed xmlns='http://www.w3.org/2005/Atom'><title type='text'>Atom</title><subtitle>sub</subtitle>"
	 "<link rel='self' href='/feed'/><link href='/'/><author><name>Whole</name></author>"
	 "<entry><title type='html'>A &amp;lt; B</title><link rel='enclosure' href='no'/>"
	 "<link rel='alternate' href='1'/><updated>2024-05-06</updated>"
	 "<author><name>Bob</name><email>b@x.example</email></author>"
	 "<source><title>no</title></source><summary>plain &lt;b&gt;</summary></entry>"
	 "<entry><title>X</title><content type='xhtml'><div>a <b>c</b> &amp;<br/></div></content></entry>"
	 "<entry><title>cut</title><summary>that has no e",
	 "# [Atom](http://a.example/)\nWhole\n\nsub\n\n"
	 "## [A \\< B](http://a.example/d/1)\n2024-05-06 · Bob\n\nplain <b>\n\n"
	 "## X\n\nhtml(<div>a <b>c</b> &amp;<br/></div>)\n\n"
	 "## cut\n\nthat has no e\n",
	 NULL, "Atom"},
	{"text/xml",
	 "<rdf:RDF xmlns='http://purl.org/rss/1.0/'><channel><title>One</title><link>http://b.example/</link>"
	 "<items><rdf:Seq/></items></channel><item><title>T</title><link>http://b.example/t</link>"
	 "<dc:date>2001</dc:date></item></rdf:RDF>",
	 "# [One](http://b.example/)\n\n## [T](http://b.example/t)\n2001\n", NULL, "One"},
	{"application/xml",
	 "<a:feed xmlns:a='http://www.w3.org/2005/Atom'><a:title>P</a:title><a:entry><a:title>Q</a:title>"
	 "</a:entry></a:feed>",
	 "# P\n\n## Q\n", NULL, "P"},
	{"text/xml",
	 "<urlset><url><loc>http://a.example/1</loc><lastmod>2024</lastmod><image:loc>no</image:loc></url>"
	 "<url>\n<loc>\nhttp://a.example/2?a&amp;b</loc></url></urlset>",
	 "# Sitemap\n\n- http://a.example/1 (2024)\n- http://a.example/2?a&b\n",
	 "Sitemap\n\nhttp://a.example/1 (2024)\nhttp://a.example/2?a&b\n", ""},
	{"text/x-opml",
	 "<opml><body><outline text='A &amp; B'><outline title='C' xmlUrl='/c.xml'/></outline>"
	 "<outline url='http://d.example/'/></body></opml>",
	 "# Outline\n\n- A & B\n  - C: http://a.example/c.xml\n- http://d.example/\n", NULL, ""},
	/* other XML */
	{"application/xml",
	 "<?xml version='1.0'?><a x='>'><b>t &amp; u</b><c/>\n\n<d><e>1</e><!-- n --></d><p>m <i>n</i> "
	 "o</p></a>",
	 "<?xml version='1.0'?>\n<a x='>'>\n  <b>t &amp; u</b>\n  <c/>\n  <d>\n    <e>1</e>\n    <!-- n "
	 "-->\n  "
	 "</d>\n  <p>m <i>n</i> o</p>\n</a>\n",
	 "t & u\n1\nm\nn\no\n", ""},
	{"application/xml", "<!DOCTYPE r [<!ENTITY a 'aa'><!ENTITY b '&a;&a;&a;'>]><r>&b;&#65;&#x110000;</r>",
	 "<!DOCTYPE r [<!ENTITY a 'aa'><!ENTITY b '&a;&a;&a;'>]>\n<r>&b;&#65;&#x110000;</r>\n",
	 "&b;A\xef\xbf\xbd\n", ""},
	{"application/xml", "no xml", "no xml\n", "no xml\n", ""},
	{"application/xml", "</a></b>", "</a>\n</b>\n", "", ""},
	/* others */
	{"text/html", "<p>x", "page(<p>x)", NULL, "page"},
	{"application/xhtml+xml", "<p>x", "page(<p>x)", NULL, "page"},
	{"text/xml", "<?xml version='1.0'?><html><p>x</p></html>",
	 "page(<?xml version='1.0'?><html><p>x</p></html>)", NULL, "page"},
	{"image/svg+xml", "<svg><title>A &amp; B</title></svg>",
	 "An SVG image, 35 bytes. format: raw gives its source.\n\nTitle: A &amp; B\n", NULL, "A &amp; B"},
	{"application/json; charset=utf-8", "\xef\xbb\xbf{\"a\":[{}]}", "{\n  \"a\": [\n    {}\n  ]\n}\n",
	 NULL, ""},
	{"application/feed+json",
	 "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"J\\u00e4\",\"home_page_url\":\"/h\","
	 "\"items\":[{\"id\":1,\"url\":\"1\",\"title\":\"a "
	 "\\\"b\\\"\",\"tags\":[\"{\",[1]],\"content_html\":\"<p>x\\n\","
	 "\"authors\":[{\"url\":\"u\",\"name\":\"Ann\"}],\"date_published\":\"2024\"},{\"content_text\":"
	 "\"t\"}],"
	 "\"description\":\"d\"}",
	 "# [J\xc3\xa4](http://a.example/h)\n\nd\n\n## [a \"b\"](http://a.example/d/1)\n2024 · "
	 "Ann\n\nhtml(<p>x)\n\n"
	 "## (untitled)\n\nt\n",
	 NULL, "J\xc3\xa4"},
	{"application/json", "not json", "not json", NULL, ""},
	{"application/problem+json", "[1]", "[1]\n", NULL, ""},
	{"application/x-ndjson", "{\"a\":1}\n{\"b\":2}", "{\"a\": 1}\n{\"b\": 2}\n", NULL, ""},
	{"text/csv", "a,b\n1,\xe4\n", "a,b\n1,\xc3\xa4\n", NULL, ""},
	{"text/plain", "<html>", "<html>", NULL, ""},
	{"text/plain; charset=shift_jis", "\x83\x65", "\xe3\x83\x86", NULL, ""},
	{"text/plain", "", "", NULL, ""},
};

static void compare(const struct example *example, enum content_format format, const char *wanted)
{
	struct content_request request = {.bytes = example->body,
					  .length = strlen(example->body),
					  .content_type = example->type,
					  .url = "http://a.example/d/feed.xml",
					  .format = format,
					  .html = show_html};
	struct content content = {.text.max = 1 << 16};

	assert_int_equal(content_read(&request, &content), 0);
	assert_int_equal(content.kind, CONTENT_TEXT);
	assert_int_equal(buffer_append(&content.text, "", 1), 0);
	if (strcmp(buffer_data(&content.text), wanted) != 0)
		fail_msg("%s:\n%s\n--- expected:\n%s", example->body, buffer_data(&content.text), wanted);
	if (format != CONTENT_RAW)
		assert_string_equal(content.title, example->title);
	buffer_deinit(&content.text);
}

static void formats(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
		compare(&examples[i], CONTENT_MARKDOWN, examples[i].markdown);
		if (examples[i].plain)
			compare(&examples[i], CONTENT_PLAIN, examples[i].plain);
		if (strncmp(examples[i].body, "\xef\xbb\xbf", 3) != 0 && !strchr(examples[i].body, '\x83') &&
		    !strchr(examples[i].body, '\xe4'))
			compare(&examples[i], CONTENT_RAW, examples[i].body);
	}
}

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *type, *body;
	size_t length;
	enum content_kind kind;
	const char *media_type, *text; /* the beginning of it */
} kinds[] = {
	{"text/html; charset=utf-8", BYTES("x"), CONTENT_TEXT, "text/html", ""},
	{"Text/PLAIN", BYTES("x"), CONTENT_TEXT, "text/plain", "x"},
	{"", BYTES("hello"), CONTENT_TEXT, "text/plain", "hello"},
	{"", BYTES(" \n<!DOCTYPE html>"), CONTENT_TEXT, "text/html", ""},
	{"", BYTES("<?xml version='1.0'?><a/>"), CONTENT_TEXT, "text/xml", "<?xml version='1.0'?>\n<a/>"},
	{"", BYTES("{\"a\":1}"), CONTENT_TEXT, "application/json", "{\"a\": 1}"},
	{"unknown", BYTES("hello"), CONTENT_TEXT, "text/plain", "hello"},
	{"", BYTES("\001\002"), CONTENT_BINARY, "", "Binary data, 2 bytes. download_file saves it"},
	{"application/octet-stream", BYTES("words"), CONTENT_TEXT, "text/plain", "words"},
	{"application/octet-stream",
	 BYTES("\x7f"
	       "ELF\002"),
	 CONTENT_BINARY, "application/x-executable",
	 "An ELF executable or library (application/x-executable), 5 bytes."},
	{"application/octet-stream", BYTES("%PDF-1.7\n"), CONTENT_BINARY, "application/pdf",
	 "A PDF document (version 1.7), 9 bytes."},
	{"application/pdf", BYTES("%PDF-1.4 /Type /Pages /Kids [] /Count 12 /Title (A \\(b\\))"),
	 CONTENT_BINARY, "application/pdf",
	 "A PDF document (version 1.4, 12 pages, titled \"A (b)\"), 57 bytes."},
	{"application/pdf", BYTES("%PDF-1.4 <</Linearized 1 /N 1 >>"), CONTENT_BINARY, "application/pdf",
	 "A PDF document (version 1.4, 1 page), 32 bytes."},
	{"text/html", BYTES("%PDF-1.7\n\001"), CONTENT_BINARY, "application/pdf", "A PDF"},
	{"text/plain", BYTES("%PDF-1.7 is how they begin"), CONTENT_TEXT, "text/plain", "%PDF"},
	{"text/plain", BYTES("PK\003\004\0\0"), CONTENT_BINARY, "application/zip", "A ZIP archive"},
	{"text/plain", BYTES("\0\001"), CONTENT_BINARY, "application/octet-stream", "Binary data"},
	{"text/html", BYTES("<p>a\0b\001"), CONTENT_TEXT, "text/html", ""},
	{"text/plain", BYTES("an old manual's page, where l\010le\010et\010tt\010te\010er\010rs\010s"),
	 CONTENT_BINARY, "application/octet-stream", ""},
	{"text/plain",
	 BYTES("one stray control among many words does not make them binary, and so \001 is passed"),
	 CONTENT_TEXT, "text/plain", "one stray"},
	{"text/plain", BYTES("a\0b\0c\0d\0"), CONTENT_TEXT, "text/plain", "abcd"},
	{"text/plain",
	 BYTES("\xff\xfe"
	       "a\0"),
	 CONTENT_TEXT, "text/plain", "a"},
	{"text/plain; charset=utf-16be", BYTES("\0a"), CONTENT_TEXT, "text/plain", "a"},
	{"image/png", BYTES("\x89PNG\r\n\032\n"), CONTENT_IMAGE, "image/png", ""},
	{"image/jpeg", BYTES("GIF89a\001"), CONTENT_IMAGE, "image/gif", ""},
	{"application/octet-stream", BYTES("\xff\xd8\xff\xe0\0"), CONTENT_IMAGE, "image/jpeg", ""},
	{"", BYTES("RIFF\001\0\0\0WEBPVP8 "), CONTENT_IMAGE, "image/webp", ""},
	{"image/png", BYTES("<html>not found"), CONTENT_TEXT, "image/png", "<html>"},
	{"image/png", BYTES("\001\002\003"), CONTENT_BINARY, "image/png", "An image that is not shown here"},
	{"image/tiff", BYTES("II*\0"), CONTENT_BINARY, "image/tiff",
	 "An image that is not shown here (image/tiff)"},
	{"video/x-thing", BYTES("\0\0"), CONTENT_BINARY, "video/x-thing",
	 "A video (video/x-thing), 2 bytes."},
	{"", BYTES("\0\0\0\030ftypisom"), CONTENT_BINARY, "video/mp4", "A video (video/mp4)"},
	{"font/woff2", BYTES("wOF2\0"), CONTENT_BINARY, "font/woff2", "A font (font/woff2)"},
	{"", BYTES("SQLite format 3\0"), CONTENT_BINARY, "application/vnd.sqlite3", "A SQLite database"},
	{"application/wasm", BYTES("\0asm\001"), CONTENT_BINARY, "application/wasm", "A WebAssembly module"},
	{"application/vnd.x", BYTES("\001"), CONTENT_BINARY, "application/vnd.x",
	 "Binary data (application/vnd.x), 1 bytes."},
};

static void what_things_are(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct content_request request = {.bytes = kinds[i].body,
						  .length = kinds[i].length,
						  .content_type = kinds[i].type,
						  .url = "http://a.example/"};
		struct content content = {.text.max = 4096};

		assert_int_equal(content_read(&request, &content), 0);
		assert_int_equal(buffer_append(&content.text, "", 1), 0);
		if (content.kind != kinds[i].kind || strcmp(content.media_type, kinds[i].media_type) != 0 ||
		    strncmp(buffer_data(&content.text), kinds[i].text, strlen(kinds[i].text)) != 0)
			fail_msg("case %zu (%s): %d, %s, \"%s\"", i, kinds[i].type, content.kind,
				 content.media_type, buffer_data(&content.text));
		buffer_deinit(&content.text);
	}
}

/* A local header with its name, as zips have them. */
static size_t add_member(char *zip, const char *name, const char *data)
{
	size_t length = strlen(name);

	memset(zip, 0, 30);
	memcpy(zip, "PK\003\004", 4);
	zip[18] = (char)strlen(data);
	zip[26] = (char)length;
	memcpy(zip + 30, name, length);
	memcpy(zip + 30 + length, data, strlen(data));
	return 30 + length + strlen(data);
}

static void archives(void **state)
{
	static const struct {
		const char *name, *data, *type;
	} table[] = {
		{"word/document.xml", "",
		 "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"xl/workbook.xml", "", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
		{"mimetype", "application/epub+zip", "application/epub+zip"},
		{"META-INF/MANIFEST.MF", "", "application/java-archive"},
		{"readme", "word/", "application/zip"},
	};
	char zip[512];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		size_t length = add_member(zip, "[Content_Types].xml", "x");

		length += add_member(zip + length, table[i].name, table[i].data);
		assert_string_equal(content_magic(zip, length), table[i].type);
		for (size_t cut = 4; cut < length; cut++) /* it may be broken off anywhere */
			assert_non_null(content_magic(zip, cut));
	}
}

static void linear_and_bounded(void **state)
{
	static const char *const pieces[] = {"<",
					     "<a>",
					     "</a>",
					     "<a b='",
					     "<!--",
					     "<![CDATA[",
					     "&#",
					     "&",
					     "<!DOCTYPE [",
					     "<item>",
					     "<item><title>",
					     "<a/>",
					     "<title>x",
					     "<!DOCTYPE a [ ] x",
					     "<link href='x'/>",
					     "</",
					     "<outline text='a'>",
					     "]"};
	static const char *const roots[] = {"",    "<rss><channel>", "<feed>", "<urlset>", "<opml>",
					    "<x>", "<svg>"};
	size_t length = 1u << 20;
	char *body = malloc(length);

	assert_non_null(body);
	for (size_t root = 0; root < ARRAY_SIZE(roots); root++)
		for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
			size_t begin = strlen(roots[root]);
			struct content_request request = {.bytes = body,
							  .length = length,
							  .content_type = "text/xml",
							  .url = "http://a.example/",
							  .html = show_html};
			struct content content = {.text.max = LIMIT_WEB_TEXT_BYTES};
			clock_t started = clock();

			memcpy(body, roots[root], begin);
			for (size_t at = begin; at < length; at++)
				body[at] = pieces[i][(at - begin) % strlen(pieces[i])];
			assert_int_equal(content_read(&request, &content), 0);
			if (clock() - started > 4 * CLOCKS_PER_SEC)
				fail_msg("1 MB of \"%s\" in \"%s\" took %ld ms", pieces[i], roots[root],
					 (long)((clock() - started) * 1000 / CLOCKS_PER_SEC));
			buffer_deinit(&content.text);
		}
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(what_things_are),
		cmocka_unit_test(archives),
		cmocka_unit_test(linear_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
