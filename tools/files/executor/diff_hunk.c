/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hunks of a unified diff (POSIX diff, "Diff -u or -U Output Format"): changes with lines around them, those
 * that are near each other in one hunk. A hunk is collected before it is written, since its first line counts
 * the others.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tools/files/executor/diff_parts.h"

#define HEADER_BYTES 96  /* "@@ -L,N +L,N @@" */
#define LEAD_BYTES   200 /* shown of a long line before its first difference */
#define FULL         1

/* ---- lines ---- */

static uint8_t end_byte(const struct text *text)
{
	return text->ends == TEXT_CR ? '\r' : '\n';
}

size_t diff_line_end(const struct diff_side *side, size_t at)
{
	size_t unit = text_unit(side->text);
	const uint8_t *found;

	if (at >= side->length)
		return side->length;
	if (unit == 1) {
		found = memchr(side->bytes + at, end_byte(side->text), side->length - at);
		return found ? (size_t)(found - side->bytes) + 1 : side->length;
	}
	for (; side->length - at >= unit; at += unit)
		if (text_is_unit(side->text, side->bytes + at, end_byte(side->text)))
			return at + unit;
	return side->length;
}

bool diff_line_ended(const struct diff_side *side, size_t at, size_t end)
{
	size_t unit = text_unit(side->text);

	return end - at >= unit && (end - at) % unit == 0 &&
	       text_is_unit(side->text, side->bytes + end - unit, end_byte(side->text));
}

size_t diff_line_before(const struct diff_side *side, size_t at)
{
	size_t unit = text_unit(side->text);
	const uint8_t *found;

	if (at <= unit)
		return 0;
	if (unit == 1) {
		found = memrchr(side->bytes, end_byte(side->text), at - 1);
		return found ? (size_t)(found - side->bytes) + 1 : 0;
	}
	for (at -= at % unit + unit; at >= unit; at -= unit)
		if (text_is_unit(side->text, side->bytes + at - unit, end_byte(side->text)))
			return at;
	return 0;
}

/* A place inside a line where a character begins, at most `at`. */
static size_t character_before(const struct diff_side *side, size_t start, size_t at)
{
	at -= (at - start) % text_unit(side->text);
	if (side->text->encoding == TEXT_UTF8)
		while (at > start && (side->bytes[at] & 0xc0) == 0x80)
			at--;
	return at;
}

/* One line [at, end) behind its sign. A long one is shown from `skip` bytes on. */
static int put_line(struct diff *diff, const struct diff_side *side, char sign, size_t at, size_t end,
		    size_t skip)
{
	struct buffer *body = &diff->work->body;
	size_t unit = text_unit(side->text), stop = end, cut = 0, before = body->end;
	bool ended = diff_line_ended(side, at, end);
	int result = buffer_append(body, &sign, 1);

	if (ended)
		stop -= unit;
	if (ended && side->text->ends == TEXT_CRLF && stop - at >= unit &&
	    text_is_unit(side->text, side->bytes + stop - unit, '\r'))
		stop -= unit;
	if (at == 0 && diff->old.text->mark == diff->new.text->mark && stop >= side->text->mark)
		at += side->text->mark;
	skip = stop - at > LIMIT_DIFF_LINE_BYTES && skip < stop - at ? skip : 0;
	skip = character_before(side, at, at + skip) - at;
	if (stop - at - skip > LIMIT_DIFF_LINE_BYTES) {
		cut = stop - character_before(side, at, at + skip + LIMIT_DIFF_LINE_BYTES);
		stop -= cut;
	}
	if (result == 0 && skip)
		result = buffer_printf(body, "[%zu bytes] ", skip);
	if (result == 0)
		result = text_show(side->text, side->bytes + at + skip, stop - at - skip, body);
	if (result == 0 && cut)
		result = buffer_printf(body, " [%zu bytes]", cut);
	if (result == 0)
		result = buffer_append_text(body, ended ? "\n" : "\n\\ No newline at end of file\n");
	if (result == -EMSGSIZE || body->end > diff->work->room) {
		body->end = before; /* whole lines only */
		return FULL;
	}
	return result;
}

/* ---- the open hunk ---- */

static int put_context(struct diff *diff, size_t from, uint64_t lines)
{
	struct diff_work *work = diff->work;
	int result = 0;

	for (; lines > 0 && from < diff->old.length && result == 0; lines--) {
		size_t end = diff_line_end(&diff->old, from);

		result = put_line(diff, &diff->old, ' ', from, end, 0);
		work->old_count += result == 0;
		work->new_count += result == 0;
		from = end;
	}
	return result;
}

static int put_range(struct buffer *out, uint64_t before, uint64_t count)
{
	/* a range of nothing is named by the line before it */
	if (count == 1)
		return buffer_printf(out, "%" PRIu64, before + 1);
	return buffer_printf(out, "%" PRIu64 ",%" PRIu64, before + (count != 0), count);
}

