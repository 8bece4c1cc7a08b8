/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of a file's encoding, to and from UTF-8 (text.h). Trusts no byte of the file to be well-formed.
 */
#include "tools/files/executor/text.h"

#include <errno.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/utf8.h"

/* 0x80 to 0x9f of windows-1252; 0: nothing (https://encoding.spec.whatwg.org/index-windows-1252.txt has
 * controls there, which no text means) */
static const uint16_t windows_1252[32] = {
	0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

const char *text_encoding_name(const struct text *text)
{
	static const char *const names[TEXT_ENCODINGS] = {
		[TEXT_UTF8] = "UTF-8",
		[TEXT_UTF16LE] = "UTF-16LE",
		[TEXT_UTF16BE] = "UTF-16BE",
		[TEXT_LATIN1] = "ISO-8859-1",
		[TEXT_WINDOWS_1252] = "windows-1252",
		[TEXT_OTHER] = "an unknown encoding",
	};

	return names[text->encoding];
}

const char *text_ends_name(const struct text *text)
{
	static const char *const names[TEXT_ENDS] = {
		[TEXT_NO_ENDS] = "none", [TEXT_LF] = "LF",       [TEXT_CRLF] = "CRLF",
		[TEXT_CR] = "CR",        [TEXT_MIXED] = "mixed",
	};

	return names[text->ends];
}

size_t text_unit(const struct text *text)
{
	return text->encoding == TEXT_UTF16LE || text->encoding == TEXT_UTF16BE ? 2 : 1;
}

/* ---- out of the file ---- */

/* One byte at a time of what is none: each is kept as it is. */
static uint32_t next_utf8(const uint8_t *bytes, size_t length, size_t *at)
{
	size_t used;
	uint32_t code = utf8_decode(bytes + *at, length - *at, &used);

	*at += code == UTF8_NONE ? 1 : used;
	return code == UTF8_NONE ? TEXT_NO_CHARACTER : code;
}

static uint32_t unit_at(const struct text *text, const uint8_t *bytes)
{
	return text->encoding == TEXT_UTF16LE ? bytes[0] | (uint32_t)bytes[1] << 8
					      : (uint32_t)bytes[0] << 8 | bytes[1];
}

static uint32_t next_utf16(const struct text *text, const uint8_t *bytes, size_t length, size_t *at)
{
	uint32_t unit, low;

	if (length - *at < 2) {
		*at = length;
		return TEXT_NO_CHARACTER;
	}
	unit = unit_at(text, bytes + *at);
	*at += 2;
	if ((unit & 0xf800) != 0xd800)
		return unit;
	if ((unit & 0x400) || length - *at < 2)
		return TEXT_NO_CHARACTER;
	low = unit_at(text, bytes + *at);
	if ((low & 0xfc00) != 0xdc00)
		return TEXT_NO_CHARACTER;
	*at += 2;
	return 0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff));
}

uint32_t text_next(const struct text *text, const uint8_t *bytes, size_t length, size_t *at)
{
	uint8_t byte;

	if (text->encoding == TEXT_UTF8)
		return next_utf8(bytes, length, at);
	if (text_unit(text) == 2)
		return next_utf16(text, bytes, length, at);
	byte = bytes[(*at)++];
	if (byte < 0x80 || text->encoding == TEXT_LATIN1)
		return byte;
	if (text->encoding == TEXT_OTHER)
		return TEXT_NO_CHARACTER;
	if (byte >= 0xa0)
		return byte;
	return windows_1252[byte - 0x80] ? windows_1252[byte - 0x80] : TEXT_NO_CHARACTER;
}

int text_put_utf8(struct buffer *out, uint32_t c)
{
	int result = buffer_reserve(out, 4);

	if (result == 0)
		out->end += utf8_encode(c, out->bytes + out->end);
	return result;
}

int text_show(const struct text *text, const uint8_t *bytes, size_t length, struct buffer *out)
{
	size_t before = out->end;
	int result = 0;

	if (text->encoding == TEXT_UTF8 && text->invalid == 0)
		return buffer_append(out, bytes, length);
	for (size_t at = 0; at < length && result == 0;)
		result = text_put_utf8(out, text_next(text, bytes, length, &at));
	if (result < 0)
		out->end = before;
	return result;
}

/* ---- into the file ---- */

static int put_unit(const struct text *text, struct buffer *out, uint32_t unit)
{
	uint8_t bytes[2] = {(uint8_t)unit, (uint8_t)(unit >> 8)};

	if (text->encoding == TEXT_UTF16BE) {
		bytes[0] = (uint8_t)(unit >> 8);
		bytes[1] = (uint8_t)unit;
	}
	return buffer_append(out, bytes, sizeof bytes);
}

/* The byte of a character in an 8-bit encoding, or -1. */
static int byte_of(const struct text *text, uint32_t c)
{
	if (c < 0x80)
		return (int)c;
	if (text->encoding == TEXT_OTHER)
		return -1;
	if (c < 0x100 && (c >= 0xa0 || text->encoding == TEXT_LATIN1))
		return (int)c;
	if (text->encoding == TEXT_WINDOWS_1252)
		for (size_t i = 0; i < ARRAY_SIZE(windows_1252); i++)
			if (windows_1252[i] == c)
				return 0x80 + (int)i;
	return -1;
}

static int put_character(const struct text *text, struct buffer *out, uint32_t c)
{
	uint8_t byte;
	int result;

	if (text->encoding == TEXT_UTF8)
		return text_put_utf8(out, c);
	if (text_unit(text) == 1) {
		result = byte_of(text, c);
		byte = (uint8_t)result;
		return result < 0 ? -EILSEQ : buffer_append(out, &byte, 1);
	}
	if (c < 0x10000)
		return put_unit(text, out, c);
	result = put_unit(text, out, 0xd800 | (c - 0x10000) >> 10);
	return result < 0 ? result : put_unit(text, out, 0xdc00 | (c & 0x3ff));
}

int text_encode(const struct text *text, const char *utf8, size_t length, struct buffer *out,
		uint32_t *misfit)
{
	const uint8_t *bytes = (const uint8_t *)utf8;
	int result = 0;

	for (size_t at = 0; at < length && result == 0;) {
		uint32_t c = next_utf8(bytes, length, &at);

		if (c == '\r' && at < length && bytes[at] == '\n')
			continue;
		if (c == '\r' && text->ends == TEXT_CR)
			c = '\n';
		result = put_character(text, out, c);
		if (result == -EILSEQ)
			*misfit = c;
	}
	return result;
}
