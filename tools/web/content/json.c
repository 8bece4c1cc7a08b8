/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laying JSON out without a tree of it: one walk along the text, a line break where structure says so. A
 * container is first tried on one line; the try ends at the first container inside it or at the line's end,
 * so that nothing is tried more than once.
 */
#include "tools/web/content/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/web/content/charset.h"

#define COLUMNS 100
#define INDENT  2
#define DEEPEST 32 /* levels that are shown by indentation; those below stay at its column */

struct layout {
	const char *at, *end;
	struct buffer *text;
	size_t most;   /* where the text may end */
	size_t column; /* in bytes: wide scripts fill a line sooner on the screen too */
	bool trying;   /* on one line: what does not fit there is an error */
	bool ended;    /* inside a string */
};

static int write_value(struct layout *layout, unsigned depth);

static int put(struct layout *layout, const char *bytes, size_t length)
{
	if (buffer_length(layout->text) + length > layout->most ||
	    (layout->trying && layout->column + length > COLUMNS))
		return 1;
	layout->column += length;
	return buffer_append(layout->text, bytes, length);
}

static int put_line(struct layout *layout, unsigned depth)
{
	static const char spaces[1 + INDENT * DEEPEST + 1] =
		"\n                                                                ";

	layout->column = 0;
	return put(layout, spaces, 1 + INDENT * (size_t)(depth < DEEPEST ? depth : DEEPEST));
}

static void skip_space(struct layout *layout)
{
	while (layout->at < layout->end && strchr(" \t\n\r", *layout->at) && *layout->at)
		layout->at++;
}

static char peek(const struct layout *layout)
{
	return layout->at < layout->end ? *layout->at : '\0';
}