/* A tab behind a name with a blank, as git and diff do, so that nobody looks for a time stamp behind it. */
static int write_names(struct diff *diff)
{
	const char *old = diff->old.name, *new = diff->new.name;

	return buffer_printf(diff->out, "--- %s%s\n+++ %s%s\n", old, strchr(old, ' ') ? "\t" : "", new,
			     strchr(new, ' ') ? "\t" : "");
}

static int write_hunk(struct diff *diff)
{
	struct diff_work *work = diff->work;
	struct buffer *out = diff->out;
	int result = 0;

	if (!work->begun)
		result = write_names(diff);
	work->begun = true;
	if (result == 0 && (result = buffer_append_text(out, "@@ -")) == 0 &&
	    (result = put_range(out, work->old_line, work->old_count)) == 0 &&
	    (result = buffer_append_text(out, " +")) == 0 &&
	    (result = put_range(out, work->new_line, work->new_count)) == 0)
		result = buffer_append_text(out, " @@\n");
	if (result == 0)
		result = buffer_append(out, buffer_data(&work->body), buffer_length(&work->body));
	return result;
}

int diff_close_hunk(struct diff *diff)
{
	struct diff_work *work = diff->work;
	int result, written = 0;

	if (!work->open)
		return 0;
	result = put_context(diff, work->old_end.at, LIMIT_DIFF_CONTEXT);
	if (result >= 0 && work->changed)
		written = write_hunk(diff);
	buffer_clear(&work->body, LIMIT_FRAME_BYTES);
	work->open = false;
	return written < 0 ? written : result;
}

static int open_hunk(struct diff *diff, const struct diff_place *old, const struct diff_place *new)
{
	struct diff_work *work = diff->work;
	size_t names = work->begun ? 0 : strlen(diff->old.name) + strlen(diff->new.name) + 12;
	size_t used = buffer_length(diff->out) + HEADER_BYTES + names, at = old->at;
	uint64_t lines = 0;

	if (used >= diff->bound)
		return FULL;
	work->room = diff->bound - used;
	while (lines < LIMIT_DIFF_CONTEXT && lines < old->line && at > 0) {
		at = diff_line_before(&diff->old, at);
		lines++;
	}
	work->open = true;
	work->changed = 0;
	work->old_line = old->line - lines;
	work->new_line = new->line - lines;
	work->old_count = work->new_count = 0;
	return put_context(diff, at, lines);
}

/* Where a long line and the one that takes its place begin to differ, less some. */
static size_t first_difference(const struct diff *diff, size_t old, size_t old_end, size_t new,
			       size_t new_end)
{
	size_t least = old_end - old < new_end - new ? old_end - old : new_end - new, same = 0;

	if (least <= LIMIT_DIFF_LINE_BYTES)
		return 0;
	while (same < least && diff->old.bytes[old + same] == diff->new.bytes[new + same])
		same++;
	return same > LEAD_BYTES ? same - LEAD_BYTES : 0;
}

/* The lines [from, to) of one side; `other`, `limit` are the other's, to know where long ones differ. */
static int put_lines(struct diff *diff, bool old, size_t from, size_t to, size_t other, size_t limit)
{
	const struct diff_side *side = old ? &diff->old : &diff->new, *beside = old ? &diff->new : &diff->old;
	int result = 0;

	while (from < to && result == 0) {
		size_t end = diff_line_end(side, from), other_end = other, skip = 0;

		if (other < limit) {
			other_end = diff_line_end(beside, other);
			skip = old ? first_difference(diff, from, end, other, other_end)
				   : first_difference(diff, other, other_end, from, end);
		}
		result = put_line(diff, side, old ? '-' : '+', from, end, skip);
		diff->work->changed += result == 0;
		if (result == 0 && old) {
			diff->work->old_count++;
			diff->removed++;
		} else if (result == 0) {
			diff->work->new_count++;
			diff->added++;
		}
		from = end;
		other = other_end;
	}
	return result;
}

int diff_put_change(struct diff *diff, const struct diff_place *old, const struct diff_place *old_to,
		    const struct diff_place *new, const struct diff_place *new_to)
{
	struct diff_work *work = diff->work;
	int result = 0;

	if (work->open && old->line - work->old_end.line > 2 * LIMIT_DIFF_CONTEXT)
		result = diff_close_hunk(diff);
	if (result == 0)
		result = work->open ? put_context(diff, work->old_end.at, old->line - work->old_end.line)
				    : open_hunk(diff, old, new);
	if (result == 0)
		result = put_lines(diff, true, old->at, old_to->at, new->at, new_to->at);
	if (result == 0)
		result = put_lines(diff, false, new->at, new_to->at, old->at, old_to->at);
	work->old_end = *old_to;
	work->new_end = *new_to;
	if (result == FULL) {
		diff->cut = new->line + 1;
		/* what fitted of this hunk is shown, and what follows it is not its context */
		work->old_end.at = diff->old.length;
		result = diff_close_hunk(diff);
		return result < 0 ? result : FULL;
	}
	return result;
}
