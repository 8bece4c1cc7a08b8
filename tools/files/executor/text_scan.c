/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recognising what kind of text a file holds (text.h), from all of its bytes, in pieces. What is UTF-8 is
 * known; anything else with bytes above 0x7f is a guess, made so that a wrong one shows as characters that
 * are not found, never as a file that was changed where nobody asked.
 */
#include <string.h>

#include "tools/files/executor/scan.h"
#include "tools/files/executor/text.h"

const struct text text_plain = {.encoding = TEXT_UTF8, .ends = TEXT_LF};

bool text_is_utf16(const uint8_t *head, size_t length)
{
	if (length < 2 || !((head[0] == 0xff && head[1] == 0xfe) || (head[0] == 0xfe && head[1] == 0xff)))
		return false;
	/* the mark of UTF-32LE begins like that of UTF-16LE */
	return !(length >= 4 && head[0] == 0xff && head[2] == 0 && head[3] == 0);
}

void text_scan_begin(struct text_scan *scan)
{
	memset(scan, 0, sizeof *scan);
}

/* ---- one byte to a character, or several ---- */

/* Table 3-7 of Unicode 3.9: how many bytes follow a lead, and what the first of them may be. */
static void begin_sequence(struct text_scan *scan, uint8_t lead)
{
	scan->need = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
	scan->low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	scan->top = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	scan->have = 1;
}

static void add_utf8(struct text_scan *scan, uint8_t byte)
{
	if (scan->need && byte >= scan->low && byte <= scan->top) {
		scan->low = 0x80;
		scan->top = 0xbf;
		scan->have++;
		if (--scan->need == 0)
			scan->sequences++;
		return;
	}
	if (scan->need)
		scan->text.invalid += scan->have;
	scan->need = 0;
	if (byte >= 0xc2 && byte <= 0xf4)
		begin_sequence(scan, byte);
	else if (byte >= 0x80)
		scan->text.invalid++;
}

/* What tells the other encodings apart: do high bytes stand in pairs, and are there any that windows-1252 has
 * letters for, or nothing? */
static void add_high(struct text_scan *scan, uint8_t byte)
{
	if (byte < 0x80) {
		scan->single += scan->high;
		scan->high = false;
		return;
	}
	scan->paired += scan->high;
	scan->high = !scan->high;
	scan->controls += byte < 0xa0;
	scan->undefined += byte == 0x81 || byte == 0x8d || byte == 0x8f || byte == 0x90 || byte == 0x9d;
}

static void add_end(struct text_scan *scan, uint16_t unit)
{
	if (unit == '\n') {
		if (scan->cr)
			scan->text.crlf++;
		else
			scan->text.lf++;
	} else if (scan->cr) {
		scan->text.lone_cr++;
	}
	scan->cr = unit == '\r';
	scan->last = unit;
}

static void add_bytes(struct text_scan *scan, const uint8_t *bytes, size_t length)
{
	size_t at = 0;
	bool high = false;

	while (at < length) {
		size_t block = length - at < 4096 ? length - at : 4096;

		/* plain blocks, which most are, go at the speed of memory */
		if (!scan->cr && !scan->need && !memchr(bytes + at, '\r', block)) {
			size_t newlines = scan_lines(bytes + at, block, &high);

			if (!high) {
				scan->text.lf += newlines;
				add_high(scan, 0);
				scan->last = bytes[at + block - 1];
				at += block;
				continue;
			}
		}
		for (size_t end = at + block; at < end; at++) {
			add_end(scan, bytes[at]);
			add_utf8(scan, bytes[at]);
			add_high(scan, bytes[at]);
		}
		high = false;
	}
}

/* ---- UTF-16 ---- */

static void add_unit(struct text_scan *scan, uint16_t unit)
{
	bool low = (unit & 0xfc00) == 0xdc00, high = (unit & 0xfc00) == 0xd800;

	scan->text.invalid += (scan->lead && !low) + (low && !scan->lead);
	scan->lead = high ? unit : 0;
	add_end(scan, unit);
}

