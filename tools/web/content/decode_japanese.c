/* SPDX-License-Identifier: Apache-2.0 */
/* Japanese (WHATWG Encoding, section 12): three ways to write the same index. */
#include <stdbool.h>

#include "tools/web/content/decoders.h"
#include "tools/web/content/tables.h"

#define HALFWIDTH_KATAKANA (0xff61u - 0xa1u)

static bool is_katakana(uint8_t c)
{
	return c >= 0xa1 && c <= 0xdf;
}

static bool is_euc(uint8_t c)
{
	return c >= 0xa1 && c != 0xff;
}

/* What a pair stands for, or an error; `taken` of the bytes belong to it, one less if the last is ASCII. */
static size_t finish(struct sink *sink, uint32_t code, uint8_t last, size_t taken)
{
	if (code)
		sink_put(sink, code);
	else
		sink_error(sink);
	return !code && last < 0x80 ? taken - 1 : taken;
}

/* Returns the bytes taken. */
static size_t shift_jis_pair(struct sink *sink, uint8_t lead, uint8_t trail)
{
	uint32_t code = 0;

	if (trail >= 0x40 && trail != 0x7f && trail <= 0xfc) {
		size_t pointer =
			(lead - (lead < 0xa0 ? 0x81u : 0xc1u)) * 188 + trail - (trail < 0x7f ? 0x40u : 0x41u);

		if (pointer >= 8836 && pointer <= 10715) /* what a user has defined */
			code = 0xe000 + (uint32_t)(pointer - 8836);
		else
			code = charset_jis0208[pointer];
	}
	return finish(sink, code, trail, 2);
}

void decode_shift_jis(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;) {
		uint8_t c = bytes[at];

		if (c == 0x80 || is_katakana(c)) {
			sink_put(sink, c == 0x80 ? c : c + HALFWIDTH_KATAKANA);
			at++;
		} else if (c == 0xa0 || c > 0xfc || at + 1 == length) {
			sink_error(sink);
			at++;
		} else {
			at += shift_jis_pair(sink, c, bytes[at + 1]);
		}
		at = sink_ascii(sink, bytes, at, length);
	}
}

static size_t euc_jp_character(struct sink *sink, const uint8_t *bytes, size_t length)
{
	uint8_t lead = bytes[0], trail = bytes[1];

	if (lead == 0x8e && is_katakana(trail)) {
		sink_put(sink, trail + HALFWIDTH_KATAKANA);
		return 2;
	}
	if (lead == 0x8f && is_euc(trail)) {
		if (length < 3) {
			sink_error(sink);
			return 2;
		}
		return finish(sink,
			      is_euc(bytes[2]) ? charset_jis0212[(trail - 0xa1u) * 94 + bytes[2] - 0xa1u] : 0,
			      bytes[2], 3);
	}
	return finish(sink,
		      is_euc(lead) && is_euc(trail) ? charset_jis0208[(lead - 0xa1u) * 94 + trail - 0xa1u]
						    : 0,
		      trail, 2);
}

void decode_euc_jp(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;) {
		uint8_t c = bytes[at];

		if ((c != 0x8e && c != 0x8f && !is_euc(c)) || at + 1 == length) {
			sink_error(sink);
			at++;
		} else {
			at += euc_jp_character(sink, bytes + at, length - at);
		}
		at = sink_ascii(sink, bytes, at, length);
	}
}

enum mode {
	MODE_ASCII,
	MODE_ROMAN,
	MODE_KATAKANA,
	MODE_PAIRS,
};

/* The mode that an escape sequence (its two bytes behind ESC) switches to, or -1. */
static int escape_mode(uint8_t first, uint8_t second)
{
	if (first == '(')
		return second == 'B'   ? MODE_ASCII
		       : second == 'J' ? MODE_ROMAN
		       : second == 'I' ? MODE_KATAKANA
				       : -1;
	return first == '$' && (second == '@' || second == 'B') ? MODE_PAIRS : -1;
}

static void single_byte(struct sink *sink, enum mode mode, uint8_t c)
{
	bool plain = c < 0x80 && c != 0x0e && c != 0x0f;

	if (mode == MODE_KATAKANA && c >= 0x21 && c <= 0x5f)
		sink_put(sink, 0xff40u + c);
	else if (mode == MODE_ROMAN && c == 0x5c)
		sink_put(sink, 0xa5);
	else if (mode == MODE_ROMAN && c == 0x7e)
		sink_put(sink, 0x203e);
	else if (mode != MODE_KATAKANA && plain)
		sink_put(sink, c);
	else
		sink_error(sink);
}

/* Section 12.2.1. */
void decode_iso_2022_jp(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	enum mode mode = MODE_ASCII;
	bool written = true; /* something since the last escape sequence: two in a row are an error */

	for (size_t at = 0; at < length; at++) {
		uint8_t c = bytes[at];

		if (c == 0x1b) {
			int next = at + 2 < length ? escape_mode(bytes[at + 1], bytes[at + 2]) : -1;

			if (next < 0 || !written)
				sink_error(sink);
			written = next < 0;
			if (next >= 0) {
				mode = (enum mode)next;
				at += 2;
			}
			continue;
		}
		written = true;
		if (mode != MODE_PAIRS) {
			single_byte(sink, mode, c);
			continue;
		}
		if (c < 0x21 || c > 0x7e) {
			sink_error(sink);
			continue;
		}
		if (at + 1 == length) {
			sink_error(sink);
			break;
		}
		if (bytes[at + 1] == 0x1b) { /* the escape sequence is read as such */
			sink_error(sink);
			continue;
		}
		at++;
		finish(sink,
		       bytes[at] >= 0x21 && bytes[at] <= 0x7e
			       ? charset_jis0208[(c - 0x21u) * 94 + bytes[at] - 0x21u]
			       : 0,
		       0xff, 2);
	}
}
