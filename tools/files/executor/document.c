/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text file while it is edited (document.h). Opening and saving are each other's inverse for any bytes at
 * all: a CR is taken only from before an LF, and remembered; a file of CR alone has no LF that could be
 * confused with one.
 */
#include "tools/files/executor/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/scan.h"

static uint8_t *put_unit(const struct text *text, uint8_t *to, uint8_t byte)
{
	if (text->encoding == TEXT_UTF16BE)
		*to++ = 0;
	*to++ = byte;
	if (text->encoding == TEXT_UTF16LE)
		*to++ = 0;
	return to;
}

/* The same as take(), below, for bytes: line by line, at the speed of memory. */
static uint8_t *take_bytes(struct document *document, const uint8_t *from, const uint8_t *end)
{
	bool cr_ends = document->text->ends == TEXT_CR;
	uint8_t *to = document->bytes;

	while (from < end) {
		const uint8_t *found = memchr(from, cr_ends ? '\r' : '\n', (size_t)(end - from));
		size_t length = (size_t)((found ? found : end) - from);
		bool cr = found && !cr_ends && length && from[length - 1] == '\r';

		memcpy(to, from, length);
		to += length - cr;
		if (found)
			*to++ = '\n';
		if (found && document->ends)
			document->ends[document->lines++] = cr;
		from += length + (found != NULL);
	}
	return to;
}

/* Copies with each line end as one LF; into ends[] which one it was. Returns the end of what was written. */
static uint8_t *take(struct document *document, const uint8_t *from, const uint8_t *end)
{
	const struct text *text = document->text;
	size_t unit = text_unit(text);
	uint8_t *to = document->bytes;
	bool cr = false;

	for (; (size_t)(end - from) >= unit; from += unit) {
		bool lf = text_is_unit(text, from, '\n');

		if (lf && document->ends)
			document->ends[document->lines++] = cr;
		if (lf && cr)
			to -= unit; /* the CR was copied */
		cr = text_is_unit(text, from, '\r');
		if (cr && text->ends == TEXT_CR) {
			to = put_unit(text, to, '\n');
			continue;
		}
		memcpy(to, from, unit);
		to += unit;
	}
	if (from < end) /* half a unit at the very end */
		*to++ = *from;
	return to;
}

int document_open(struct document *document, const struct text *text, const uint8_t *bytes, size_t length)
{
	size_t mark = text->mark < length ? text->mark : length;

	*document = (struct document){.text = text};
	document->bytes = malloc(length - mark + 1);
	if (text->ends == TEXT_MIXED)
		document->ends = malloc(text->crlf + text->lf);
	if (!document->bytes || (text->ends == TEXT_MIXED && !document->ends)) {
		document_close(document);
		return -ENOMEM;
	}
	if (mark)
		memcpy(document->mark, bytes, mark);
	if (text->ends == TEXT_LF || text->ends == TEXT_NO_ENDS) {
		document->length = length - mark;
		if (document->length)
			memcpy(document->bytes, bytes + mark, document->length);
		return 0;
	}
	document->length =
		(size_t)((text_unit(text) == 1 ? take_bytes : take)(document, bytes + mark, bytes + length) -
			 document->bytes);
	return 0;
}

void document_close(struct document *document)
{
	free(steal_pointer(document->bytes));
	free(steal_pointer(document->ends));
}

static size_t count_lines(const struct text *text, const uint8_t *from, const uint8_t *end)
{
	size_t unit = text_unit(text), count = 0;
	bool high;

	if (unit == 1)
		return scan_lines(from, (size_t)(end - from), &high);
	for (; (size_t)(end - from) >= unit; from += unit)
		count += text_is_unit(text, from, '\n');
	return count;
}

/* What take_bytes() has read, as it was. Returns the end of what was written. */
static uint8_t *give_bytes(const struct document *document, uint8_t *to)
{
	const uint8_t *from = document->bytes, *end = from + document->length;
	bool cr_ends = document->text->ends == TEXT_CR;
	size_t line = 0;

	while (from < end) {
		const uint8_t *found = memchr(from, '\n', (size_t)(end - from));
		size_t length = (size_t)((found ? found : end) - from);

		to = mempcpy(to, from, length);
		if (found && (cr_ends || !document->ends || document->ends[line++]))
			*to++ = '\r';
		if (found && !cr_ends)
			*to++ = '\n';
		from += length + (found != NULL);
	}
	return to;
}

/* The same for what take() has read. */
static uint8_t *give(const struct document *document, uint8_t *to)
{
	const struct text *text = document->text;
	const uint8_t *from = document->bytes, *end = from + document->length;
	size_t unit = text_unit(text), line = 0;

	for (; (size_t)(end - from) >= unit; from += unit) {
		bool lf = text_is_unit(text, from, '\n');

		if (lf && (text->ends == TEXT_CR || !document->ends || document->ends[line++]))
			to = put_unit(text, to, '\r');
		if (!lf || text->ends != TEXT_CR)
			to = mempcpy(to, from, unit);
	}
	return mempcpy(to, from, (size_t)(end - from)); /* half a unit at the very end */
}

int document_save(const struct document *document, uint8_t **bytes, size_t *length)
{
	const struct text *text = document->text;
	bool plain = text->ends == TEXT_LF || text->ends == TEXT_NO_ENDS;
	size_t more = plain ? 0
			    : text_unit(text) *
				      count_lines(text, document->bytes, document->bytes + document->length);
	uint8_t *to = malloc(text->mark + document->length + more + 1);

	if (!to)
		return -ENOMEM;
	*bytes = to;
	memcpy(to, document->mark, text->mark);
	to += text->mark;
	to = plain                  ? mempcpy(to, document->bytes, document->length)
	     : text_unit(text) == 1 ? give_bytes(document, to)
				    : give(document, to);
	*length = (size_t)(to - *bytes);
	return 0;
}

