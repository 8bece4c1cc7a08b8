/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encodings of the WHATWG Encoding standard, section 4.2: every label of the web, and who decodes it.
 * Labels surprise on purpose: "iso-8859-1" and "us-ascii" mean windows-1252, as in every browser.
 */
#include "tools/web/content/charset.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "tools/web/content/decoders.h"
#include "tools/web/content/tables.h"

struct charset {
	const char *name;
	const char *labels; /* separated by single spaces */
	decoder *decode;
	unsigned table; /* of decode_single; of decode_utf16: big-endian */
};

static const struct charset charsets[] = {
	{"UTF-8", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8", decode_utf8, 0},
	{"IBM866", "866 cp866 csibm866 ibm866", decode_single, SINGLE_IBM866},
	{"ISO-8859-2",
	 "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 "
	 "l2 latin2",
	 decode_single, SINGLE_ISO_8859_2},
	{"ISO-8859-3",
	 "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 "
	 "l3 latin3",
	 decode_single, SINGLE_ISO_8859_3},
	{"ISO-8859-4",
	 "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 "
	 "l4 latin4",
	 decode_single, SINGLE_ISO_8859_4},
	{"ISO-8859-5",
	 "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595 iso_8859-5 "
	 "iso_8859-5:1988",
	 decode_single, SINGLE_ISO_8859_5},
	{"ISO-8859-6",
	 "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6 "
	 "iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 "
	 "iso_8859-6:1987",
	 decode_single, SINGLE_ISO_8859_6},
	{"ISO-8859-7",
	 "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7 "
	 "iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
	 decode_single, SINGLE_ISO_8859_7},
	{"ISO-8859-8",
	 "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138 iso8859-8 "
	 "iso88598 iso_8859-8 iso_8859-8:1988 visual",
	 decode_single, SINGLE_ISO_8859_8},
	{"ISO-8859-8-I", "csiso88598i iso-8859-8-i logical", decode_single, SINGLE_ISO_8859_8},
	{"ISO-8859-10", "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6", decode_single,
	 SINGLE_ISO_8859_10},
	{"ISO-8859-13", "iso-8859-13 iso8859-13 iso885913", decode_single, SINGLE_ISO_8859_13},
	{"ISO-8859-14", "iso-8859-14 iso8859-14 iso885914", decode_single, SINGLE_ISO_8859_14},
	{"ISO-8859-15", "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9", decode_single,
	 SINGLE_ISO_8859_15},
	{"ISO-8859-16", "iso-8859-16", decode_single, SINGLE_ISO_8859_16},
	{"KOI8-R", "cskoi8r koi koi8 koi8-r koi8_r", decode_single, SINGLE_KOI8_R},
	{"KOI8-U", "koi8-ru koi8-u", decode_single, SINGLE_KOI8_U},
	{"macintosh", "csmacintosh mac macintosh x-mac-roman", decode_single, SINGLE_MACINTOSH},
	{"windows-874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874", decode_single,
	 SINGLE_WINDOWS_874},
	{"windows-1250", "cp1250 windows-1250 x-cp1250", decode_single, SINGLE_WINDOWS_1250},
	{"windows-1251", "cp1251 windows-1251 x-cp1251", decode_single, SINGLE_WINDOWS_1251},
	{"windows-1252",
	 "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 "
	 "iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 "
	 "x-cp1252",
	 decode_single, SINGLE_WINDOWS_1252},
	{"windows-1253", "cp1253 windows-1253 x-cp1253", decode_single, SINGLE_WINDOWS_1253},
	{"windows-1254",
	 "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 "
	 "iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
	 decode_single, SINGLE_WINDOWS_1254},
	{"windows-1255", "cp1255 windows-1255 x-cp1255", decode_single, SINGLE_WINDOWS_1255},
	{"windows-1256", "cp1256 windows-1256 x-cp1256", decode_single, SINGLE_WINDOWS_1256},
	{"windows-1257", "cp1257 windows-1257 x-cp1257", decode_single, SINGLE_WINDOWS_1257},
	{"windows-1258", "cp1258 windows-1258 x-cp1258", decode_single, SINGLE_WINDOWS_1258},
	{"x-mac-cyrillic", "x-mac-cyrillic x-mac-ukrainian", decode_single, SINGLE_X_MAC_CYRILLIC},
	{"GBK", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
	 decode_gb18030, 0},
	{"gb18030", "gb18030", decode_gb18030, 0},
	{"Big5", "big5 big5-hkscs cn-big5 csbig5 x-x-big5", decode_big5, 0},
	{"EUC-JP", "cseucpkdfmtjapanese euc-jp x-euc-jp", decode_euc_jp, 0},
	{"ISO-2022-JP", "csiso2022jp iso-2022-jp", decode_iso_2022_jp, 0},
	{"Shift_JIS", "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
	 decode_shift_jis, 0},
	{"EUC-KR",
	 "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 "
	 "ksc5601 ksc_5601 windows-949",
	 decode_euc_kr, 0},
	{"replacement", "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
	 decode_replacement, 0},
	{"UTF-16BE", "unicodefffe utf-16be", decode_utf16, 1},
	{"UTF-16LE", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le", decode_utf16, 0},
	{"x-user-defined", "x-user-defined", decode_user_defined, 0},
};

/* Is `label` one of the words? */
static bool has_word(const char *words, const char *label, size_t length)
{
	while (*words) {
		size_t word = strcspn(words, " ");

		if (word == length && strncasecmp(words, label, length) == 0)
			return true;
		words += word + (words[word] == ' ');
	}
	return false;
}

const struct charset *charset_find(const char *label, size_t length)
{
	while (length > 0 && isspace((unsigned char)label[0])) {
		label++;
		length--;
	}
	while (length > 0 && isspace((unsigned char)label[length - 1]))
		length--;
	for (size_t i = 0; i < ARRAY_SIZE(charsets) && length > 0; i++)
		if (has_word(charsets[i].labels, label, length))
			return &charsets[i];
	return NULL;
}

const char *charset_name(const struct charset *charset)
{
	return charset->name;
}

int charset_decode(const struct charset *charset, struct buffer *text, const char *bytes, size_t length,
		   uint64_t *replaced)
{
	struct sink sink = {.text = text, .result = buffer_reserve(text, length + 4)};

	charset->decode(&sink, (const uint8_t *)bytes, length, charset->table);
	*replaced = sink.replaced;
	return sink.result;
}
