/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_CONTENT_TABLES_H
#define SALLYPORT_TOOLS_WEB_CONTENT_TABLES_H

/*
 * The indexes of the WHATWG Encoding standard, section 5: pointer -> code point, 0 where there is none.
 * generate.c writes them at build time.
 */

#include <stdint.h>

enum charset_single {
	SINGLE_IBM866,
	SINGLE_ISO_8859_2,
	SINGLE_ISO_8859_3,
	SINGLE_ISO_8859_4,
	SINGLE_ISO_8859_5,
	SINGLE_ISO_8859_6,
	SINGLE_ISO_8859_7,
	SINGLE_ISO_8859_8,
	SINGLE_ISO_8859_10,
	SINGLE_ISO_8859_13,
	SINGLE_ISO_8859_14,
	SINGLE_ISO_8859_15,
	SINGLE_ISO_8859_16,
	SINGLE_KOI8_R,
	SINGLE_KOI8_U,
	SINGLE_MACINTOSH,
	SINGLE_WINDOWS_874,
	SINGLE_WINDOWS_1250,
	SINGLE_WINDOWS_1251,
	SINGLE_WINDOWS_1252,
	SINGLE_WINDOWS_1253,
	SINGLE_WINDOWS_1254,
	SINGLE_WINDOWS_1255,
	SINGLE_WINDOWS_1256,
	SINGLE_WINDOWS_1257,
	SINGLE_WINDOWS_1258,
	SINGLE_X_MAC_CYRILLIC,
	SINGLE_COUNT,
};

#define TABLE_BIG5    (126 * 157)
#define TABLE_EUC_KR  (126 * 190)
#define TABLE_GB18030 (126 * 190)
#define TABLE_JIS0208 (60 * 188) /* with the rows that only Shift_JIS reaches */
#define TABLE_JIS0212 (94 * 94)
#define TABLE_RANGES  256 /* most that gb18030's four-byte part may have; it has 214 */

struct charset_range {
	uint16_t pointer, code; /* the first of a run that goes up one by one */
};

extern const uint16_t charset_single[SINGLE_COUNT][128]; /* of the bytes from 0x80 on */
extern const uint16_t charset_big5[TABLE_BIG5];
extern const uint8_t charset_big5_plane2[(TABLE_BIG5 + 7) / 8]; /* bits: the code point is 0x20000 higher */
extern const uint16_t charset_euc_kr[TABLE_EUC_KR];
extern const uint16_t charset_gb18030[TABLE_GB18030];
extern const uint16_t charset_jis0208[TABLE_JIS0208];
extern const uint16_t charset_jis0212[TABLE_JIS0212];
extern const struct charset_range charset_ranges[]; /* ends with {0, 0}; code 0: none there */

#endif
