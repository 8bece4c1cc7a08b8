/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset-generate: writes the tables of tables.h as C, to standard output. Runs on the build machine, at
 * build time, and asks its iconv(): the process that decodes strangers' pages is sealed, where iconv() would
 * load modules from disk. glibc's converters are older or stricter than the standard's indexes in a few
 * places; `mended` has these.
 */
#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/web/content/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const single[SINGLE_COUNT] = {
	[SINGLE_IBM866] = "CP866",
	[SINGLE_ISO_8859_2] = "ISO-8859-2",
	[SINGLE_ISO_8859_3] = "ISO-8859-3",
	[SINGLE_ISO_8859_4] = "ISO-8859-4",
	[SINGLE_ISO_8859_5] = "ISO-8859-5",
	[SINGLE_ISO_8859_6] = "ISO-8859-6",
	[SINGLE_ISO_8859_7] = "ISO-8859-7",
	[SINGLE_ISO_8859_8] = "ISO-8859-8",
	[SINGLE_ISO_8859_10] = "ISO-8859-10",
	[SINGLE_ISO_8859_13] = "ISO-8859-13",
	[SINGLE_ISO_8859_14] = "ISO-8859-14",
	[SINGLE_ISO_8859_15] = "ISO-8859-15",
	[SINGLE_ISO_8859_16] = "ISO-8859-16",
	[SINGLE_KOI8_R] = "KOI8-R",
	[SINGLE_KOI8_U] = "KOI8-U",
	[SINGLE_MACINTOSH] = "MACINTOSH",
	[SINGLE_WINDOWS_874] = "CP874",
	[SINGLE_WINDOWS_1250] = "CP1250",
	[SINGLE_WINDOWS_1251] = "CP1251",
	[SINGLE_WINDOWS_1252] = "CP1252",
	[SINGLE_WINDOWS_1253] = "CP1253",
	[SINGLE_WINDOWS_1254] = "CP1254",
	[SINGLE_WINDOWS_1255] = "CP1255",
	[SINGLE_WINDOWS_1256] = "CP1256",
	[SINGLE_WINDOWS_1257] = "CP1257",
	[SINGLE_WINDOWS_1258] = "CP1258",
	[SINGLE_X_MAC_CYRILLIC] = "MAC-UK",
};

struct mend {
	uint16_t bytes, code;
};

static const struct {
	enum charset_single set;
	struct mend mend;
} mended_single[] = {
	{SINGLE_KOI8_U, {0xae, 0x045e}},         {SINGLE_KOI8_U, {0xbe, 0x040e}},
	{SINGLE_MACINTOSH, {0xc6, 0x2206}},      {SINGLE_MACINTOSH, {0xf0, 0xf8ff}},
	{SINGLE_X_MAC_CYRILLIC, {0xff, 0x20ac}}, {SINGLE_WINDOWS_1255, {0xca, 0x05ba}},
};

/* The private use that GB 18030-2005 had where the newer one has plane 2, and the wide space. */
static const struct mend mended_gb18030[] = {
	{0xa3a0, 0x3000}, {0xfe51, 0xe816}, {0xfe52, 0xe817}, {0xfe53, 0xe818},
	{0xfe6c, 0xe831}, {0xfe76, 0xe83b}, {0xfe91, 0xe855},
};

