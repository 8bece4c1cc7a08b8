/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guess at an undeclared character set, for text that is not UTF-8. Each candidate decodes a sample; points
 * go to letters that its languages use all the time, and are lost for what does not decode and for letters in
 * odd company. Short texts are guessed badly, as by everybody: the answer names the charset.
 */
#include <string.h>
#include <uchar.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/content/charset.h"

enum script {
	SCRIPT_LATIN,
	SCRIPT_CYRILLIC,
	SCRIPT_CHINESE,
	SCRIPT_JAPANESE,
	SCRIPT_KOREAN,
};

static const struct {
	const char *label;
	enum script script;
} candidates[] = {
	{"windows-1252", SCRIPT_LATIN}, /* first: what the others must beat */
	{"windows-1251", SCRIPT_CYRILLIC}, {"koi8-r", SCRIPT_CYRILLIC},    {"gb18030", SCRIPT_CHINESE},
	{"big5", SCRIPT_CHINESE},          {"shift_jis", SCRIPT_JAPANESE}, {"euc-jp", SCRIPT_JAPANESE},
	{"euc-kr", SCRIPT_KOREAN},
};

/* The most used characters of each, about a third of any text, and the range they lie in. */
static const struct {
	uint32_t first, last;
	const char16_t *words;
} frequent[] = {
	[SCRIPT_LATIN] = {0xdf, 0x201d, u"äöüßéèêàáâãåæçíîïñóôõøúûœ’“”–—"},
	[SCRIPT_CYRILLIC] = {0x430, 0x44f, u"оеаинтсрвлкмдпу"},
	[SCRIPT_CHINESE] =
		{0x3001, 0xff0c,
		 u"的一是不了在人有我他这這个個們们中来來上大为為和国國地到以说說时時要就出会會可也"
		 u"你对對生能而子那"
		 u"得于，。、"},
	[SCRIPT_JAPANESE] = {0x3001, 0x3093,
			     u"のにはをたがでてとしれさあいうえかきくけこすなまもらりるんっ、。"},
	[SCRIPT_KOREAN] = {0xac00, 0xd7a3, u"이다는을의에가고하지도를한은로서기사리"},
};

static bool in_word(const char16_t *words, uint32_t code)
{
	for (; *words; words++)
		if (*words == code)
			return true;
	return false;
}

static bool is_ascii_letter(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Points for one character above ASCII, behind `before` and in front of `after`; a byte is worth about 100.
 */
static int points(enum script script, uint32_t code, uint32_t before, uint32_t after)
{
	bool beside_ascii = is_ascii_letter(before) || is_ascii_letter(after);
	bool han = code >= 0x4e00 && code < 0xa000, often;

	if (code == 0xfffd)
		return -1000;
	if ((code >= 0x80 && code < 0xa0) || (code >= 0xe000 && code < 0xf900)) /* controls, private use */
		return -300;
	often = code >= frequent[script].first && code <= frequent[script].last &&
		in_word(frequent[script].words, code);
	switch (script) {
	case SCRIPT_LATIN: /* among its letters, or punctuation around them */
		return often ? beside_ascii ? 110 : 20 : beside_ascii ? 50 : -30;
	case SCRIPT_CYRILLIC:
		if (code < 0x400 || code > 0x45f || beside_ascii)
			return -60;
		if (before < 0x400 && after < 0x400) /* alone it says little */
			return 10;
		return often ? 130 : code >= 0x430 ? 80 : before >= 0x400 && before <= 0x45f ? -40 : 60;
	case SCRIPT_CHINESE:
		return often ? 450 : han ? 80 : -50;
	case SCRIPT_JAPANESE:
		return often                             ? 320
		       : code >= 0x3041 && code < 0x3100 ? 250
		       : han                             ? 80
							 : -50; /* also half-width katakana */
	case SCRIPT_KOREAN:
		return often ? 340 : code >= 0xac00 && code < 0xd7a4 ? 150 : han ? 0 : -50;
	}
	return 0;
}

/* Points a byte above ASCII; INT32_MIN without memory. */
static int score(const struct charset *charset, enum script script, const char *bytes, size_t length)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = 4 * LIMIT_WEB_GUESS_BYTES + 4};
	const char *at, *end;
	uint32_t before = ' ', code = ' ';
	uint64_t replaced;
	int64_t sum = 0, high = 0;

	if (charset_decode(charset, &text, bytes, length, &replaced) < 0)
		return INT32_MIN;
	for (size_t i = 0; i < length; i++)
		high += (unsigned char)bytes[i] >= 0x80;
	at = buffer_data(&text);
	end = at + buffer_length(&text);
	while (at < end || code != ' ') {
		uint32_t after = at < end ? charset_next(&at, end) : ' ';

		if (code >= 0x80)
			sum += points(script, code, before, after);
		before = code;
		code = after;
		if (at == end && after == ' ')
			break;
	}
	return high ? (int)(sum / high) : 0;
}

const struct charset *charset_guess(const char *bytes, size_t length)
{
	const struct charset *best = charset_find("windows-1252", 12);
	size_t looked = 0, skipped = 0;
	int most;

	while (skipped < length && (unsigned char)bytes[skipped] < 0x80)
		skipped++; /* the sample begins where it tells something */
	skipped -= skipped > 0;
	looked = length - skipped < LIMIT_WEB_GUESS_BYTES ? length - skipped : LIMIT_WEB_GUESS_BYTES;
	while (looked > 0 && looked < length - skipped && (unsigned char)bytes[skipped + looked - 1] >= 0x80)
		looked--; /* and does not end inside a character */
	most = score(best, SCRIPT_LATIN, bytes + skipped, looked);
	for (size_t i = 1; i < ARRAY_SIZE(candidates); i++) {
		const struct charset *charset =
			charset_find(candidates[i].label, strlen(candidates[i].label));
		int reached = score(charset, candidates[i].script, bytes + skipped, looked);

		if (reached > most) {
			most = reached;
			best = charset;
		}
	}
	return best;
}
