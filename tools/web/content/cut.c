/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting text into pages where a reader would (cut.h). */
#include "tools/web/content/cut.h"

#include <stdint.h>
#include <string.h>

#include "tools/web/content/charset.h"

enum place { /* in rising order of preference */
	     PLACE_LINE,
	     PLACE_BLANK,
	     PLACE_HEADING,
	     PLACES,
};

/* The last cut of each kind, and the last that divides a fenced block or a table. */
struct cuts {
	size_t at[PLACES], inside;
};

struct fence {
	char mark; /* '\0': outside */
	size_t length;
};

static size_t run(const char *line, size_t length, char c)
{
	size_t count = 0;

	while (count < length && line[count] == c)
		count++;
	return count;
}

/* CommonMark, "fenced code blocks": three or more of a mark open; as many and nothing else close. */
static void follow_fence(struct fence *fence, const char *line, size_t length)
{
	size_t indent = run(line, length, ' '), marks;
	char mark;

	if (indent == length)
		return;
	line += indent;
	length -= indent;
	mark = fence->mark ? fence->mark : line[0];
	marks = run(line, length, mark);
	if ((mark != '`' && mark != '~') || marks < 3)
		return;
	if (!fence->mark) {
		if (mark == '~' || !memchr(line + marks, '`', length - marks))
			*fence = (struct fence){mark, marks};
	} else if (marks >= fence->length && marks + run(line + marks, length - marks, ' ') == length) {
		fence->mark = '\0';
	}
}

static bool is_blank(const char *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	return true;
}

static bool is_row(const char *line, size_t length)
{
	return length > 0 && line[0] == '|';
}

/* Walks the lines up to `last`, where each ends a page could end. */
static void find_cuts(struct cuts *cuts, const char *text, size_t length, size_t begin, size_t last,
		      bool markdown)
{
	struct fence fence = {0};
	bool blank = false, row = false;

	for (size_t at = 0; at <= last && at < length;) {
		const char *line = text + at, *end = memchr(line, '\n', length - at);
		size_t line_length = end ? (size_t)(end - line) : length - at;
		bool inside = fence.mark || (row && markdown && is_row(line, line_length));

		if (at > begin) { /* the place in front of this line */
			if (inside)
				cuts->inside = at;
			else if (markdown && line[0] == '#')
				cuts->at[PLACE_HEADING] = at;
			else if (blank && !is_blank(line, line_length))
				cuts->at[PLACE_BLANK] = at;
			else
				cuts->at[PLACE_LINE] = at;
		}
		blank = is_blank(line, line_length);
		row = is_row(line, line_length);
		if (markdown)
			follow_fence(&fence, line, line_length);
		at += line_length + 1;
	}
}

static bool is_inside(const char *text, size_t at)
{
	return ((unsigned char)text[at] & 0xc0) == 0x80;
}

/* Marks that belong to the character before them: combining diacritics, variation selectors, joiners. */
static bool is_mark(const char *text, size_t length, size_t at)
{
	const char *from = text + at;
	uint32_t code = charset_next(&from, text + length);

	return (code >= 0x300 && code <= 0x36f) || (code >= 0x200c && code <= 0x200d) ||
	       (code >= 0x20d0 && code <= 0x20ff) || (code >= 0x3099 && code <= 0x309a) ||
	       (code >= 0xfe00 && code <= 0xfe0f) || (code >= 0x1f3fb && code <= 0x1f3ff);
}

/* Inside a line: behind a sentence or a word of the last quarter, else between characters. */
static size_t cut_line(const char *text, size_t length, size_t begin, size_t last)
{
	size_t least = begin + (last - begin) / 4 * 3, word = 0, at = last;

	for (size_t i = last; i > least && i > begin; i--) {
		bool space = text[i - 1] == ' ' || text[i - 1] == '\n' || text[i - 1] == '\t';

		if (space && !word)
			word = i;
		if (space && i > least + 1 && strchr(".!?", text[i - 2]) && text[i - 2])
			return i;
		if (i >= 3 && (memcmp(text + i - 3, "\xe3\x80\x82", 3) == 0)) /* the ideographic full stop */
			return i;
	}
	if (word)
		return word;
	for (size_t back = 0; back < 32 && at > begin && (is_inside(text, at) || is_mark(text, length, at));
	     back++)
		at--;
	for (; at > begin && is_inside(text, at);)
		at--;
	return at > begin ? at : last; /* continuation bytes only: any place is as good */
}

size_t cut_page(const char *text, size_t length, size_t begin, size_t most, bool markdown)
{
	size_t last = begin + most, least = begin + most / 3 * 2;
	struct cuts cuts = {0};

	if (most >= length - begin)
		return length;
	find_cuts(&cuts, text, length, begin, last, markdown);
	for (size_t place = PLACES; place-- > 0;)
		if (cuts.at[place] > least)
			return cuts.at[place];
	for (size_t place = PLACES;
	     place-- > 0;) /* in front of a block that would be cut, if it leaves a page */
		if (cuts.inside && cuts.at[place] > begin + most / 8)
			return cuts.at[place];
	if (cuts.inside > begin)
		return cuts.inside;
	return cut_line(text, length, begin, last);
}