/*
 * In Shift-JIS, Big5 and GBK the second byte of a character may be one of ASCII, and none of them is below
 * '0': behind a byte above 0x7f such a byte may be half of a character.
 */
static bool may_be_half(const struct document *document, const struct document_part *part, size_t at)
{
	return document->text->encoding == TEXT_OTHER && at > 0 && document->bytes[at - 1] >= 0x80 &&
	       part->bytes[0] >= '0';
}

bool document_find(const struct document *document, const struct document_part *part, size_t from,
		   size_t most, size_t *at)
{
	size_t unit = text_unit(document->text), span = document->length - from;

	if (span > most && span - most > part->length)
		span = most + part->length - 1;
	while (span >= part->length) {
		const uint8_t *found = memmem(document->bytes + from, span, part->bytes, part->length);

		if (!found)
			break;
		*at = (size_t)(found - document->bytes);
		if (*at % unit == 0 && !may_be_half(document, part, *at))
			return true;
		span -= *at + 1 - from;
		from = *at + 1;
	}
	*at = from + span < document->length ? from + span - part->length + 1 : document->length;
	return false;
}

uint64_t document_line(const struct document *document, size_t at, size_t *begin, size_t *end)
{
	const struct text *text = document->text;
	size_t unit = text_unit(text), start = at - at % unit;

	while (start >= unit && !text_is_unit(text, document->bytes + start - unit, '\n'))
		start -= unit;
	*begin = start;
	*end = at - at % unit;
	while (document->length - *end >= unit && !text_is_unit(text, document->bytes + *end, '\n'))
		*end += unit;
	return count_lines(text, document->bytes, document->bytes + start) + 1;
}

/* ---- line ends of what is put in, where they are mixed ---- */

struct lines_kept {
	size_t first, last; /* lines that old and new have in common, at the beginning and at the end */
	size_t old, new;    /* LFs in each */
};

static struct lines_kept compare_lines(const struct text *text, const struct document_part *old,
				       const struct document_part *new)
{
	struct lines_kept kept = {.old = count_lines(text, old->bytes, old->bytes + old->length),
				  .new = count_lines(text, new->bytes, new->bytes + new->length)};
	size_t least = old->length < new->length ? old->length : new->length, same = 0,
	       unit = text_unit(text);

	while (same < least && old->bytes[same] == new->bytes[same])
		same++;
	kept.first = count_lines(text, old->bytes, old->bytes + same - same % unit);
	least -= same;
	same = 0;
	while (same < least && old->bytes[old->length - 1 - same] == new->bytes[new->length - 1 - same])
		same++;
	same -= same % unit;
	kept.last = count_lines(text, old->bytes + old->length - same, old->bytes + old->length);
	return kept;
}

/* The line whose end those get that take no other's place: one that stays, or where the place itself is. */
static uint8_t end_beside(const struct document *document, const struct lines_kept *kept, size_t line)
{
	if (kept->first)
		return document->ends[line + kept->first - 1];
	if (line < document->lines)
		return document->ends[line];
	return line ? document->ends[line - 1] : 0;
}

/* The ends of the lines put in at line `line` of the old ends[]. */
static void put_ends(const struct document *document, const struct lines_kept *kept, size_t line,
		     uint8_t *ends)
{
	const uint8_t *before = document->ends + line;
	size_t changed = kept->old - kept->first - kept->last, added = kept->new - kept->first - kept->last;

	memcpy(ends, before, kept->first);
	for (size_t i = 0; i < added; i++)
		ends[kept->first + i] = changed ? before[kept->first + (i < changed ? i : changed - 1)]
						: end_beside(document, kept, line);
	memcpy(ends + kept->first + added, before + kept->old - kept->last, kept->last);
}

/* The new ends[], to be freed; NULL: no memory. *lines is how many. */
static uint8_t *replace_ends(const struct document *document, const size_t *places, size_t count,
			     const struct document_part *old, const struct document_part *new, size_t *lines)
{
	struct lines_kept kept = compare_lines(document->text, old, new);
	size_t line = 0, from = 0, at = 0;
	uint8_t *ends;

	*lines = document->lines - count * kept.old + count * kept.new;
	ends = malloc(*lines + 1);
	for (size_t i = 0; ends && i < count; i++) {
		size_t between =
			count_lines(document->text, document->bytes + from, document->bytes + places[i]);

		memcpy(ends + at, document->ends + line, between);
		line += between;
		at += between;
		put_ends(document, &kept, line, ends + at);
		line += kept.old;
		at += kept.new;
		from = places[i] + old->length;
	}
	if (ends)
		memcpy(ends + at, document->ends + line, document->lines - line);
	return ends;
}

int document_replace(struct document *document, const size_t *places, size_t count,
		     const struct document_part *old, const struct document_part *new)
{
	size_t length = document->length - count * old->length + count * new->length, from = 0, lines = 0;
	_cleanup_free_ uint8_t *bytes = malloc(length + 1);
	uint8_t *ends = NULL, *to = bytes;

	if (!bytes)
		return -ENOMEM;
	if (document->ends && !(ends = replace_ends(document, places, count, old, new, &lines)))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		memcpy(to, document->bytes + from, places[i] - from);
		to += places[i] - from;
		if (new->length)
			memcpy(to, new->bytes, new->length);
		to += new->length;
		from = places[i] + old->length;
	}
	memcpy(to, document->bytes + from, document->length - from);
	document_close(document);
	document->bytes = steal_pointer(bytes);
	document->ends = ends;
	document->length = length;
	document->lines = lines;
	return 0;
}
