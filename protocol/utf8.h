/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_UTF8_H
#define SALLYPORT_PROTOCOL_UTF8_H

/* One code point (0 to 0x10ffff, of which the caller has seen) as UTF-8: RFC 3629, section 3. */

#include <stddef.h>
#include <stdint.h>

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
