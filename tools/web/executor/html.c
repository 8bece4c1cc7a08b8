/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTML as text, in one pass without a tree: enough to read a page by, and no more. It knows no hidden
 * elements and no main content; a converter on a real parser takes its place. Never goes back, so its time is
 * linear whatever the markup.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/content.h"

struct html {
	struct buffer *text;
	const char *at, *end;
	int result;      /* sticky */
	unsigned breaks; /* line ends to write before the next word: 0 to 2 */
	char space;      /* white space to write before it: ' ', or '\t' between cells; 0: none */
	unsigned pre;    /* open <pre> */
	char *title;
	size_t title_length;
	bool in_title, title_done;
};

enum effect { NOTHING, LINE, BLOCK, ITEM, CELL, PRE, TITLE, SKIP };

/* Sorted: found by halves. Elements that are not here are inline. */
static const struct element {
	const char *name;
	enum effect effect;
} elements[] = {
	{"address", BLOCK},  {"article", BLOCK},   {"aside", BLOCK},   {"blockquote", BLOCK},
	{"body", BLOCK},     {"br", LINE},         {"caption", BLOCK}, {"dd", LINE},
	{"details", BLOCK},  {"div", LINE},        {"dl", BLOCK},      {"dt", LINE},
	{"fieldset", BLOCK}, {"figcaption", LINE}, {"figure", BLOCK},  {"footer", BLOCK},
	{"form", BLOCK},     {"h1", BLOCK},        {"h2", BLOCK},      {"h3", BLOCK},
	{"h4", BLOCK},       {"h5", BLOCK},        {"h6", BLOCK},      {"header", BLOCK},
	{"hr", BLOCK},       {"li", ITEM},         {"main", BLOCK},    {"nav", BLOCK},
	{"ol", BLOCK},       {"option", LINE},     {"p", BLOCK},       {"pre", PRE},
	{"script", SKIP},    {"section", BLOCK},   {"style", SKIP},    {"summary", LINE},
	{"svg", SKIP},       {"table", BLOCK},     {"td", CELL},       {"template", SKIP},
	{"th", CELL},        {"title", TITLE},     {"tr", LINE},       {"ul", BLOCK},
};

static const struct {
	const char *name, *text;
} entities[] = {
	{"amp", "&"},
	{"apos", "'"},
	{"bull", "\xe2\x80\xa2"},
	{"copy", "\xc2\xa9"},
	{"deg", "\xc2\xb0"},
	{"euro", "\xe2\x82\xac"},
	{"gt", ">"},
	{"hellip", "\xe2\x80\xa6"},
	{"laquo", "\xc2\xab"},
	{"ldquo", "\xe2\x80\x9c"},
	{"lsquo", "\xe2\x80\x98"},
	{"lt", "<"},
	{"mdash", "\xe2\x80\x94"},
	{"middot", "\xc2\xb7"},
	{"nbsp", " "},
	{"ndash", "\xe2\x80\x93"},
	{"quot", "\""},
	{"raquo", "\xc2\xbb"},
	{"rdquo", "\xe2\x80\x9d"},
	{"reg", "\xc2\xae"},
	{"rsquo", "\xe2\x80\x99"},
	{"shy", ""},
	{"times", "\xc3\x97"},
	{"trade", "\xe2\x84\xa2"},
};

static void put(struct html *html, const char *bytes, size_t length)
{
	if (html->result == 0)
		html->result = buffer_append(html->text, bytes, length);
}

static void want_break(struct html *html, unsigned breaks)
{
	if (html->breaks < breaks)
		html->breaks = breaks;
}

/* Text: white space before it is written only now, so that none is left at ends. */
static void put_text(struct html *html, const char *bytes, size_t length)
{
	if (html->in_title) {
		for (size_t i = 0; i < length && html->title_length + 1 < WEB_TITLE_BYTES; i++)
			html->title[html->title_length++] = (unsigned char)bytes[i] < ' ' ? ' ' : bytes[i];
		return;
	}
	if (buffer_length(html->text) == 0) {
		html->breaks = 0;
		html->space = 0;
	}
	if (html->breaks)
		put(html, "\n\n", html->breaks);
	else if (html->space)
		put(html, &html->space, 1);
	html->breaks = 0;
	html->space = 0;
	put(html, bytes, length);
}

static void put_space(struct html *html, char c)
{
	if (html->in_title) {
		if (html->title_length && html->title[html->title_length - 1] != ' ')
			put_text(html, " ", 1);
	} else if (html->pre && !(html->breaks && c == '\n')) {
		put_text(html, &c, 1);
	} else if (!html->pre && !html->space) {
		html->space = ' ';
	}
}