/* HKSCS's compatibility points, which glibc leaves out, and Big5's punctuation as the web has it. */
static const struct mend mended_big5[] = {
	/* clang-format off */
	{0x8e69, 0x7bb8}, {0x8e6f, 0x7c06}, {0x8e7e, 0x7cce}, {0x8eab, 0x7dd2}, {0x8eb4, 0x7e1d},
	{0x8ecd, 0x8005}, {0x8ed0, 0x8028}, {0x8f57, 0x83c1}, {0x8f69, 0x84a8}, {0x8f6e, 0x840f},
	{0x8fcb, 0x89a6}, {0x8fcc, 0x89a9}, {0x8ffe, 0x8d77}, {0x906d, 0x90fd}, {0x907a, 0x92b9},
	{0x90dc, 0x975c}, {0x90f1, 0x97ff}, {0x91bf, 0x9f16}, {0x9244, 0x8503}, {0x92af, 0x5159},
	{0x92b0, 0x515b}, {0x92b1, 0x515d}, {0x92b2, 0x515e}, {0x92c8, 0x936e}, {0x92d1, 0x7479},
	{0x9447, 0x6d67}, {0x94ca, 0x799b}, {0x95d9, 0x9097}, {0x9644, 0x975d}, {0x96ed, 0x701e},
	{0x96fc, 0x5b28}, {0x9b76, 0x7201}, {0x9b78, 0x77d7}, {0x9b7b, 0x7e87}, {0x9bc6, 0x99d6},
	{0x9bde, 0x91d4}, {0x9bec, 0x60de}, {0x9bf6, 0x6fb6}, {0x9c42, 0x8f36}, {0x9c53, 0x4fbb},
	{0x9c62, 0x71df}, {0x9c68, 0x9104}, {0x9c6b, 0x9df0}, {0x9c77, 0x83cf}, {0x9cbc, 0x5c10},
	{0x9cbd, 0x79e3}, {0x9cd0, 0x5a67}, {0x9d57, 0x8f0b}, {0x9d5a, 0x7b51}, {0x9dc4, 0x62d0},
	{0x9ea9, 0x6062}, {0x9eef, 0x75f9}, {0x9efd, 0x6c4a}, {0x9f60, 0x9b2e}, {0x9f66, 0x9f17},
	{0x9fcb, 0x50ed}, {0x9fd8, 0x5f0c}, {0xa063, 0x880f}, {0xa077, 0x62ce}, {0xa0d5, 0x7468},
	{0xa0df, 0x7162}, {0xa0e4, 0x7250}, {0xa145, 0x2027}, {0xa14e, 0xfe51}, {0xa15a, 0x2574},
	{0xa1c2, 0x00af}, {0xa1c3, 0xffe3}, {0xa1c5, 0x02cd}, {0xa1e3, 0xff5e}, {0xa1f2, 0x2295},
	{0xa1f3, 0x2299}, {0xa1fe, 0xff0f}, {0xa240, 0xff3c}, {0xa241, 0x2215}, {0xa242, 0xfe68},
	{0xa244, 0xffe5}, {0xa246, 0xffe0}, {0xa247, 0xffe1}, {0xa2cc, 0x5341}, {0xa2ce, 0x5345},
	{0xa3e0, 0x2421}, {0xa3e1, 0x20ac}, {0xc6cf, 0x5ef4}, {0xc6d3, 0x65e0}, {0xc6d5, 0x7676},
	{0xc6d7, 0x96b6}, {0xc6de, 0x3003}, {0xc6df, 0x4edd}, {0xfa5f, 0x5029}, {0xfa66, 0x507d},
	{0xfabd, 0x5305}, {0xfac5, 0x5344}, {0xfad5, 0x537f}, {0xfb48, 0x5605}, {0xfbb8, 0x5a77},
	{0xfbf3, 0x5e75}, {0xfbf9, 0x5ed0}, {0xfc4f, 0x5f58}, {0xfc6c, 0x60a4}, {0xfcb9, 0x6490},
	{0xfce2, 0x6674}, {0xfcf1, 0x675e}, {0xfdb7, 0x6c9c}, {0xfdb8, 0x6e1d}, {0xfdbb, 0x6e2f},
	{0xfdf1, 0x716e}, {0xfe52, 0x732a}, {0xfe6f, 0x745c}, {0xfeaa, 0x74e9}, {0xfedd, 0x7809},
	/* clang-format on */
};

