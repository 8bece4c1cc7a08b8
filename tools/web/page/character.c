/* SPDX-License-Identifier: Apache-2.0 */
/* What of a character is to be seen: what is ill-formed becomes U+FFFD, spaces of all kinds one, and what has
 * no width nothing. */
#include "tools/web/page/entities.h"
#include "tools/web/page/writer.h"

struct slice writer_character(const char *at, const char *end, size_t *taken)
{
	unsigned char c = (unsigned char)*at;
	size_t length = utf8_length(at, end);
	uint32_t code;

	*taken = length ? length : 1;
	if (!length)
		return (struct slice){"\xef\xbf\xbd", 3};
	if (c < 0x80)
		return is_space((char)c) ? (struct slice){" ", 1} : (struct slice){at, c >= ' ' && c != 0x7f};
	if (c > 0xef || (c > 0xc2 && c < 0xe2) || (c > 0xe2 && c < 0xef))
		return (struct slice){at, length};
	code = length == 2 ? (uint32_t)(c & 31) << 6 | ((uint32_t)at[1] & 63)
			   : (uint32_t)(c & 15) << 12 | ((uint32_t)at[1] & 63) << 6 | ((uint32_t)at[2] & 63);
	switch (code) {
	case 0xa0:   /* no-break space */
	case 0x2028: /* line and paragraph separator */
	case 0x2029:
	case 0x202f:
		return (struct slice){" ", 1};
	case 0xad:   /* soft hyphen */
	case 0x200b: /* zero width space */
	case 0x200e: /* direction marks */
	case 0x200f:
	case 0x2060: /* word joiner */
	case 0xfeff: /* byte-order mark */
		return (struct slice){at, 0};
	default:
		return (struct slice){at, code >= 0xa0 ? length : 0};
	}
}
