/* SPDX-License-Identifier: Apache-2.0 */
/* How a fetched body becomes the text that is shown, and what is kept of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/executor/content.h"
#include "tools/web/executor/outbox.h"

static const struct {
	const char *html, *text;
} pages_of_html[] = {
	{"", ""},
	{"plain", "plain"},
	{"  a \n\t b  ", "a b"},
	{"<p>one</p><p>two</p>", "one\n\ntwo"},
	{"<p>one<p>two", "one\n\ntwo"},
	{"a<br>b<br/>c<BR>d", "a\nb\nc\nd"},
	{"<ul><li>x<li>y</ul>z", "- x\n- y\n\nz"},
	{"<ul><li><p>x</p></li></ul>", "-\n\nx"},
	{"a<b>b</b>c <i>d</i>", "abc d"},
	{"<h1>T</h1>x", "T\n\nx"},
	{"<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1\t2\n3"},
	{"<tr><td> 1 <td>2</td> <td> 3</table>", "1 2\t3"},
	{"<pre>\n  a\n    b\n</pre>c", "  a\n    b\n\n\nc"},
	{"x<script>a<b && '</p>'</script>y", "xy"},
	{"x<style>p{}</style >y", "xy"},
	{"x<script>never ends", "x"},
	{"x<!-- a > b --> y", "x y"},
	{"x<!-- never ends", "x"},
	{"x<!doctype html>y<?xml z?>w", "xyw"},
	{"1 < 2 && 3 > 2", "1 < 2 && 3 > 2"},
	{"a <3 b", "a <3 b"},
	{"<", "<"},
	{"a<", "a<"},
	{"<p", ""},
	{"<a href='x>y'>z</a>", "z"},
	{"<a title=\"a'b>c\">z", "z"},
	{"<a b=c'd>z", "z"},
	{"x<p title=\"never ends>y", "x"},
	{"&lt;p&gt; &amp;amp; &quot;&apos;", "<p> &amp; \"'"},
	{"&#65;&#x42;&#X43;&#xe4;&#128512;", "ABC\xc3\xa4\xf0\x9f\x98\x80"},
	{"&#0;&#xd800;&#x110000;&#99999999999;", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"&nope; &; &# &#x; &amp", "&nope; &; &# &#x; &amp"},
	{"a&nbsp;b&mdash;c&shy;d", "a b\xe2\x80\x94"
				   "cd"},
	{"<template>a</template><svg><text>b</text></svg>c", "c"},
	{"<sv>a</sv><tables>b</tables>", "ab"},
	{"\xc3\xa4<p>\xe2\x82\xac", "\xc3\xa4\n\n\xe2\x82\xac"},
};

static void html(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages_of_html); i++) {
		_cleanup_(buffer_deinit) struct buffer text = {.max = 4096};
		char title[WEB_TITLE_BYTES];

		assert_int_equal(
			html_text(&text, title, pages_of_html[i].html, strlen(pages_of_html[i].html)), 0);
		assert_int_equal(buffer_append(&text, "", 1), 0);
		if (strcmp(buffer_data(&text), pages_of_html[i].text) != 0)
			fail_msg("%s: \"%s\", expected \"%s\"", pages_of_html[i].html, buffer_data(&text),
				 pages_of_html[i].text);
		assert_string_equal(title, "");
	}
}

static void titles(void **state)
{
	static const struct {
		const char *html, *title;
	} table[] = {
		{"<title>A</title><title>B</title>", "A"},
		{"<head><TITLE>\n A &amp;\tB\n</TITLE></head>", "A & B "},
		{"<title>no end", "no end"},
		{"<title></title>", ""},
		{"<title>a\x01z</title>", "a z"},
	};
	_cleanup_(buffer_deinit) struct buffer text = {.max = 4096};
	char title[WEB_TITLE_BYTES], page[1100] = "<title>";

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		assert_int_equal(html_text(&text, title, table[i].html, strlen(table[i].html)), 0);
		assert_string_equal(title, table[i].title);
	}
	assert_int_equal(html_text(&text, title, "<title>a\0b", 10), 0);
	assert_string_equal(title, "a b");
	/* too long: cut between characters */
	for (size_t i = 0; i < 500; i++)
		memcpy(page + 7 + 2 * i, "\xc3\xa4", 2);
	assert_int_equal(html_text(&text, title, page, 1007), 0);
	assert_true(strlen(title) >= WEB_TITLE_BYTES - 4);
	assert_int_equal(strlen(title) % 2, 0);
}

