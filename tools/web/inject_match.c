/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is this a secret? Decodes as it goes, one character at a time, so that however a server or our own
 * converter has written a character, it is that character. The text is a stranger's.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/inject_parts.h"

/* ---- base64: RFC 4648 ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *inject_encode(const char *secret, size_t length, size_t before)
{
	size_t first = (before * 8 + 5) / 6, last = (before + length) * 8 / 6;
	char *text = malloc(last - first + 1);

	for (size_t i = first; text && i < last; i++) {
		unsigned value = 0;

		for (size_t bit = i * 6; bit < i * 6 + 6; bit++) {
			unsigned byte = (unsigned char)secret[bit / 8 - before];

			value = value << 1 | (byte >> (7 - bit % 8) & 1);
		}
		text[i - first] = alphabet[value];
	}
	if (text)
		text[last - first] = '\0';
	return text;
}

static char standard(char character)
{
	return character == '-' ? '+' : character == '_' ? '/' : character;
}

/* How much of the text is that; 0: it is not. */
static size_t match_base64(const char *text, const char *end, const char *wanted)
{
	size_t length = 0;

	for (; wanted[length]; length++)
		if (text + length == end || standard(text[length]) != wanted[length])
			return 0;
	return length;
}

/* ---- other ways to write a character ---- */

static int digit(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	character = (char)(character | 0x20);
	return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/* `count` digits, exactly. -1: they are none. */
static long number(const char *text, const char *end, size_t count, int base)
{
	long value = 0;

	if ((size_t)(end - text) < count)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int next = digit(text[i]);

		if (next < 0 || next >= base)
			return -1;
		value = value * base + next;
	}
	return value;
}

/* After '&'. Its length with the semicolon; 0: it is none of these. */
static size_t read_entity(const char *text, const char *end, long *value)
{
	static const struct {
		const char *name;
		char value;
	} names[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
	size_t from = 1, count = 0;
	int base = 10;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t length = strlen(names[i].name);

		if ((size_t)(end - text) >= length && memcmp(text, names[i].name, length) == 0) {
			*value = names[i].value;
			return length;
		}
	}
	if (text == end || *text != '#')
		return 0;
	if (text + 1 < end && (text[1] | 0x20) == 'x') {
		base = 16;
		from = 2;
	}
	while (count < INJECT_ENCODED_BYTES - 2 - from && text + from + count < end &&
	       digit(text[from + count]) >= 0)
		count++;
	if (count == 0 || text + from + count == end || text[from + count] != ';')
		return 0;
	*value = number(text + from, end, count, base);
	return from + count + 1;
}

/* The character that is written at `text` in more than itself, and how much it takes; 0: none is. */
static size_t decode(const char *text, const char *end, long *value)
{
	size_t length;

	if (*text == '%') {
		*value = number(text + 1, end, 2, 16);
		return *value < 0 ? 0 : 3;
	}
	if (*text == '&') {
		length = read_entity(text + 1, end, value);
		return length ? length + 1 : 0;
	}
	if (*text != '\\' || text + 1 == end)
		return 0;
	if (text[1] == 'u' && (*value = number(text + 2, end, 4, 16)) >= 0)
		return 6;
	if (text[1] == 'x' && (*value = number(text + 2, end, 2, 16)) >= 0)
		return 4;
	*value = (unsigned char)text[1];
	return 2;
}

/* The secret at `text`, each character as it is or written otherwise. */
static size_t match_text(const char *text, const char *end, const struct inject_secret *secret)
{
	const char *at = text;

	for (size_t i = 0; i < secret->length; i++) {
		unsigned char wanted = (unsigned char)secret->secret[i];
		long value = -1;
		size_t length = at < end ? decode(at, end, &value) : 0;

		if (length > 0 && value == wanted) {
			at += length;
			continue;
		}
		if (at == end || ((unsigned char)*at != wanted && !(wanted == ' ' && *at == '+')))
			return 0;
		at++;
	}
	return (size_t)(at - text);
}

static size_t match_hexadecimal(const char *text, const char *end, const struct inject_secret *secret)
{
	for (size_t i = 0; i < secret->length; i++)
		if (number(text + 2 * i, end, 2, 16) != (unsigned char)secret->secret[i])
			return 0;
	return 2 * secret->length;
}

size_t inject_match(const char *text, const char *end, const struct inject_secret *secret)
{
	size_t left = (size_t)(end - text), length;

	if (left >= secret->length && memcmp(text, secret->secret, secret->length) == 0)
		return secret->length;
	length = match_text(text, end, secret);
	if (length == 0)
		length = match_hexadecimal(text, end, secret);
	for (size_t i = 0; i < INJECT_ALIGNMENTS && length == 0; i++)
		length = match_base64(text, end, secret->base64[i]);
	return length;
}