static size_t encode_utf8(uint32_t c, char to[4])
{
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80)
		return to[0] = (char)c, 1;
	if (c < 0x800)
		return to[0] = (char)(0xc0 | c >> 6), to[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return to[0] = (char)(0xe0 | c >> 12), to[1] = (char)(0x80 | (c >> 6 & 63)),
		       to[2] = (char)(0x80 | (c & 63)), 3;
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* "&#65;" or "&#x41;" at html->at. False: it is no such thing. */
static bool take_number(struct html *html)
{
	const char *at = html->at + 2;
	bool hexadecimal = at < html->end && (*at == 'x' || *at == 'X');
	uint32_t value = 0;
	size_t digits = 0;
	char encoded[4];

	at += hexadecimal;
	for (; at < html->end && (hexadecimal ? isxdigit((unsigned char)*at) : isdigit((unsigned char)*at));
	     at++, digits++) {
		uint32_t digit = isdigit((unsigned char)*at) ? (uint32_t)(*at - '0')
							     : (uint32_t)((*at | 32) - 'a') + 10;

		if (value <= 0x10ffff)
			value = value * (hexadecimal ? 16 : 10) + digit;
	}
	if (!digits)
		return false;
	html->at = at + (at < html->end && *at == ';');
	put_text(html, encoded, encode_utf8(value, encoded));
	return true;
}

static bool take_entity(struct html *html)
{
	size_t left = (size_t)(html->end - html->at), length = 1;

	if (left > 2 && html->at[1] == '#')
		return take_number(html);
	while (length < left && length < 12 && isalnum((unsigned char)html->at[length]))
		length++;
	if (length == left || html->at[length] != ';')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
		if (strlen(entities[i].name) != length - 1 ||
		    strncmp(entities[i].name, html->at + 1, length - 1) != 0)
			continue;
		html->at += length + 1;
		if (entities[i].text[0] == ' ')
			put_space(html, ' ');
		else if (entities[i].text[0])
			put_text(html, entities[i].text, strlen(entities[i].text));
		return true;
	}
	return false;
}

static const struct element *find_element(const char *name, size_t length)
{
	size_t low = 0, high = ARRAY_SIZE(elements);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strncasecmp(name, elements[middle].name, length);

		if (order == 0 && elements[middle].name[length] != '\0')
			order = -1;
		if (order == 0)
			return &elements[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* Past the end tag of `name`; to the end of the page when there is none. */
static void skip_element(struct html *html, const char *name)
{
	size_t length = strlen(name);

	while (html->at < html->end) {
		const char *less = memchr(html->at, '<', (size_t)(html->end - html->at));

		if (!less) {
			html->at = html->end;
			return;
		}
		html->at = less + 1;
		if ((size_t)(html->end - less) > length + 2 && less[1] == '/' &&
		    strncasecmp(less + 2, name, length) == 0 && !isalnum((unsigned char)less[length + 2])) {
			const char *close = memchr(less, '>', (size_t)(html->end - less));

			html->at = close ? close + 1 : html->end;
			return;
		}
	}
}

static void apply(struct html *html, const struct element *element, bool closing)
{
	switch (element->effect) {
	case LINE:
		want_break(html, 1);
		break;
	case BLOCK:
		want_break(html, 2);
		break;
	case ITEM:
		want_break(html, 1);
		if (!closing) {
			put_text(html, "-", 1);
			html->space = ' ';
		}
		break;
	case CELL:
		if (closing)
			html->space = '\t';
		break;
	case PRE:
		want_break(html, 2);
		html->pre = !closing;
		break;
	case TITLE:
		html->in_title = !closing && !html->title_done;
		html->title_done = html->title_done || closing;
		break;
	case SKIP:
		if (!closing)
			skip_element(html, element->name);
		break;
	case NOTHING:
		break;
	}
}

/* Past the tag that begins at html->at; attribute values may hold '>'. A tag without end swallows the rest,
 * as in browsers (WHATWG HTML, "eof-in-tag"). */
static void skip_tag(struct html *html)
{
	char quote = 0, before = 0;

	for (; html->at < html->end; html->at++) {
		char c = *html->at;

		if (quote) {
			if (c == quote)
				quote = 0;
		} else if ((c == '"' || c == '\'') && before == '=') {
			quote = c;
		} else if (c == '>') {
			html->at++;
			return;
		}
		if (!isspace((unsigned char)c))
			before = c;
	}
}

static void take_comment(struct html *html)
{
	const char *close = memmem(html->at + 4, (size_t)(html->end - html->at) - 4, "-->", 3);

	html->at = close ? close + 3 : html->end;
}

/* At '<'. What begins no tag is text. */
static void take_tag(struct html *html)
{
	size_t left = (size_t)(html->end - html->at), length = 0;
	bool closing = left > 1 && html->at[1] == '/';
	const char *name = html->at + 1 + closing;
	const struct element *element;

	if (left >= 4 && memcmp(html->at, "<!--", 4) == 0) {
		take_comment(html);
		return;
	}
	if (left < 2 || (!isalpha((unsigned char)html->at[1]) && !strchr("/!?", html->at[1])) ||
	    html->at[1] == '\0') {
		put_text(html, html->at++, 1);
		return;
	}
	while (name + length < html->end && isalnum((unsigned char)name[length]))
		length++;
	element = length ? find_element(name, length) : NULL;
	skip_tag(html);
	if (element)
		apply(html, element, closing);
}

int html_text(struct buffer *text, char title[WEB_TITLE_BYTES], const char *bytes, size_t length)
{
	struct html html = {.text = text, .at = bytes, .end = bytes + length, .title = title};

	while (html.at < html.end && html.result == 0) {
		const char *word = html.at;

		if (*html.at == '<') {
			take_tag(&html);
		} else if (isspace((unsigned char)*html.at)) {
			put_space(&html, *html.at++);
		} else if (*html.at != '&' || !take_entity(&html)) {
			do
				html.at++;
			while (html.at < html.end && *html.at != '<' && *html.at != '&' &&
			       !isspace((unsigned char)*html.at));
			put_text(&html, word, (size_t)(html.at - word));
		}
	}
	if (html.title_length + 1 == WEB_TITLE_BYTES) /* cut: between characters */
		html.title_length = text_cut(title, html.title_length - 1);
	title[html.title_length] = '\0';
	return html.result;
}