/* Markup that sends parsers back and forth: time must stay linear, which a hundredfold bound shows. */
static void html_in_linear_time(void **state)
{
	static const char *const pieces[] = {"<",   "<!--", "<script>", "&#",    "&", "<a '", "<a b='", "</",
					     "<p>", "<li>", "<title>",  "<pre>", " ", "\n",   "<!"};
	size_t length = 4u << 20;
	char *page = malloc(length);

	assert_non_null(page);
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		_cleanup_(buffer_deinit) struct buffer text = {.max = LIMIT_WEB_TEXT_BYTES};
		char title[WEB_TITLE_BYTES];
		clock_t begin = clock();

		for (size_t at = 0; at < length; at++)
			page[at] = pieces[i][at % strlen(pieces[i])];
		assert_int_equal(html_text(&text, title, page, length), 0);
		if (clock() - begin > 4 * CLOCKS_PER_SEC)
			fail_msg("4 MB of \"%s\" took %ld ms", pieces[i],
				 (long)((clock() - begin) * 1000 / CLOCKS_PER_SEC));
	}
	free(page);
}

static void html_is_bounded(void **state)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = 10};
	char title[WEB_TITLE_BYTES];

	assert_int_equal(html_text(&text, title, "<p>0123456789 and more", 22), -EMSGSIZE);
	assert_true(buffer_length(&text) <= 10);
}

