/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to results (lines.h): a window over its text moves along; matches are looked for in the whole
 * lines of the window, and only around them anything is done by lines. Trusts nothing of the file: neither
 * that it ends nor that its lines do.
 */
#include "tools/files/search/lines.h"

#include <errno.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/files/executor/scan.h"

int lines_init(struct lines *lines, const struct pattern *pattern, enum lines_mode mode, unsigned context,
	       const atomic_bool *stop)
{
	int result;

	*lines = (struct lines){.mode = mode, .context = mode == LINES_CONTENT ? context : 0, .stop = stop};
	sheet_init(&lines->sheet);
	result = source_init(&lines->source);
	return result < 0 ? result : matcher_init(&lines->matcher, pattern);
}

void lines_deinit(struct lines *lines)
{
	matcher_deinit(&lines->matcher);
	source_deinit(&lines->source);
	sheet_deinit(&lines->sheet);
}

/* ---- showing ---- */

/* The number of the line that begins at `at`, which never goes back. */
static uint64_t number_of(struct lines *lines, size_t at)
{
	bool ignored = false;

	if (at > lines->counted) {
		lines->line +=
			scan_lines(lines->source.bytes + lines->counted, at - lines->counted, &ignored);
		lines->counted = at;
	}
	return lines->line + 1;
}

static void put_left_out(struct lines *lines, size_t count)
{
	sheet_put(&lines->sheet, "[.. ", 4);
	sheet_put_number(&lines->sheet, count);
	sheet_put(&lines->sheet, " bytes ..]", 10);
}

/* Not in the middle of a character of UTF-8. */
static size_t at_character(const uint8_t *bytes, size_t at, size_t least)
{
	for (int back = 0; back < 3 && at > least && (bytes[at] & 0xc0) == 0x80; back++)
		at--;
	return at;
}

/* A line's text; of a long one what stands around `match`, and how much was left out. */
static void put_text(struct lines *lines, size_t begin, size_t end, size_t match)
{
	const uint8_t *bytes = lines->source.bytes;
	size_t first = begin, last = end;

	if (last > first && bytes[last - 1] == '\r')
		last--;
	if (last - first > LIMIT_SEARCH_SHOWN_BYTES) {
		size_t before = LIMIT_SEARCH_SHOWN_BYTES / 4;

		if (match > begin + before)
			first = at_character(bytes, match - before, begin);
		if (last - first > LIMIT_SEARCH_SHOWN_BYTES)
			last = at_character(bytes, first + LIMIT_SEARCH_SHOWN_BYTES, first);
		else
			first = at_character(bytes, last - LIMIT_SEARCH_SHOWN_BYTES, begin);
	}
	if (first > begin)
		put_left_out(lines, first - begin);
	sheet_put(&lines->sheet, bytes + first, last - first);
	if (end > last + 1)
		put_left_out(lines, end - last);
	sheet_put(&lines->sheet, "\n", 1);
}

static void put_line(struct lines *lines, size_t begin, size_t end, size_t match, char mark)
{
	uint64_t number = number_of(lines, begin);

	sheet_put(&lines->sheet, lines->path, lines->path_length);
	sheet_put(&lines->sheet, &mark, 1);
	sheet_put_number(&lines->sheet, number);
	sheet_put(&lines->sheet, &mark, 1);
	put_text(lines, begin, end, match);
}

static size_t end_of_line(const struct lines *lines, size_t at, size_t limit)
{
	const uint8_t *newline = memchr(lines->source.bytes + at, '\n', limit - at);

	return newline ? (size_t)(newline - lines->source.bytes) : limit;
}

/* Lines behind the last match, up to `limit`. */
static void show_after(struct lines *lines, size_t limit)
{
	while (lines->after > 0 && lines->shown < limit) {
		size_t end = end_of_line(lines, lines->shown, limit);

		put_line(lines, lines->shown, end, lines->shown, '-');
		lines->shown = end + 1 < limit ? end + 1 : limit;
		lines->after--;
	}
}

