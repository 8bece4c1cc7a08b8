/* SPDX-License-Identifier: Apache-2.0 */
/*
 * International names (idn.h), without a library: the frontend checks every URL and pays for what it links
 * with its start. A full table of Unicode is not needed for safety, since what comes out is only ever a name
 * of its own, "xn--...", never an address nor another name; it would only take more spellings of it.
 */
#include "sandbox/egress/idn.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "protocol/cleanup.h"
#include "protocol/utf8.h"

#define LABEL_BYTES 63 /* RFC 1035 section 2.3.4 */

/* `step`: 0 a letter as it should be; else what makes the small letter of a capital, for PAIRS of every
 * second one, the first of the range being a capital. */
enum { PAIRS = 1 };

static const struct {
	uint32_t first, last, step;
} letters[] = {
	{0x00c0, 0x00d6, 32},
	{0x00d8, 0x00de, 32},
	{0x00df, 0x00f6, 0},
	{0x00f8, 0x00ff, 0},
	{0x0100, 0x012f, PAIRS},
	{0x0131, 0x0131, 0},
	{0x0134, 0x0137, PAIRS},
	{0x0139, 0x013e, PAIRS},
	{0x0141, 0x0148, PAIRS},
	{0x014a, 0x0177, PAIRS},
	{0x0179, 0x017e, PAIRS},
	{0x01a0, 0x01a1, PAIRS},
	{0x01af, 0x01b0, PAIRS},
	{0x0218, 0x021b, PAIRS},
	/* Greek, Cyrillic, Armenian */
	{0x0390, 0x0390, 0},
	{0x0391, 0x03a1, 32},
	{0x03a3, 0x03ab, 32},
	{0x03ac, 0x03ce, 0},
	{0x0400, 0x040f, 80},
	{0x0410, 0x042f, 32},
	{0x0430, 0x045f, 0},
	{0x0490, 0x0491, PAIRS},
	{0x0531, 0x0556, 48},
	{0x0561, 0x0586, 0},
	/* Hebrew, Arabic and Persian */
	{0x05d0, 0x05ea, 0},
	{0x0621, 0x063a, 0},
	{0x0641, 0x064a, 0},
	{0x067e, 0x067e, 0},
	{0x0686, 0x0686, 0},
	{0x0698, 0x0698, 0},
	{0x06a9, 0x06a9, 0},
	{0x06af, 0x06af, 0},
	{0x06cc, 0x06cc, 0},
	/* Devanagari without the dot that composes, Thai, Georgian */
	{0x0901, 0x0903, 0},
	{0x0905, 0x0928, 0},
	{0x092a, 0x0930, 0},
	{0x0932, 0x0933, 0},
	{0x0935, 0x0939, 0},
	{0x093e, 0x094d, 0},
	{0x0966, 0x096f, 0},
	{0x0e01, 0x0e32, 0},
	{0x0e34, 0x0e3a, 0},
	{0x0e40, 0x0e4e, 0},
	{0x0e50, 0x0e59, 0},
	{0x10d0, 0x10f0, 0},
	/* Vietnamese */
	{0x1ea0, 0x1ef9, PAIRS},
	/* Japanese, Chinese, Korean */
	{0x3005, 0x3007, 0},
	{0x3041, 0x3096, 0},
	{0x30a1, 0x30fa, 0},
	{0x30fc, 0x30fe, 0},
	{0x3400, 0x4dbf, 0},
	{0x4e00, 0x9fff, 0},
	{0xac00, 0xd7a3, 0},
};

/* As the name has it, or 0 if it has not. */
static uint32_t small_letter(uint32_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		if (code < letters[i].first || code > letters[i].last)
			continue;
		if (letters[i].step == PAIRS)
			return code + ((code - letters[i].first) % 2 == 0);
		return code + letters[i].step;
	}
	return 0;
}

/* ---- RFC 3492 ---- */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, BIAS = 72, FIRST = 128 };

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta /= first ? DAMP : 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

struct label {
	char text[LABEL_BYTES + 1];
	size_t length;
};

