/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Feed (https://jsonfeed.org/version/1.1) as the feeds in XML are written. A reader of what it needs and
 * no more: json_indent() has seen that the text is JSON, so that here a value only has to be passed.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/charset.h"
#include "tools/web/content/feed.h"

static const struct {
	const char *name;
	enum feed_field field;
	bool html, link;
} members[] = {
	{"title", FIELD_TITLE, false, false},
	{"home_page_url", FIELD_LINK, false, true},
	{"url", FIELD_LINK, false, true},
	{"external_url", FIELD_LINK, false, true},
	{"description", FIELD_SUMMARY, false, false},
	{"summary", FIELD_SUMMARY, false, false},
	{"content_html", FIELD_CONTENT, true, false},
	{"content_text", FIELD_CONTENT, false, false},
	{"date_published", FIELD_DATE, false, false},
};

struct reader {
	const char *at, *end;
	struct buffer *out;
	const struct feed_style *style;
	struct feed_entry entry;
};

static char peek(const struct reader *reader)
{
	return reader->at < reader->end ? *reader->at : '\0';
}

/* White space, commas and colons: JSON that is valid needs none of them to be understood. */
static void skip_separators(struct reader *reader)
{
	while (reader->at < reader->end && memchr(" \t\r\n,:", *reader->at, 6))
		reader->at++;
}

/* The string at hand, without its quotes and with its escapes. */
static struct slice read_string(struct reader *reader)
{
	struct slice string = {++reader->at, 0};

	while (reader->at < reader->end && *reader->at != '"')
		reader->at += *reader->at == '\\' && reader->end - reader->at > 1 ? 2 : 1;
	string.length = (size_t)(reader->at - string.at);
	reader->at += reader->at < reader->end;
	return string;
}

/* Passes a value, however deep it is. */
static void skip_value(struct reader *reader)
{
	size_t depth = 0;

	do {
		char c = peek(reader);

		if (c == '"') {
			read_string(reader);
		} else {
			depth += c == '{' || c == '[';
			depth -= depth > 0 && (c == '}' || c == ']');
			for (reader->at += reader->at < reader->end;
			     depth == 0 && reader->at < reader->end &&
			     !memchr(" \t\r\n,:{}[]\"", *reader->at, 11) && c != '}' && c != ']';)
				reader->at++; /* a number or a word */
		}
	} while (depth > 0 && reader->at < reader->end);
}

static uint32_t read_unit(const char *at)
{
	uint32_t unit = 0;

	for (size_t i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)at[i];

		unit = unit * 16 + (c <= '9' ? c - 48u : (c | 32u) - 87u) % 16; /* '0', 'a' - 10 */
	}
	return unit;
}

/* Appends what a string means. */
static int unescape(struct buffer *out, struct slice string)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	int result = 0;

	for (size_t i = 0; i < string.length && result == 0; i++) {
		const char *left = string.at + i, *found;
		size_t length = string.length - i;

		if (*left != '\\' || length < 2) {
			result = buffer_append(out, left, 1);
		} else if (left[1] == 'u' && length >= 6) {
			uint32_t code = read_unit(left + 2), low;

			i += 5;
			if (code >= 0xd800 && code < 0xdc00 && length >= 12 && left[6] == '\\' &&
			    left[7] == 'u') {
				low = read_unit(left + 8);
				if (low >= 0xdc00 && low < 0xe000) {
					code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
					i += 6;
				}
			}
			result = charset_put(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
		} else {
			found = memchr(from, left[1], 5);
			result = buffer_append(out, found ? to + (found - from) : left + 1, 1);
			i++;
		}
	}
	return result;
}

static int take_member(struct reader *reader, struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		struct buffer *field = &reader->entry.fields[members[i].field];
		_cleanup_(buffer_deinit) struct buffer link = {.max = LIMIT_WEB_TEXT_BYTES};
		int result;

		if (!xml_is(name, members[i].name) || peek(reader) != '"' || buffer_length(field) > 0)
			continue;
		reader->entry.html[members[i].field] = members[i].html;
		if (!members[i].link)
			return unescape(field, read_string(reader));
		result = unescape(&link, read_string(reader));
		if (result < 0 || buffer_length(&link) == 0)
			return result;
		return feed_put_link(field, reader->style,
				     (struct slice){buffer_data(&link), buffer_length(&link)});
	}
	skip_value(reader);
	return 0;
}

/* "authors": [{"name": ...}] or "author": {"name": ...}: the first name. */
static int take_author(struct reader *reader)
{
	const char *begin = reader->at;
	struct reader inside;

	skip_value(reader);
	inside = (struct reader){.at = begin, .end = reader->at};
	while (inside.at < inside.end) {
		struct slice string;

		if (*inside.at != '"') {
			inside.at++;
			continue;
		}
		string = read_string(&inside);
		skip_separators(&inside);
		if (xml_is(string, "name") && peek(&inside) == '"' &&
		    buffer_length(&reader->entry.fields[FIELD_AUTHOR]) == 0)
			return unescape(&reader->entry.fields[FIELD_AUTHOR], read_string(&inside));
	}
	return 0;
}

/* An item's members up to its end, or the feed's, whose items are passed: `items` gets where they begin. */
static int take_object(struct reader *reader, const char **items)
{
	int result = 0;

	for (reader->at += peek(reader) == '{'; result == 0;) {
		struct slice name;

		skip_separators(reader);
		if (peek(reader) != '"')
			break;
		name = read_string(reader);
		skip_separators(reader);
		if (xml_is(name, "authors") || xml_is(name, "author")) {
			result = take_author(reader);
		} else if (items && xml_is(name, "items") && peek(reader) == '[') {
			*items = reader->at + 1;
			skip_value(reader);
		} else {
			result = take_member(reader, name);
		}
	}
	reader->at += peek(reader) == '}';
	return result;
}

static int write_items(struct reader *reader)
{
	int result = 0;

	for (skip_separators(reader); peek(reader) == '{' && result == 0; skip_separators(reader)) {
		result = take_object(reader, NULL);
		if (result == 0)
			result = feed_entry_write(reader->out, reader->style, &reader->entry, false);
	}
	return result;
}

bool feed_is_json(const char *json, size_t length)
{
	static const char version[] = "://jsonfeed.org/version/",
			  escaped[] = ":\\/\\/jsonfeed.org\\/version\\/";
	size_t looked = length < 1024 ? length : 1024;

	return memmem(json, looked, version, sizeof version - 1) ||
	       memmem(json, looked, escaped, sizeof escaped - 1);
}

int feed_write_json(struct buffer *out, const struct feed_style *style, const char *json, size_t length,
		    char *title, size_t size)
{
	struct reader reader = {.at = json, .end = json + length, .out = out, .style = style};
	const char *items = NULL;
	int result;

	skip_separators(&reader);
	feed_entry_init(&reader.entry);
	result = take_object(&reader, &items);
	if (result == 0) {
		const struct buffer *name = &reader.entry.fields[FIELD_TITLE];

		feed_copy_title(
			title, size,
			(struct slice){buffer_length(name) ? buffer_data(name) : "", buffer_length(name)});
		result = feed_entry_write(out, style, &reader.entry, true);
	}
	if (result == 0 && items) {
		reader.at = items;
		result = write_items(&reader);
	}
	feed_entry_deinit(&reader.entry);
	return result;
}
