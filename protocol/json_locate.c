/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding things in JSON text that a tree no longer has: raw spans, positions for people, the elements of a
 * batch, the id of a message that was refused. All but json_find_id work on text that passed the check, and
 * so look at brackets and quotes only.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/json_check.h"
#include "protocol/json_scan.h"
#include "protocol/limits.h"

void json_position(const char *text, size_t offset, unsigned *line, unsigned *column)
{
	*line = *column = 1;
	for (size_t i = 0; i < offset; i++) {
		if (text[i] == '\n') {
			++*line;
			*column = 1;
		} else if ((text[i] & 0xc0) != 0x80) {
			++*column;
		}
	}
}

static size_t skip_space(const char *text, size_t length, size_t at)
{
	while (at < length && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
		at++;
	return at;
}

/* Behind the closing quote of the string that `at` stands on, or `length`. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length; at++) {
		while (length - at >= 8) {
			uint64_t mask = json_special(json_load8(text + at));

			if (mask) {
				at += json_first(mask);
				break;
			}
			at += 8;
		}
		if (at == length)
			break;
		if (text[at] == '"')
			return at + 1;
		if (text[at] == '\\')
			at++;
	}
	return length;
}

/* Behind the value that `at` stands on, or `length`. */
static size_t skip_value(const char *text, size_t length, size_t at)
{
	size_t depth = 0;

	while (at < length) {
		switch (text[at]) {
		case '"':
			at = skip_string(text, length, at);
			break;
		case '{':
		case '[':
			depth++;
			at++;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return at;
			depth--;
			at++;
			break;
		case ',':
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			if (depth == 0)
				return at;
			at++;
			continue;
		default:
			at++;
			continue;
		}
		if (depth == 0)
			return at;
	}
	return length;
}

/* From behind a value to its separator; behind that and behind spaces. Stays on a closing bracket. */
static size_t skip_comma(const char *text, size_t length, size_t at)
{
	at = skip_space(text, length, at);
	if (at < length && text[at] == ',')
		at = skip_space(text, length, at + 1);
	return at;
}

/* `at` stands on a key: its span, and where its value begins. */
static size_t skip_key(const char *text, size_t length, size_t at, struct json_span *key)
{
	key->start = at;
	at = skip_string(text, length, at);
	key->length = at - key->start;
	at = skip_space(text, length, at);
	if (at < length && text[at] == ':')
		at++;
	return skip_space(text, length, at);
}

static bool key_equals(const char *text, const struct json_span *span, const char *key)
{
	struct json_string string = {.start = span->start + 1, .length = span->length - 2};
	size_t length = strlen(key);
	char decoded[512];

	if (!memchr(text + string.start, '\\', string.length))
		return string.length == length && memcmp(text + string.start, key, length) == 0;
	if (string.length > sizeof decoded) /* no key of ours is that long, however it is escaped */
		return false;
	return json_unescape(text, &string, decoded) == length && memcmp(decoded, key, length) == 0;
}

/* Steps into the container at *at for one part of a path. 0 with *at on the value, or -ENOENT. */
static int step(const char *text, size_t length, size_t *at, const char *part, struct json_span *key)
{
	size_t here = *at;
	char open = here < length ? text[here] : '\0', *end;
	unsigned long wanted = open == '[' ? strtoul(part, &end, 10) : 0;

	if ((open != '{' && open != '[') || (open == '[' && (end == part || *end)))
		return -ENOENT;
	here = skip_space(text, length, here + 1);
	for (unsigned long index = 0; here < length && text[here] != '}' && text[here] != ']'; index++) {
		bool found = open == '[' && index == wanted;

		if (open == '{') {
			here = skip_key(text, length, here, key);
			found = key_equals(text, key, part);
		}
		if (found) {
			*at = here;
			return 0;
		}
		here = skip_comma(text, length, skip_value(text, length, here));
	}
	return -ENOENT;
}

int json_locate(const char *text, size_t length, const char *const *path, struct json_span *value,
		struct json_span *key)
{
	struct json_span last = {0};
	size_t at = skip_space(text, length, 0);

	for (; *path; path++) {
		last = (struct json_span){0};
		if (step(text, length, &at, *path, &last) < 0)
			return -ENOENT;
	}
	*value = (struct json_span){.start = at, .length = skip_value(text, length, at) - at};
	if (key)
		*key = last;
	return 0;
}

size_t json_member_offset(const char *text, unsigned index)
{
	size_t length = SIZE_MAX / 2; /* the object ends before the text does */
	size_t at = skip_space(text, length, 1);
	struct json_span key;

	while (index--)
		at = skip_comma(text, length, skip_value(text, length, skip_key(text, length, at, &key)));
	return at;
}

int json_next_element(const char *text, size_t length, size_t *offset, struct json_span *element)
{
	size_t at = *offset;

	if (at == 0)
		at = skip_space(text, length, skip_space(text, length, 0) + 1);
	else
		at = skip_comma(text, length, at);
	if (at >= length || text[at] == ']')
		return 0;
	element->start = at;
	*offset = skip_value(text, length, at);
	element->length = *offset - at;
	return 1;
}

struct json_span json_find_id(const char *text, size_t length)
{
	struct json_span key, none = {0};
	size_t at = skip_space(text, length, 0);

	if (at == length || text[at] != '{')
		return none;
	at = skip_space(text, length, at + 1);
	while (at < length && text[at] == '"') {
		at = skip_key(text, length, at, &key);
		size_t end = skip_value(text, length, at);

		if (key.length == 4 && memcmp(text + key.start, "\"id\"", 4) == 0) {
			struct json_span id = {.start = at, .length = end - at};
			bool plain = end > at && text[at] != '{' && text[at] != '[';

			return plain && json_check(text + at, end - at, NULL, NULL) == 0 ? id : none;
		}
		at = skip_comma(text, length, end);
	}
	return none;
}