/* The code unit of an escape at `at`, which points at its backslash; -1 if it is none. */
static int32_t read_unit(const char *at, const char *end)
{
	int32_t unit = 0;

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		char c = (char)tolower((unsigned char)at[i]);

		if (!isxdigit((unsigned char)c))
			return -1;
		unit = unit * 16 + (c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return unit;
}

/* Not: controls, spaces, directions and other invisible ones, surrogates, private use, non-characters. */
static bool is_printable(int32_t c)
{
	return c > 0xa0 && c != 0xad && !(c >= 0x2000 && c <= 0x200f) && !(c >= 0x2028 && c <= 0x202f) &&
	       !(c >= 0x205f && c <= 0x206f) && !(c >= 0xd800 && c <= 0xf8ff) && c != 0xfeff &&
	       !(c >= 0xfff0 && c <= 0xffff) && c < 0xe0000;
}

/* \uXXXX, perhaps a pair of them: as the character or as it is. */
static int write_unicode(struct layout *layout)
{
	int32_t unit = read_unit(layout->at, layout->end), low;
	size_t taken = 6;
	char bytes[4];
	struct buffer character = {.bytes = bytes, .size = sizeof bytes, .max = sizeof bytes};
	const char *escape = layout->at;

	if (unit < 0)
		return 1;
	if (unit >= 0xd800 && unit < 0xdc00) {
		low = read_unit(escape + 6, layout->end);
		if (low >= 0xdc00 && low < 0xe000) {
			unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
			taken = 12;
		}
	}
	layout->at += taken;
	if (!is_printable(unit) || charset_put(&character, (uint32_t)unit) < 0)
		return put(layout, escape, taken);
	return put(layout, bytes, buffer_length(&character));
}

static int write_string(struct layout *layout)
{
	const char *plain = layout->at++;
	int result;

	for (;;) {
		while (layout->at < layout->end && *layout->at != '"' && *layout->at != '\\' &&
		       (unsigned char)*layout->at >= ' ')
			layout->at++;
		if (peek(layout) == '"') {
			layout->at++;
			return put(layout, plain, (size_t)(layout->at - plain));
		}
		if (layout->end - layout->at < 2 || *layout->at != '\\') {
			layout->ended = layout->end - layout->at < 2;
			layout->at = plain;
			return 1;
		}
		if (layout->at[1] != 'u') {
			if (!strchr("\"\\/bfnrt", layout->at[1]) || !layout->at[1])
				return 1;
			layout->at += 2;
			continue;
		}
		result = put(layout, plain, (size_t)(layout->at - plain));
		if (result == 0)
			result = write_unicode(layout);
		if (result != 0)
			return result;
		plain = layout->at;
	}
}

static bool skip_digits(const char **at, const char *end)
{
	const char *begin = *at;

	while (*at < end && isdigit((unsigned char)**at))
		(*at)++;
	return *at > begin;
}

/* The end of the number at `at`, or NULL (RFC 8259 section 6). */
static const char *number_end(const char *at, const char *end)
{
	at += at < end && *at == '-';
	if (at < end && *at == '0')
		at++;
	else if (!skip_digits(&at, end))
		return NULL;
	if (at < end && *at == '.') {
		at++;
		if (!skip_digits(&at, end))
			return NULL;
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		at += at < end && (*at == '+' || *at == '-');
		if (!skip_digits(&at, end))
			return NULL;
	}
	return at;
}

/* The end of the number or word at `at`, or NULL. */
static const char *scalar_end(const char *at, const char *end)
{
	static const char *const words[] = {"true", "false", "null"};

	for (size_t i = 0; i < 3; i++)
		if ((size_t)(end - at) >= strlen(words[i]) && memcmp(at, words[i], strlen(words[i])) == 0)
			return at + strlen(words[i]);
	return number_end(at, end);
}

/* A member's name and colon. */
static int write_name(struct layout *layout)
{
	int result = peek(layout) == '"' ? write_string(layout) : 1;

	skip_space(layout);
	if (result == 0)
		result = peek(layout) == ':' ? put(layout, ": ", 2) : 1;
	if (result != 0)
		return result;
	layout->at++;
	skip_space(layout);
	return 0;
}

/* May the element at hand stand on the line of the one before? Numbers and words behind each other do. */
static bool joins(const struct layout *layout, bool behind_scalar)
{
	const char *end = scalar_end(layout->at, layout->end);

	return behind_scalar && end && layout->column + (size_t)(end - layout->at) + 2 <= COLUMNS;
}

/* Behind the opening bracket, up to and with the closing one. */
static int write_elements(struct layout *layout, char close, unsigned depth)
{
	bool scalar = false;
	int result;

	for (bool first = true;; first = false) {
		skip_space(layout);
		if (layout->trying ? !first : joins(layout, scalar && close == ']'))
			result = put(layout, " ", 1);
		else
			result = layout->trying ? 0 : put_line(layout, depth + 1);
		if (result == 0 && close == '}')
			result = write_name(layout);
		scalar = result == 0 && scalar_end(layout->at, layout->end);
		if (result == 0)
			result = write_value(layout, depth + 1);
		if (result != 0)
			return result;
		skip_space(layout);
		if (peek(layout) == close)
			break;
		if (peek(layout) != ',')
			return 1;
		layout->at++;
		result = put(layout, ",", 1);
		if (result != 0)
			return result;
	}
	layout->at++;
	result = layout->trying ? 0 : put_line(layout, depth);
	return result == 0 ? put(layout, &close, 1) : result;
}

static int write_container(struct layout *layout, unsigned depth)
{
	char open = *layout->at, close = open == '[' ? ']' : '}';
	struct layout before;
	size_t written;
	int result;

	if (layout->trying || depth == LIMIT_WEB_DEPTH)
		return 1;
	result = put(layout, layout->at++, 1);
	skip_space(layout);
	if (result == 0 && peek(layout) == close) {
		layout->at++;
		return put(layout, &close, 1);
	}
	if (result != 0)
		return result;
	before = *layout;
	written = layout->text->end;
	layout->trying = true;
	result = write_elements(layout, close, depth);
	layout->trying = false;
	if (result <= 0)
		return result;
	*layout = before;
	layout->text->end = written;
	return write_elements(layout, close, depth);
}

static int write_value(struct layout *layout, unsigned depth)
{
	const char *begin = layout->at, *end;

	if (peek(layout) == '{' || peek(layout) == '[')
		return write_container(layout, depth);
	if (peek(layout) == '"')
		return write_string(layout);
	end = scalar_end(layout->at, layout->end);
	if (!end)
		return 1;
	layout->at = end;
	return put(layout, begin, (size_t)(end - begin));
}

/* One value, or with JSON_LINES all of them. */
static int write_all(struct layout *layout, unsigned flags)
{
	for (bool first = true;; first = false) {
		int result = first ? 0 : put(layout, "\n", 1);

		layout->column = 0;
		while (layout->at < layout->end &&
		       (isspace((unsigned char)*layout->at) || (*layout->at == '\036' && flags & JSON_LINES)))
			layout->at++;
		if (layout->at == layout->end && !first)
			return result;
		if (!first && !(flags & JSON_LINES))
			return 1;
		if (result == 0)
			result = write_value(layout, 0);
		if (result != 0)
			return result;
	}
}

int json_indent(struct buffer *text, const char *json, size_t length, unsigned flags)
{
	size_t before = text->end, most = 6 * length + 4096;
	struct layout layout = {.at = json, .end = json + length, .text = text};
	int result;

	layout.most = buffer_length(text) + most < text->max ? buffer_length(text) + most : text->max;
	result = write_all(&layout, flags);
	layout.trying = false;
	if (result > 0 && flags & JSON_PARTIAL && (layout.ended || layout.end - layout.at < 16) &&
	    put(&layout, layout.at, (size_t)(layout.end - layout.at)) == 0)
		return 0; /* an end in the middle: the last word as it is */
	if (result != 0)
		text->end = before;
	return result;
}