static bool put(struct label *label, char c)
{
	if (label->length == LABEL_BYTES)
		return false;
	label->text[label->length++] = c;
	return true;
}

/* Section 3.3: `delta` as digits of rising weight. */
static bool put_delta(struct label *label, uint32_t delta, uint32_t bias)
{
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		uint32_t digit = delta < t ? delta : t + (delta - t) % (BASE - t);

		if (!put(label, (char)(digit < 26 ? 'a' + digit : '0' + digit - 26)))
			return false;
		if (delta < t)
			return true;
		delta = (delta - t) / (BASE - t);
	}
}

/* Section 6.3. At most LABEL_BYTES code points, none above U+FFFF: nothing overflows. */
static bool encode(struct label *label, const uint32_t *codes, size_t count)
{
	uint32_t n = FIRST, delta = 0, bias = BIAS, basic = 0, done;

	for (size_t i = 0; i < count; i++)
		if (codes[i] < FIRST) {
			basic++;
			if (!put(label, (char)codes[i]))
				return false;
		}
	if (basic > 0 && !put(label, '-'))
		return false;
	for (done = basic; done < count; delta++, n++) {
		uint32_t least = UINT32_MAX;

		for (size_t i = 0; i < count; i++)
			if (codes[i] >= n && codes[i] < least)
				least = codes[i];
		delta += (least - n) * (done + 1);
		n = least;
		for (size_t i = 0; i < count; i++) {
			delta += codes[i] < n;
			if (codes[i] != n)
				continue;
			if (!put_delta(label, delta, bias))
				return false;
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
	}
	return true;
}

/* One label, which has something beyond ASCII in it. */
static int write_label(struct label *label, const unsigned char *at, const unsigned char *end,
		       struct err *err)
{
	uint32_t codes[LABEL_BYTES];
	size_t count = 0;

	while (at < end) {
		size_t used;
		uint32_t code = utf8_decode(at, (size_t)(end - at), &used);
		uint32_t letter = code < 0x80 ? code : small_letter(code);

		at += used;
		if (code == UTF8_NONE || code == 0)
			return err_set(err, -EINVAL, "the host has bytes that are no characters of UTF-8");
		if (letter == 0)
			return err_set(err, -EINVAL,
				       "the host has U+%04X, which is not read as part of a name: if it is "
				       "meant, write the name's \"xn--\" form",
				       (unsigned)code);
		if (count == LABEL_BYTES)
			return err_set(err, -EINVAL, "a part of the host is longer than 63 characters");
		codes[count++] = code < 0x80 ? (uint32_t)tolower((int)code) : letter;
	}
	if (count >= 4 && codes[2] == '-' && codes[3] == '-') /* RFC 5891 section 4.2.3.1 */
		return err_set(err, -EINVAL, "a part of the host has letters beyond ASCII behind \"--\"");
	memcpy(label->text, "xn--", 4);
	label->length = 4;
	if (!encode(label, codes, count))
		return err_set(err, -EINVAL, "a part of the host is longer than 63 characters");
	return 0;
}

int idn_to_ascii(const char *text, size_t length, char host[HOST_TEXT_BYTES], struct err *err)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + length;
	size_t used = 0;

	while (at < end) {
		const unsigned char *dot = memchr(at, '.', (size_t)(end - at)), *stop = dot ? dot : end;
		struct label label = {.length = 0};
		const void *bytes = at;
		size_t size = (size_t)(stop - at);
		bool ascii = true;
		int result;

		for (const unsigned char *c = at; c < stop; c++)
			ascii = ascii && *c < 0x80;
		if (!ascii) {
			result = write_label(&label, at, stop, err);
			if (result < 0)
				return result;
			bytes = label.text;
			size = label.length;
		}
		if (used + size + 1 >= HOST_TEXT_BYTES)
			return err_set(err, -EINVAL, "the host is longer than 253 characters");
		memcpy(host + used, bytes, size);
		used += size;
		if (dot)
			host[used++] = '.';
		at = stop + (dot != NULL);
	}
	host[used] = '\0';
	return 0;
}
