/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Character sets that need no table from disk, for a process that can open nothing. Labels as the WHATWG
 * Encoding standard has them: "iso-8859-1" and "us-ascii" on the web mean windows-1252.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/content.h"

/* windows-1252 from 0x80 to 0x9f; the rest is Latin-1. */
static const uint16_t windows_1252[32] = {0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
					  0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0x8d,   0x17d,  0x8f,
					  0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
					  0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178};

static size_t encode(uint32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

static int keep(struct buffer *text, const char *bytes, size_t length)
{
	return buffer_append(text, bytes, length);
}

static int from_1252(struct buffer *text, const char *bytes, size_t length)
{
	int result = buffer_reserve(text, length + length / 8 + 4);

	for (size_t i = 0; i < length && result == 0; i++) {
		uint8_t c = (uint8_t)bytes[i];
		char encoded[4];
		size_t size = encode(c >= 0x80 && c < 0xa0 ? windows_1252[c - 0x80] : c, encoded);

		result = buffer_append(text, encoded, size);
	}
	return result;
}

static int from_utf16(struct buffer *text, const char *bytes, size_t length, bool big)
{
	int result = 0;

	for (size_t i = 0; i + 1 < length && result == 0; i += 2) {
		uint8_t first = (uint8_t)bytes[i], second = (uint8_t)bytes[i + 1];
		uint32_t c = big ? (uint32_t)first << 8 | second : (uint32_t)second << 8 | first;
		char encoded[4];

		if (c >= 0xd800 && c < 0xdc00 && i + 3 < length) {
			uint8_t third = (uint8_t)bytes[i + 2], fourth = (uint8_t)bytes[i + 3];
			uint32_t low = big ? (uint32_t)third << 8 | fourth : (uint32_t)fourth << 8 | third;

			if (low >= 0xdc00 && low < 0xe000) {
				c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
				i += 2;
			}
		}
		if (c >= 0xd800 && c < 0xe000)
			c = 0xfffd;
		result = buffer_append(text, encoded, encode(c, encoded));
	}
	return result;
}

static int from_utf16le(struct buffer *text, const char *bytes, size_t length)
{
	return from_utf16(text, bytes, length, false);
}

static int from_utf16be(struct buffer *text, const char *bytes, size_t length)
{
	return from_utf16(text, bytes, length, true);
}

static const struct {
	const char *label;
	int (*convert)(struct buffer *text, const char *bytes, size_t length);
} charsets[] = {
	{"ascii", from_1252},
	{"cp1252", from_1252},
	{"iso-8859-1", from_1252},
	{"iso8859-1", from_1252},
	{"latin1", from_1252},
	{"us-ascii", from_1252},
	{"utf-16", from_utf16le},
	{"utf-16be", from_utf16be},
	{"utf-16le", from_utf16le},
	{"utf-8", keep},
	{"utf8", keep},
	{"windows-1252", from_1252},
};

int charset_convert(struct buffer *text, const char *name, const char *bytes, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(charsets); i++)
		if (strcasecmp(name, charsets[i].label) == 0)
			return charsets[i].convert(text, bytes, length);
	return -ENOENT;
}
