/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chinese and Korean (WHATWG Encoding, sections 10, 11 and 13). A byte of ASCII that does not continue a
 * character is read again by itself: a broken lead byte never swallows markup.
 */
#include "protocol/cleanup.h"
#include "tools/web/content/decoders.h"
#include "tools/web/content/tables.h"

/* The code, or if there is none an error; returns the bytes that were taken. */
static size_t finish(struct sink *sink, uint32_t code, uint8_t trail)
{
	if (code)
		sink_put(sink, code);
	else
		sink_error(sink);
	return !code && trail < 0x80 ? 1 : 2;
}

/* Two of HKSCS's characters are a letter and a combining mark. */
static const struct {
	uint16_t pointer, letter, mark;
} pairs[] = {{1133, 0xca, 0x304}, {1135, 0xca, 0x30c}, {1164, 0xea, 0x304}, {1166, 0xea, 0x30c}};

static size_t big5_character(struct sink *sink, uint8_t lead, uint8_t trail)
{
	uint32_t code = 0;

	if (lead >= 0x81 && lead != 0xff &&
	    ((trail >= 0x40 && trail < 0x7f) || (trail >= 0xa1 && trail != 0xff))) {
		size_t pointer = (lead - 0x81u) * 157 + trail - (trail < 0x7f ? 0x40u : 0x62u);

		for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
			if (pairs[i].pointer == pointer) {
				sink_put(sink, pairs[i].letter);
				sink_put(sink, pairs[i].mark);
				return 2;
			}
		code = charset_big5[pointer];
		if (charset_big5_plane2[pointer / 8] >> pointer % 8 & 1)
			code += 0x20000;
	}
	return finish(sink, code, trail);
}

static size_t euc_kr_character(struct sink *sink, uint8_t lead, uint8_t trail)
{
	uint32_t code = 0;

	if (trail >= 0x41 && trail != 0xff)
		code = charset_euc_kr[(lead - 0x81u) * 190 + trail - 0x41u];
	return finish(sink, code, trail);
}

static size_t gbk_character(struct sink *sink, uint8_t lead, uint8_t trail)
{
	uint32_t code = 0;

	if (trail >= 0x40 && trail != 0x7f && trail != 0xff)
		code = charset_gb18030[(lead - 0x81u) * 190 + trail - (trail < 0x7f ? 0x40u : 0x41u)];
	return finish(sink, code, trail);
}

static void two_bytes(struct sink *sink, const uint8_t *bytes, size_t length,
		      size_t (*character)(struct sink *sink, uint8_t lead, uint8_t trail))
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;) {
		if (bytes[at] < 0x81 || bytes[at] == 0xff || at + 1 == length) {
			sink_error(sink);
			at++;
		} else {
			at += character(sink, bytes[at], bytes[at + 1]);
		}
		at = sink_ascii(sink, bytes, at, length);
	}
}

void decode_big5(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	two_bytes(sink, bytes, length, big5_character);
}

void decode_euc_kr(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	two_bytes(sink, bytes, length, euc_kr_character);
}

/* "index gb18030 ranges code point". */
static uint32_t range_code(uint32_t pointer)
{
	const struct charset_range *range = charset_ranges;

	if (pointer >= 189000 && pointer <= 1237575)
		return 0x10000 + pointer - 189000;
	if (pointer > 39419)
		return 0;
	while (range[1].pointer && range[1].pointer <= pointer)
		range++;
	return range->code ? range->code + (pointer - range->pointer) : 0;
}

/* Returns the bytes taken. */
static size_t four_bytes(struct sink *sink, const uint8_t *bytes, size_t length)
{
	uint32_t code;

	if (length < 4 && (length < 3 || (bytes[2] >= 0x81 && bytes[2] != 0xff))) {
		sink_error(sink); /* the end of the input is inside the character */
		return length;
	}
	if (bytes[2] < 0x81 || bytes[2] == 0xff || bytes[3] < '0' || bytes[3] > '9') {
		sink_error(sink);
		return 1;
	}
	code = range_code((bytes[0] - 0x81u) * 12600 + (bytes[1] - 0x30u) * 1260 + (bytes[2] - 0x81u) * 10 +
			  bytes[3] - 0x30u);
	if (code)
		sink_put(sink, code);
	else
		sink_error(sink);
	return 4;
}

void decode_gb18030(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;) {
		if (bytes[at] == 0x80) {
			sink_put(sink, 0x20ac);
			at++;
		} else if (bytes[at] == 0xff || at + 1 == length) {
			sink_error(sink);
			at++;
		} else if (bytes[at + 1] >= '0' && bytes[at + 1] <= '9') {
			at += four_bytes(sink, bytes + at, length - at);
		} else {
			at += gbk_character(sink, bytes[at], bytes[at + 1]);
		}
		at = sink_ascii(sink, bytes, at, length);
	}
}