static void add_wide(struct text_scan *scan, const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!scan->held) {
			scan->first = bytes[i];
			scan->held = 1;
			continue;
		}
		scan->held = 0;
		add_unit(scan, scan->text.encoding == TEXT_UTF16LE ? (uint16_t)(scan->first | bytes[i] << 8)
								   : (uint16_t)(scan->first << 8 | bytes[i]));
	}
}

/* ---- both ---- */

/* The first bytes decide about the mark; they are kept until there are enough of them. */
static void judge_head(struct text_scan *scan)
{
	struct text *text = &scan->text;
	size_t have = scan->position < sizeof scan->head ? (size_t)scan->position : sizeof scan->head;

	scan->wide = text_is_utf16(scan->head, have);
	if (scan->wide)
		text->encoding = scan->head[0] == 0xff ? TEXT_UTF16LE : TEXT_UTF16BE;
	text->mark = scan->wide ? 2 : have >= 3 && memcmp(scan->head, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	if (scan->wide)
		add_wide(scan, scan->head + text->mark, have - text->mark);
	else
		add_bytes(scan, scan->head + text->mark, have - text->mark);
}

void text_scan_add(struct text_scan *scan, const uint8_t *bytes, size_t length)
{
	if (scan->position < sizeof scan->head) {
		size_t part = sizeof scan->head - (size_t)scan->position;

		if (part > length)
			part = length;
		if (part)
			memcpy(scan->head + scan->position, bytes, part);
		scan->position += part;
		if (scan->position < sizeof scan->head)
			return;
		judge_head(scan);
		bytes += part;
		length -= part;
	}
	scan->position += length;
	if (scan->wide)
		add_wide(scan, bytes, length);
	else
		add_bytes(scan, bytes, length);
}

/* Not UTF-8: well-formed sequences hardly ever come about by chance, so where they prevail it is damaged
 * UTF-8.
 */
static enum text_encoding guess(const struct text_scan *scan)
{
	if (scan->text.invalid == 0 || scan->text.mark || scan->sequences > scan->text.invalid)
		return TEXT_UTF8;
	if (scan->undefined || (scan->paired >= 8 && scan->paired > 4 * scan->single))
		return TEXT_OTHER;
	return scan->controls ? TEXT_WINDOWS_1252 : TEXT_LATIN1;
}

void text_scan_end(struct text_scan *scan, struct text *text)
{
	bool empty;

	if (scan->position < sizeof scan->head)
		judge_head(scan);
	empty = scan->position <= scan->text.mark;
	scan->text.lone_cr += scan->cr;
	scan->text.invalid += scan->wide ? (scan->lead != 0) + scan->held : scan->need ? scan->have : 0;
	scan->single += scan->high;
	*text = scan->text;
	if (!scan->wide)
		text->encoding = guess(scan);
	if (text->encoding != TEXT_UTF8 && !scan->wide)
		text->invalid = text->encoding == TEXT_OTHER ? text->invalid : 0;
	text->ends = text->crlf && text->lf ? TEXT_MIXED
		     : text->crlf           ? TEXT_CRLF
		     : text->lf             ? TEXT_LF
		     : text->lone_cr        ? TEXT_CR
					    : TEXT_NO_ENDS;
	text->last_ends = !empty && !scan->held && scan->last == (text->ends == TEXT_CR ? '\r' : '\n');
	text->lines = (text->ends == TEXT_CR ? text->lone_cr : text->crlf + text->lf) +
		      (!empty && !text->last_ends);
}

void text_recognise(struct text *text, const uint8_t *bytes, size_t length)
{
	struct text_scan scan;

	text_scan_begin(&scan);
	text_scan_add(&scan, bytes, length);
	text_scan_end(&scan, text);
}