static iconv_t converter(const char *name)
{
	iconv_t opened = iconv_open("UTF-32LE", name);

	if (opened == (iconv_t)-1) {
		fprintf(stderr,
			"charset-generate: this machine's iconv() does not know %s (glibc's converters may "
			"be in a package of their own, such as glibc-gconv-extra)\n",
			name);
		exit(1);
	}
	return opened;
}

/* The one code point that the bytes stand for; 0 if they stand for none, or for several. */
static uint32_t ask(iconv_t from, const uint8_t *bytes, size_t length)
{
	uint8_t out[32];
	char *source = (char *)bytes, *to = (char *)out;
	size_t left = sizeof out;

	iconv(from, NULL, NULL, NULL, NULL);
	if (iconv(from, &source, &length, &to, &left) == (size_t)-1 || length > 0)
		return 0;
	iconv(from, NULL, NULL, &to, &left); /* what a converter holds back, as one before a combining mark */
	if (sizeof out - left != 4)
		return 0;
	return out[0] | (uint32_t)out[1] << 8 | (uint32_t)out[2] << 16;
}

static void write_table(const char *name, const uint32_t *codes, size_t count)
{
	printf("const uint16_t %s[%zu] = {", name, count);
	for (size_t i = 0; i < count; i++)
		printf("%s%u,", i % 24 ? "" : "\n", (unsigned)(codes[i] & 0xffff));
	printf("};\n\n");
}

static void write_single(void)
{
	printf("const uint16_t charset_single[%d][128] = {\n", SINGLE_COUNT);
	for (size_t set = 0; set < SINGLE_COUNT; set++) {
		iconv_t from = converter(single[set]);

		printf("{");
		for (unsigned c = 0x80; c < 0x100; c++) {
			uint8_t byte = (uint8_t)c;
			uint32_t code = ask(from, &byte, 1);

			if (!code && c < 0xa0) /* the standard has C1 controls where a set has nothing */
				code = c;
			for (size_t i = 0; i < COUNT(mended_single); i++)
				if (mended_single[i].set == set && mended_single[i].mend.bytes == c)
					code = mended_single[i].mend.code;
			printf("%u,", (unsigned)code);
		}
		printf("},\n");
		iconv_close(from);
	}
	printf("};\n\n");
}

/* A table of two-byte codes: `columns` a row, the second byte running from 0x40 or `first` with a gap. */
struct shape {
	const char *name, *converter;
	size_t count, columns;
	uint8_t prefix, lead, trail; /* prefix 0: none */
	size_t gap;                  /* the column from which on the second byte is `skip` higher */
	uint8_t skip;
	const struct mend *mended;
	size_t mended_count;
};

static const struct shape shapes[] = {
	{"charset_big5", "BIG5-HKSCS", TABLE_BIG5, 157, 0, 0x81, 0x40, 0x3f, 0x22, mended_big5,
	 COUNT(mended_big5)},
	{"charset_euc_kr", "CP949", TABLE_EUC_KR, 190, 0, 0x81, 0x41, 190, 0, NULL, 0},
	{"charset_gb18030", "GB18030", TABLE_GB18030, 190, 0, 0x81, 0x40, 0x3f, 1, mended_gb18030,
	 COUNT(mended_gb18030)},
	{"charset_jis0208", "CP932", TABLE_JIS0208, 188, 0, 0x81, 0x40, 0x3f, 1, NULL, 0},
	{"charset_jis0212", "EUC-JP", TABLE_JIS0212, 94, 0x8f, 0xa1, 0xa1, 94, 0, NULL, 0},
};