/* Where the line `count` lines before `at` begins, but not before `least`. */
static size_t lines_back(const struct lines *lines, size_t at, unsigned count, size_t least)
{
	while (count-- > 0 && at > least) {
		const uint8_t *newline = memrchr(lines->source.bytes + least, '\n', at - 1 - least);

		at = newline ? (size_t)(newline + 1 - lines->source.bytes) : least;
	}
	return at;
}

static void show_match(struct lines *lines, const struct match *match, size_t limit)
{
	size_t begin, at, end;
	unsigned shown = 0;

	show_after(lines, match->line);
	begin = lines_back(lines, match->line, lines->context, lines->shown);
	sheet_begin(&lines->sheet, !lines->any || lines->gap || begin > lines->shown ? SHEET_GAP : 0);
	for (at = begin; at < match->line; at = end + 1) {
		end = end_of_line(lines, at, match->line);
		put_line(lines, at, end, at, '-');
	}
	do {
		end = at < match->line_end ? end_of_line(lines, at, match->line_end) : match->line_end;
		if (shown++ < LIMIT_SEARCH_LINES)
			put_line(lines, at, end, match->start > at ? match->start : at, ':');
		at = end + 1;
	} while (at <= match->line_end);
	if (shown > LIMIT_SEARCH_LINES) {
		sheet_put(&lines->sheet, "[.. ", 4);
		sheet_put_number(&lines->sheet, shown - LIMIT_SEARCH_LINES);
		sheet_put(&lines->sheet, " lines of this match ..]\n", 25);
	}
	lines->any = true;
	lines->gap = false;
	lines->shown = match->line_end + 1 < limit ? match->line_end + 1 : limit;
	lines->after = lines->context;
}

/* ---- looking ---- */

/* What is done with one match. False: this file is done. */
static bool take_match(struct lines *lines, const struct match *match, size_t limit)
{
	lines->matches++;
	switch (lines->mode) {
	case LINES_FILES:
		sheet_begin(&lines->sheet, 0);
		sheet_put(&lines->sheet, lines->path, lines->path_length);
		sheet_put(&lines->sheet, "\n", 1);
		return false;
	case LINES_COUNT:
		return !atomic_load_explicit(lines->stop, memory_order_relaxed);
	default:
		show_match(lines, match, limit);
		if (buffer_length(&lines->sheet.records) >= LIMIT_SEARCH_SHEET_BYTES && !lines->full(lines))
			return false;
		return !atomic_load_explicit(lines->stop, memory_order_relaxed);
	}
}

/* All matches in the window's [lines->from, limit). False: this file is done. */
static bool look(struct lines *lines, size_t limit)
{
	const uint8_t *bytes = lines->source.bytes;
	struct match match;

	matcher_begin(&lines->matcher, bytes + lines->from, limit - lines->from);
	while (lines->from < limit) {
		enum matched result = matcher_next(&lines->matcher, bytes, lines->from, limit, &match);

		if (result == MATCHED_NOTHING)
			break;
		lines->from = match.line_end + 1 < limit ? match.line_end + 1 : limit;
		if (result == MATCHED_TOO_MUCH) {
			if (++lines->facts.overruns >= LIMIT_SEARCH_OVERRUNS || atomic_load(lines->stop))
				return false;
		} else if (!take_match(lines, &match, limit)) {
			return false;
		}
	}
	lines->from = limit;
	show_after(lines, limit);
	return true;
}

/* Forgets the window's first bytes: what stands from `keep` on stays. */
static void move_on(struct lines *lines, size_t keep)
{
	number_of(lines, keep);
	source_drop(&lines->source, keep);
	lines->counted -= keep;
	lines->from = lines->from > keep ? lines->from - keep : 0;
	lines->gap |= lines->shown < keep;
	lines->shown = lines->shown > keep ? lines->shown - keep : 0;
}

/* Of a line whose match was shown: drops all up to its end. True when that was found. */
static bool pass_over(struct lines *lines)
{
	struct source *source = &lines->source;
	const uint8_t *newline = memchr(source->bytes, '\n', source->length);

	lines->from = newline ? (size_t)(newline + 1 - source->bytes) : source->length;
	lines->shown = lines->from;
	lines->inside = !newline;
	move_on(lines, lines->from);
	return newline;
}

