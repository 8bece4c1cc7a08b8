/* SPDX-License-Identifier: Apache-2.0 */
/* C-quoting of odd names. Trusts nothing: names come from directories, typed paths from the model. */
#include "tools/files/quote.h"

#include <string.h>

#include "protocol/utf8.h"

/* what stands behind a backslash, and the byte that it means */
static const char letters[] = "abtnvfr\"\\", meant[] = "\a\b\t\n\v\f\r\"\\";

size_t quote_shown(const unsigned char *at, size_t left)
{
	size_t used;
	uint32_t code = utf8_decode(at, left, &used);

	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == UTF8_NONE ? 0 : used;
}

bool quote_needed(const char *name, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)name;

	if (length > 0 && bytes[0] == '"')
		return true;
	for (size_t at = 0, size; at < length; at += size)
		if ((size = quote_shown(bytes + at, length - at)) == 0)
			return true;
	return false;
}

/* One byte behind a backslash, into `to` (4 bytes); how many that are. */
static size_t escape(unsigned char byte, char *to)
{
	const char *letter = byte ? strchr(meant, byte) : NULL;

	to[0] = '\\';
	if (letter) {
		to[1] = letters[letter - meant];
		return 2;
	}
	to[1] = (char)('0' + (byte >> 6));
	to[2] = (char)('0' + (byte >> 3 & 7));
	to[3] = (char)('0' + (byte & 7));
	return 4;
}

int quote_append(struct buffer *to, const char *name, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)name;
	size_t before = to->end, size;
	int result;

	if (!quote_needed(name, length))
		return buffer_append(to, name, length);
	result = buffer_append(to, "\"", 1);
	for (size_t at = 0; at < length && result == 0; at += size) {
		char escaped[4];

		size = quote_shown(bytes + at, length - at);
		if (size > 0 && bytes[at] != '"' && bytes[at] != '\\') {
			result = buffer_append(to, name + at, size);
			continue;
		}
		size = 1;
		result = buffer_append(to, escaped, escape(bytes[at], escaped));
	}
	if (result == 0)
		result = buffer_append(to, "\"", 1);
	if (result < 0)
		to->end = before;
	return result;
}

const char *quote_show(const char *path, char *room)
{
	/* a buffer over `room`: its maximum is its size, so it never grows into an allocation */
	struct buffer to = {.bytes = room, .size = QUOTE_BYTES - 1, .max = QUOTE_BYTES - 1};
	size_t length = strnlen(path, LIMIT_PATH_BYTES - 1);

	if (!quote_needed(path, length))
		return path;
	if (quote_append(&to, path, length) < 0)
		to.end = 0; /* cannot be: there is room for each byte as four */
	room[to.end] = '\0';
	return room;
}

/* The byte that begins behind the backslash at *at, which is moved on to its last character; -1: none. */
static int unescape(const char **at)
{
	const char *letter = **at ? strchr(letters, **at) : NULL;
	int byte = 0;

	if (letter)
		return (unsigned char)meant[letter - letters];
	for (int i = 0; i < 3; i++) {
		char digit = (*at)[i];

		if (digit < '0' || digit > '7')
			return -1;
		byte = byte * 8 + (digit - '0');
	}
	*at += 2;
	return byte > 0 && byte < 256 ? byte : -1;
}

const char *quote_read(const char *typed, char *room)
{
	size_t length = strlen(typed), size = 0;
	const char *last = typed + length - 1;

	if (length < 3 || typed[0] != '"' || *last != '"')
		return typed;
	for (const char *at = typed + 1; at < last; at++) {
		int byte = (unsigned char)*at;

		if (byte == '"')
			return typed;
		if (byte == '\\') {
			at++;
			byte = unescape(&at);
			if (byte < 0 || at >= last) /* a backslash before the last quote quotes it */
				return typed;
		}
		if (size == LIMIT_PATH_BYTES - 1)
			return typed;
		room[size++] = (char)byte;
	}
	room[size] = '\0';
	return room;
}