static void kinds(void **state)
{
	static const struct {
		const char *header, *body;
		enum content_kind kind;
		const char *type;
	} table[] = {
		{"text/html; charset=utf-8", "", CONTENT_TEXT, "text/html"},
		{"TEXT/Plain", "", CONTENT_TEXT, "text/plain"},
		{"application/json", "", CONTENT_TEXT, "application/json"},
		{"application/problem+json;x=y", "", CONTENT_TEXT, "application/problem+json"},
		{"image/svg+xml", "", CONTENT_TEXT, "image/svg+xml"},
		{"image/png", "", CONTENT_IMAGE, "image/png"},
		{"image/tiff", "", CONTENT_BINARY, "image/tiff"},
		{"application/pdf", "%PDF", CONTENT_BINARY, "application/pdf"},
		{"", "hello", CONTENT_TEXT, "text/plain"},
		{"", " \n<!DOCTYPE html>", CONTENT_TEXT, "text/html"},
		{"", "\x01\x02", CONTENT_BINARY, ""},
		{"application/octet-stream", "text", CONTENT_TEXT, "application/octet-stream"},
		{"application/octet-stream",
		 "\x7f"
		 "ELF\x02",
		 CONTENT_BINARY, "application/octet-stream"},
		{"",
		 "\xff\xfe"
		 "a",
		 CONTENT_TEXT, "text/plain"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char type[WEB_MEDIA_TYPE_BYTES];

		assert_int_equal(content_kind(table[i].header, table[i].body, strlen(table[i].body), type),
				 table[i].kind);
		assert_string_equal(type, table[i].type);
	}
}

static void character_sets(void **state)
{
	static const struct {
		const char *header, *type;
		const char *body;
		size_t length;
		const char *text;
	} table[] = {
		{"text/plain", "text/plain", "\xc3\xa4", 2, "\xc3\xa4"},
		{"text/plain; charset=\"iso-8859-1\"", "text/plain", "\xe4\x80", 2, "\xc3\xa4\xe2\x82\xac"},
		{"text/plain; Charset = latin1", "text/plain", "\xe4", 1, "\xc3\xa4"},
		{"text/plain; charset=utf-16", "text/plain", "a\0\xac\x20", 4, "a\xe2\x82\xac"},
		{"text/plain; charset=utf-16be", "text/plain", "\0a\x20\xac", 4, "a\xe2\x82\xac"},
		{"text/plain; charset=utf-16le", "text/plain", "\x34\xd8\x1e\xdd\x34\xd8", 6,
		 "\xf0\x9d\x84\x9e\xef\xbf\xbd"},
		{"text/plain; charset=latin1", "text/plain", "\xef\xbb\xbf\xc3\xa4", 5,
		 "\xc3\xa4"}, /* the mark wins */
		{"text/plain; charset=shift_jis", "text/plain", "\x83\x65", 2, "\x83\x65"},
		{"text/html", "text/html", "<meta charset=latin1>\xe4", 22, "\xc3\xa4"},
		{"text/html", "text/html", "<meta http-equiv=x content='text/html; charset=cp1252'>\xe4", 56,
		 "\xc3\xa4"},
		{"text/html", "text/html", "<meta charset=utf-16>\xc3\xa4", 23, "\xc3\xa4"},
		{"text/html; charset=utf-8", "text/html", "<meta charset=latin1>\xc3\xa4", 23, "\xc3\xa4"},
		{"text/plain", "text/plain", "", 0, ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(buffer_deinit) struct buffer text = {.max = 4096};
		char title[WEB_TITLE_BYTES];

		assert_int_equal(content_text(&text, title, table[i].header, table[i].type, WEB_TEXT,
					      table[i].body, table[i].length),
				 0);
		assert_int_equal(buffer_append(&text, "", 1), 0);
		if (strcmp(buffer_data(&text), table[i].text) != 0)
			fail_msg("case %zu: \"%s\"", i, buffer_data(&text));
	}
}

static void cutting(void **state)
{
	static const char text[] = "a\xc3\xa4\xe2\x82\xac\nbb\ncccccccc";

	assert_int_equal(text_characters(text, sizeof text - 1), 15);
	assert_int_equal(text_offset(text, sizeof text - 1, 0), 0);
	assert_int_equal(text_offset(text, sizeof text - 1, 2), 3);
	assert_int_equal(text_offset(text, sizeof text - 1, 3), 6);
	assert_int_equal(text_offset(text, sizeof text - 1, 99), sizeof text - 1);
	assert_int_equal(text_cut(text, 12), 10); /* behind the line's end */
	assert_int_equal(text_cut(text, 5), 3);   /* not inside a character */
	assert_int_equal(text_cut(text, 2), 1);
	assert_int_equal(text_cut("\x80\x80\x80\x80", 3), 3); /* never nothing */
}

/* Frames wait while the other side does not read, and come in order when it does. */
static void outbox_waits(void **state)
{
	struct outbox outbox;
	static char payload[60000];
	_cleanup_(buffer_deinit) struct buffer got = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header;
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	outbox_init(&outbox, sockets[0], 3u << 20);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(outbox_put(&outbox, 7, i, i * 2, payload, sizeof payload), 0);
	assert_true(outbox_fits(&outbox, 1000));
	assert_false(outbox_fits(&outbox, 200000));
	assert_int_equal(outbox_put(&outbox, 7, 50, 0, payload, sizeof payload), 0);
	assert_int_equal(outbox_put(&outbox, 7, 51, 0, payload, sizeof payload), 0);
	assert_int_equal(outbox_put(&outbox, 7, 52, 0, payload, sizeof payload), -EMSGSIZE);
	assert_int_equal(outbox_put(&outbox, 7, 52, 0, payload, LIMIT_FRAME_BYTES + 1), -EMSGSIZE);
	for (uint32_t i = 0; i < 52; i++) {
		assert_int_equal(outbox_flush(&outbox), 0);
		assert_int_equal(frame_receive(sockets[1], &header, &got, NULL, MSG_DONTWAIT), 0);
		assert_int_equal(header.call, i);
		assert_int_equal(header.length, sizeof payload);
	}
	assert_int_equal(outbox_flush(&outbox), 0);
	assert_true(outbox_empty(&outbox));
	assert_int_equal(outbox_put(&outbox, 7, 1, 0, NULL, 0), 0);
	close(sockets[1]);
	assert_int_equal(outbox_flush(&outbox), -EPIPE);
	close(sockets[0]);
	outbox_deinit(&outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(html),
		cmocka_unit_test(titles),
		cmocka_unit_test(html_in_linear_time),
		cmocka_unit_test(html_is_bounded),
		cmocka_unit_test(kinds),
		cmocka_unit_test(character_sets),
		cmocka_unit_test(cutting),
		
		cmocka_unit_test(outbox_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