/*
 * How much of the window can be looked at: whole lines, or all when the file ends here. 0: more is needed.
 * *piece: it is a part of a line, or of a text, that is longer than may be held.
 */
static size_t find_limit(struct lines *lines, bool *piece)
{
	struct source *source = &lines->source;
	const uint8_t *newline;

	*piece = false;
	if (source->eof)
		return source->length;
	if (lines->matcher.pattern->multiline && source_grow(source))
		return 0;
	newline = memrchr(source->bytes + lines->from, '\n', source->length - lines->from);
	if (newline) {
		*piece = lines->matcher.pattern->multiline;
		return (size_t)(newline + 1 - source->bytes);
	}
	if (source_grow(source))
		return 0;
	*piece = true;
	return source->length;
}

/* What of the window stays for the next one: lines before a match to come, and where pieces overlap. */
static size_t find_keep(const struct lines *lines, size_t limit, bool piece)
{
	size_t keep = lines_back(lines, limit, lines->context, 0);

	if (piece && limit > LIMIT_SEARCH_OVERLAP_BYTES && keep > limit - LIMIT_SEARCH_OVERLAP_BYTES)
		keep = limit - LIMIT_SEARCH_OVERLAP_BYTES;
	/* long lines around a match are not worth half a window */
	return keep > limit / 2                     ? keep
	       : limit > LIMIT_SEARCH_OVERLAP_BYTES ? limit - LIMIT_SEARCH_OVERLAP_BYTES
						    : limit;
}

/* A window was looked at up to `limit`: the next one. */
static void next_window(struct lines *lines, size_t limit, bool piece, bool found)
{
	bool in_line = piece && !lines->matcher.pattern->multiline;
	size_t keep = find_keep(lines, limit, piece);

	lines->facts.pieces += piece;
	if (in_line && found) { /* a line is shown once */
		lines->inside = true;
		keep = limit;
	} else if (piece) {
		/* what was found is not found again; all else may go on behind the end */
		lines->from = lines->shown > keep && lines->any ? lines->shown : keep;
	}
	move_on(lines, keep);
}

static void search_text(struct lines *lines)
{
	struct source *source = &lines->source;

	while (!atomic_load_explicit(lines->stop, memory_order_relaxed)) {
		uint64_t matches = lines->matches;
		bool piece;
		size_t limit;

		if (lines->inside && !pass_over(lines) && source->eof)
			return;
		if (lines->inside) {
			if (source_fill(source) < 0)
				return;
			continue;
		}
		limit = find_limit(lines, &piece);
		if (limit) {
			if (!look(lines, limit) || source->eof)
				return;
			next_window(lines, limit, piece, lines->matches != matches);
		} else if (source->eof) {
			return;
		}
		if (source_fill(source) < 0) {
			lines->facts.unreadable++;
			return;
		}
	}
}

void lines_search(struct lines *lines, int fd, const char *path, size_t path_length)
{
	int result = source_open(&lines->source, fd);

	if (result == 0)
		result = source_fill(&lines->source);
	if (result != 0) {
		lines->facts.unreadable += result < 0;
		return;
	}
	if (!lines->source.wide && source_is_binary(&lines->source)) {
		lines->facts.binary++;
		return;
	}
	lines->path = path;
	lines->path_length = path_length;
	lines->from = lines->shown = lines->counted = 0;
	lines->line = lines->matches = 0;
	lines->after = 0;
	lines->any = lines->gap = lines->inside = false;
	lines->facts.files++;
	search_text(lines);
	lines->facts.holes += lines->source.holes;
	if (lines->mode == LINES_COUNT && lines->matches > 0) {
		sheet_begin(&lines->sheet, 0);
		sheet_put(&lines->sheet, path, path_length);
		sheet_put(&lines->sheet, ":", 1);
		sheet_put_number(&lines->sheet, lines->matches);
		sheet_put(&lines->sheet, "\n", 1);
	}
}
