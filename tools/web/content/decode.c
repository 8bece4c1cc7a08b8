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

uint32_t charset_next(const char **at, const char *end)
{
	size_t used;
	uint32_t code = utf8_decode(*at, (size_t)(end - *at), &used);

	*at += used;
	return code == UTF8_NONE ? REPLACEMENT : code;
}

bool charset_is_utf8(const char *bytes, size_t length)
{
	size_t used;

	for (size_t at = 0; at < length; at += used)
		if (utf8_decode(bytes + at, length - at, &used) == UTF8_NONE)
			return false;
	return true;
}

void decode_utf8(struct sink *sink, const uint8_t *bytes, size_t length, unsigned table)
{
	size_t good = 0, used;

	for (size_t at = 0; at < length; at += used) {
		if (utf8_decode(bytes + at, length - at, &used) != UTF8_NONE)
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