static uint32_t shape_code(const struct shape *shape, iconv_t from, size_t pointer)
{
	size_t row = pointer / shape->columns, column = pointer % shape->columns;
	bool jis = strcmp(shape->name, "charset_jis0208") == 0;
	uint8_t bytes[3] = {shape->prefix, (uint8_t)(shape->lead + row),
			    (uint8_t)(shape->trail + column + (column >= shape->gap ? shape->skip : 0))};
	uint32_t code;

	if (jis && row >= 0x1f) /* Shift_JIS's lead bytes go on at 0xe0 */
		bytes[1] = (uint8_t)(bytes[1] + 0x40);
	if (jis && bytes[1] >= 0xf0 && bytes[1] <= 0xf9) /* private use: the decoder's, by arithmetic */
		return 0;
	for (size_t i = 0; i < shape->mended_count; i++)
		if (shape->mended[i].bytes == (uint16_t)(bytes[1] << 8 | bytes[2]))
			return shape->mended[i].code;
	code = shape->prefix ? ask(from, bytes, 3) : ask(from, bytes + 1, 2);
	if (strcmp(shape->name, "charset_big5") == 0 && bytes[1] == 0xa3 && bytes[2] >= 0xc0 &&
	    bytes[2] <= 0xdf)
		return 0x2400u + bytes[2] - 0xc0; /* pictures of controls */
	return code;
}

static void write_shape(const struct shape *shape)
{
	uint32_t *codes = calloc(shape->count, sizeof *codes);
	iconv_t from = converter(shape->converter);
	bool plane2 = strcmp(shape->name, "charset_big5") == 0;

	if (!codes)
		exit(1);
	for (size_t pointer = 0; pointer < shape->count; pointer++) {
		codes[pointer] = shape_code(shape, from, pointer);
		if (codes[pointer] > 0xffff && (!plane2 || codes[pointer] >> 16 != 2)) {
			fprintf(stderr, "charset-generate: %s: U+%X at %zu does not fit\n", shape->name,
				(unsigned)codes[pointer], pointer);
			exit(1);
		}
	}
	write_table(shape->name, codes, shape->count);
	if (plane2) {
		printf("const uint8_t charset_big5_plane2[%zu] = {", (shape->count + 7) / 8);
		for (size_t at = 0; at < shape->count; at += 8) {
			unsigned bits = 0;

			for (size_t i = at; i < at + 8 && i < shape->count; i++)
				bits |= (unsigned)(codes[i] > 0xffff) << (i - at);
			printf("%s%u,", at % 256 ? "" : "\n", bits);
		}
		printf("};\n\n");
	}
	iconv_close(from);
	free(codes);
}

/* gb18030's four bytes up to U+FFFF: runs of code points. */
static void write_ranges(void)
{
	iconv_t from = converter("GB18030");
	uint32_t last = 0;
	size_t count = 0;

	printf("const struct charset_range charset_ranges[] = {\n");
	for (uint32_t pointer = 0; pointer < 39420; pointer++) {
		uint8_t bytes[4] = {(uint8_t)(0x81 + pointer / 12600), (uint8_t)(0x30 + pointer / 1260 % 10),
				    (uint8_t)(0x81 + pointer / 10 % 126), (uint8_t)(0x30 + pointer % 10)};
		uint32_t code = ask(from, bytes, 4);

		if (pointer >= 19057 && pointer < 19065) /* glibc has these two-byte codes only */
			code = 0x9fb4 + pointer - 19057;
		if (pointer >= 39076 && pointer < 39086)
			code = 0xfe10 + pointer - 39076;
		if (pointer == 0 || code != (last ? last + 1 : 0)) {
			printf("{%u, %u},\n", (unsigned)pointer, (unsigned)code);
			count++;
		}
		last = code;
	}
	printf("{0, 0}};\n");
	if (count >= TABLE_RANGES)
		exit(1);
	iconv_close(from);
}

int main(void)
{
	printf("/* Written by charset-generate. */\n#include \"tools/web/content/tables.h\"\n\n");
	write_single();
	for (size_t i = 0; i < COUNT(shapes); i++)
		write_shape(&shapes[i]);
	write_ranges();
	return fflush(stdout) == 0 ? 0 : 1;
}
