/* SPDX-License-Identifier: Apache-2.0 */
/* Character references and UTF-8. The names come from Python's table, at build time. */
#include "tools/web/page/entities.h"

#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/utf8.h"

#define NAME_BYTES   34 /* the longest is CounterClockwiseContourIntegral */
#define LEGACY_BYTES 6  /* the longest name that needs no ';' */

/* What pages mean by references to C1 controls: windows-1252 (13.2.5.80). */
static const uint16_t controls[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
				      0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
				      0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
				      0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static size_t decode_number(const char *start, const char *end, char to[ENTITY_BYTES], size_t *used)
{
	const char *at = start + 2, *digits;
	bool hexadecimal = at < end && (*at == 'x' || *at == 'X');
	unsigned radix = hexadecimal ? 16 : 10;
	uint32_t value = 0;

	at += hexadecimal;
	for (digits = at; at < end && digit_of(*at) < radix; at++)
		if (value <= 0x10ffff)
			value = value * radix + digit_of(*at);
	if (at == digits)
		return 0;
	if (value >= 0x80 && value < 0xa0)
		value = controls[value - 0x80];
	*used = (size_t)(at - start) + (at < end && *at == ';');
	if (value == 0 || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		value = 0xfffd;
	return utf8_encode(value, to);
}

static const char *find(const uint16_t *table, size_t count, const char *name)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *other = entity_bytes + table[middle];
		int order = strcmp(name, other);

		if (order == 0)
			return other + strlen(other) + 1;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool is_alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

size_t entity_decode(const char *at, const char *end, bool in_attribute, char to[ENTITY_BYTES], size_t *used)
{
	char name[NAME_BYTES];
	const char *text = NULL;
	size_t length = 0, left = (size_t)(end - at) - 1;

	if (left > 1 && at[1] == '#')
		return decode_number(at, end, to, used);
	for (; length < left && length + 1 < NAME_BYTES && is_alphanumeric(at[1 + length]); length++)
		name[length] = at[1 + length];
	name[length] = '\0';
	if (length >= 2 && length < left && at[1 + length] == ';')
		text = find(entity_at, entity_count, name);
	*used = length + 2;
	if (!text) {
		/* Without ';' some are known, but not in "?a=b&copy=c". */
		size_t whole = length;

		length = length > LEGACY_BYTES ? LEGACY_BYTES : length;
		for (; length >= 2 && !text; length--) {
			name[length] = '\0';
			text = find(entity_legacy_at, entity_legacy_count, name);
			*used = length + 1;
		}
		if (text && in_attribute &&
		    (*used <= whole || (*used <= left && (at[*used] == '=' || at[*used] == ';'))))
			text = NULL;
	}
	if (!text)
		return 0;
	length = strlen(text);
	memcpy(to, text, length);
	return length;
}
