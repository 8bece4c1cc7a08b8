/* SPDX-License-Identifier: Apache-2.0 */
/* Unicode's own encodings, the single-byte ones, and what all decoders share. */
#include "protocol/cleanup.h"
#include "protocol/utf8.h"
#include "tools/web/content/charset.h"
#include "tools/web/content/decoders.h"
#include "tools/web/content/tables.h"

#define REPLACEMENT 0xfffd

int charset_put(struct buffer *text, uint32_t code)
{
	char encoded[4];

	return buffer_append(text, encoded, utf8_encode(code, encoded));
}

void sink_put(struct sink *sink, uint32_t code)
{
	if (sink->result == 0)
		sink->result = charset_put(sink->text, code);
}

void sink_error(struct sink *sink)
{
	sink->replaced++;
	sink_put(sink, REPLACEMENT);
}

static void copy(struct sink *sink, const uint8_t *bytes, size_t length)
{
	if (sink->result == 0)
		sink->result = buffer_append(sink->text, bytes, length);
}

size_t sink_ascii(struct sink *sink, const uint8_t *bytes, size_t at, size_t length)
{
	size_t end = at;

	while (end < length && bytes[end] < 0x80)
		end++;
	copy(sink, bytes + at, end - at);
	return end;
}

/* The length of the character at bytes[0]; if it is ill-formed, 0, and `used` gets what is of it: the part
 * that one U+FFFD stands for (Unicode, table 3-7, and "maximal subpart"). */
static size_t utf8_length(const uint8_t *bytes, size_t length, size_t *used)
{
	uint8_t c = bytes[0], low = 0x80, high = 0xbf;
	size_t wanted = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : 4;

	*used = 1;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c == 0xe0)
		low = 0xa0;
	else if (c == 0xed)
		high = 0x9f;
	else if (c == 0xf0)
		low = 0x90;
	else if (c == 0xf4)
		high = 0x8f;
	for (; *used < wanted; (*used)++) {
		if (*used == length || bytes[*used] < low || bytes[*used] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return wanted;
}

uint32_t charset_next(const char **at, const char *end)
{
	const uint8_t *bytes = (const uint8_t *)*at;
	size_t used, length = utf8_length(bytes, (size_t)(end - *at), &used);
	uint32_t code;

	*at += used;
	if (length == 0)
		return REPLACEMENT;
	code = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1));
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 63u);
	return code;
}

bool charset_is_utf8(const char *bytes, size_t length)
{
	size_t used;

	for (size_t at = 0; at < length; at += used)
		if (!utf8_length((const uint8_t *)bytes + at, length - at, &used))
			return false;
	return true;
}

void decode_utf8(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	size_t good = 0, used;

	for (size_t at = 0; at < length; at += used) {
		if (utf8_length(bytes + at, length - at, &used))
			continue;
		copy(sink, bytes + good, at - good);
		sink_error(sink);
		good = at + used;
	}
	copy(sink, bytes + good, length - good);
}

void decode_utf16(struct sink *sink, const uint8_t *bytes, size_t length, unsigned big)
{
	uint32_t lead = 0;

	for (size_t i = 0; i + 1 < length; i += 2) {
		uint32_t unit =
			big ? (uint32_t)bytes[i] << 8 | bytes[i + 1] : (uint32_t)bytes[i + 1] << 8 | bytes[i];
		bool low = unit >= 0xdc00 && unit < 0xe000;

		if (lead && low) {
			sink_put(sink, 0x10000 + ((lead - 0xd800) << 10) + (unit - 0xdc00));
			lead = 0;
			continue;
		}
		if (lead || low)
			sink_error(sink);
		lead = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
		if (!lead && !low)
			sink_put(sink, unit);
	}
	if (lead || length % 2)
		sink_error(sink);
}

void decode_single(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;
	     at = sink_ascii(sink, bytes, at + 1, length)) {
		uint32_t code = charset_single[table][bytes[at] - 0x80];

		if (code)
			sink_put(sink, code);
		else
			sink_error(sink);
	}
}

void decode_user_defined(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	for (size_t at = sink_ascii(sink, bytes, 0, length); at < length;
	     at = sink_ascii(sink, bytes, at + 1, length))
		sink_put(sink, 0xf700u + bytes[at]);
}

/* Encodings with which a page can hide markup from filters: nothing of it is shown (section 14.1). */
void decode_replacement(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	if (length > 0)
		sink_error(sink);
}
