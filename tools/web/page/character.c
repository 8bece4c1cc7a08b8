/* SPDX-License-Identifier: Apache-2.0 */
/* What of a character is to be seen: what is ill-formed becomes U+FFFD, spaces of all kinds one, and what has
 * no width nothing. */
#include "protocol/utf8.h"
#include "tools/web/page/entities.h"
#include "tools/web/page/writer.h"

struct slice writer_character(const char *at, const char *end, size_t *taken)
{
	uint32_t code = utf8_decode(at, (size_t)(end - at), taken);

	if (code == UTF8_NONE) {
		*taken = 1;
		return (struct slice){"\xef\xbf\xbd", 3};
	}
	if (code < 0x80)
		return is_space((char)code) ? (struct slice){" ", 1}
					    : (struct slice){at, code >= ' ' && code != 0x7f};
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
		return (struct slice){at, code >= 0xa0 ? *taken : 0};
	}
}
