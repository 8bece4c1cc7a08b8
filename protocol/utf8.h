/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_UTF8_H
#define SALLYPORT_PROTOCOL_UTF8_H

/* UTF-8: RFC 3629, section 3; what is well-formed: the Unicode standard, table 3-7. */

#include <stddef.h>
#include <stdint.h>

#define UTF8_NONE UINT32_MAX /* no code point: ill-formed, or cut */

/* How many bytes the sequence has that begins with `lead`; 1 for what begins none. */
static inline size_t utf8_size(uint8_t lead)
{
	return lead < 0xc2 || lead > 0xf4 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
}

/*
 * The code point at `bytes` (length > 0), and in *used how many bytes it takes. UTF8_NONE where none is
 * well-formed; *used is what one U+FFFD stands for then, 1 to 3 bytes ("maximal subpart", 3.9 of the
 * standard).
 */
static inline uint32_t utf8_decode(const void *bytes, size_t length, size_t *used)
{
	const uint8_t *at = bytes;
	size_t size = utf8_size(at[0]);
	uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;  /* what is shorter otherwise */
	uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf; /* surrogates, past U+10FFFF */
	uint32_t code = at[0] & (0xffu >> (size + 1));

	*used = 1;
	if (size == 1)
		return at[0] < 0x80 ? at[0] : UTF8_NONE;
	for (; *used < size; (*used)++) {
		if (*used == length || at[*used] < low || at[*used] > high)
			return UTF8_NONE;
		code = code << 6 | (at[*used] & 0x3fu);
		low = 0x80;
		high = 0xbf;
	}
	return code;
}

/* The code point (0 to 0x10ffff, as the caller has seen) at `to`; how many bytes that are. */
static inline size_t utf8_encode(uint32_t code, char to[4])
{
	if (code < 0x80) {
		to[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		to[0] = (char)(0xc0 | code >> 6);
		to[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		to[0] = (char)(0xe0 | code >> 12);
		to[1] = (char)(0x80 | (code >> 6 & 0x3f));
		to[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | code >> 18);
	to[1] = (char)(0x80 | (code >> 12 & 0x3f));
	to[2] = (char)(0x80 | (code >> 6 & 0x3f));
	to[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The guess for text that is not UTF-8: an 8-bit code, unless most high bytes stand in pairs. */
static inline const char *utf8_guess_other(const uint8_t *bytes, size_t length)
{
	size_t single = 0, paired = 0, controls = 0;

	for (size_t i = 0; i < length; i++) {
		uint8_t byte = bytes[i];

		if (byte < 0x80)
			continue;
		if (byte < 0xa0)
			controls++;
		if (i + 1 < length && bytes[i + 1] >= 0x80) {
			paired++;
			i++;
		} else {
			single++;
		}
	}
	if (paired >= 8 && paired > 4 * single)
		return "a multi-byte East Asian encoding";
	return controls ? "windows-1252" : "ISO-8859-1";
}

#endif
