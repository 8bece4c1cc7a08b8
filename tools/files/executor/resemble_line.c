/* SPDX-License-Identifier: Apache-2.0 */
/* How one line differs from another, in words a person would use (resemble.h). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/resemble.h"

#define SHOWN_BYTES 40 /* of each side where nothing better can be said than what stands there */
#define LEAST_PART  3  /* bytes of a wanted line by which its place in a longer one is known */

struct line {
	const uint8_t *bytes;
	size_t length, at;
};

struct clauses {
	char *to;
	size_t size, used;
	const char *name; /* of the wanted text */
	unsigned said;    /* kinds of difference: each once */
};

enum kind { INDENTATION, TAB, NO_BREAK, SPACES, INVISIBLE, QUOTES, DASHES, ELLIPSIS, CASE, UNREADABLE, END };

__attribute__((format(printf, 3, 4))) static void say(struct clauses *clauses, enum kind kind,
						      const char *format, ...)
{
	va_list arguments;
	int written;

	if (clauses->said >> kind & 1 || clauses->used >= clauses->size)
		return;
	if (clauses->said)
		clauses->used +=
			(size_t)snprintf(clauses->to + clauses->used, clauses->size - clauses->used, "; ");
	clauses->said |= 1u << kind;
	if (clauses->used >= clauses->size)
		return;
	va_start(arguments, format);
	written = vsnprintf(clauses->to + clauses->used, clauses->size - clauses->used, format, arguments);
	va_end(arguments);
	clauses->used += (size_t)written;
}

static uint32_t peek(const struct line *line)
{
	size_t at = line->at;

	return at < line->length ? text_next(&text_plain, line->bytes, line->length, &at) : 0;
}

static void pass(struct line *line)
{
	text_next(&text_plain, line->bytes, line->length, &line->at);
}

/* ---- spaces ---- */

struct spaces {
	unsigned tabs, spaces, no_break, returns, other;
};

static struct spaces take_spaces(struct line *line)
{
	struct spaces found = {0};

	while (line->at < line->length && resemble_space(peek(line))) {
		switch (peek(line)) {
		case '\t':
			found.tabs++;
			break;
		case ' ':
			found.spaces++;
			break;
		case '\r':
			found.returns++;
			break;
		case 0xa0:
		case 0x202f:
			found.no_break++;
			break;
		default:
			found.other++;
		}
		pass(line);
	}
	return found;
}

/* "2 tabs and 1 space", "nothing". */
static const char *spell(const struct spaces *spaces, char *to, size_t size)
{
	const struct {
		unsigned count;
		const char *one, *many;
	} kinds[] = {
		{spaces->tabs, "tab", "tabs"},
		{spaces->spaces, "space", "spaces"},
		{spaces->no_break, "no-break space (U+00A0)", "no-break spaces (U+00A0)"},
		{spaces->returns, "CR", "CR"},
		{spaces->other, "unusual space", "unusual spaces"},
	};
	size_t used = 0;

	snprintf(to, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i].count && used < size)
			used += (size_t)snprintf(to + used, size - used, "%s%u %s", used ? " and " : "",
						 kinds[i].count,
						 kinds[i].count == 1 ? kinds[i].one : kinds[i].many);
	return to;
}

static bool same_spaces(const struct line *file, size_t from, const struct line *wanted, size_t begin)
{
	size_t length = file->at - from;

	return length == wanted->at - begin && memcmp(file->bytes + from, wanted->bytes + begin, length) == 0;
}

/* Spaces of both sides at this place. */
static void compare_spaces(struct clauses *clauses, struct line *file, struct line *wanted, bool part)
{
	size_t from = file->at, begin = wanted->at;
	bool first = from == 0 && begin == 0;
	struct spaces left = take_spaces(file), right = take_spaces(wanted);
	bool ends = file->at == file->length && wanted->at == wanted->length;
	char one[120], other[120];

	if (same_spaces(file, from, wanted, begin) ||
	    (part && wanted->at == wanted->length && begin == wanted->at))
		return;
	spell(&left, one, sizeof one);
	spell(&right, other, sizeof other);
	if (ends && (left.returns != right.returns))
		say(clauses, END, "line end: %s before it in the file, %s in %s", one, other, clauses->name);
	else if (ends)
		say(clauses, END, "trailing spaces: %s in the file, %s in %s", one, other, clauses->name);
	else if (left.returns)
		say(clauses, END, "a CR without LF in the file, which ends no line there");
	else if (first)
		say(clauses, INDENTATION, "indentation: %s in the file, %s in %s", one, other, clauses->name);
	else
		say(clauses,
		    left.no_break != right.no_break ? NO_BREAK
		    : left.tabs != right.tabs       ? TAB
						    : SPACES,
		    "spacing: %s in the file, %s in %s", one, other, clauses->name);
}

/* ---- other characters ---- */

static const char *show(uint32_t c, char to[48])
{
	struct buffer buffer;

	if (c < 0x80) {
		snprintf(to, 48, "%c", (int)c);
		return to;
	}
	buffer_init(&buffer, 8);
	if (text_put_utf8(&buffer, c) == 0)
		snprintf(to, 48, "%.*s (U+%04X)", (int)buffer_length(&buffer), buffer_data(&buffer), c);
	buffer_deinit(&buffer);
	return to;
}

static bool take_ellipsis(struct line *dots, struct line *sign)
{
	if (peek(sign) != 0x2026 || dots->length - dots->at < 3 ||
	    memcmp(dots->bytes + dots->at, "...", 3) != 0)
		return false;
	dots->at += 3;
	pass(sign);
	return true;
}

/* Two characters that are not the same: do they mean the same? Then both are passed. */
static bool compare_characters(struct clauses *clauses, struct line *file, struct line *wanted)
{
	uint32_t left = peek(file), right = peek(wanted), plain = resemble_plain(left);
	char one[48], other[48];

	if (take_ellipsis(file, wanted) || take_ellipsis(wanted, file)) {
		say(clauses, ELLIPSIS, "ellipsis: one side has ... and the other \xe2\x80\xa6 (U+2026)");
		return true;
	}
	if (right == TEXT_NO_CHARACTER && left >= 0x80)
		say(clauses, UNREADABLE,
		    "%s in the file, U+FFFD in %s: write the character itself, it is converted to the "
		    "file's encoding",
		    show(left, one), clauses->name);
	else if (plain == 0 || plain != resemble_plain(right))
		return false;
	else if (plain == '\'' || plain == '"')
		say(clauses, QUOTES, "quotes: %s in the file, %s in %s", show(left, one), show(right, other),
		    clauses->name);
	else if (plain == '-')
		say(clauses, DASHES, "dashes: %s in the file, %s in %s", show(left, one), show(right, other),
		    clauses->name);
	else
		say(clauses, CASE, "letter case: %s in the file, %s in %s", show(left, one),
		    show(right, other), clauses->name);
	pass(file);
	pass(wanted);
	return true;
}

static bool compare_invisible(struct clauses *clauses, struct line *line, const char *where)
{
	if (line->at >= line->length || !resemble_invisible(peek(line)))
		return false;
	say(clauses, INVISIBLE, "an invisible character, U+%04X, in %s", peek(line), where);
	pass(line);
	return true;
}

/* Bytes from `at` on that may be shown: whole characters. */
static int shown(const struct line *line)
{
	size_t end = line->at + SHOWN_BYTES < line->length ? line->at + SHOWN_BYTES : line->length;

	while (end > line->at && end < line->length && (line->bytes[end] & 0xc0) == 0x80)
		end--;
	return (int)(end - line->at);
}

static void compare_rest(struct clauses *clauses, const struct line *file, const struct line *wanted)
{
	const char *left = (const char *)file->bytes + file->at,
		   *right = (const char *)wanted->bytes + wanted->at;

	if (file->at >= file->length)
		say(clauses, END, "the line ends where %s goes on with `%.*s`", clauses->name, shown(wanted),
		    right);
	else if (wanted->at >= wanted->length)
		say(clauses, END, "the line goes on with `%.*s` where %s ends it", shown(file), left,
		    clauses->name);
	else
		say(clauses, END, "the file has `%.*s` where %s has `%.*s`", shown(file), left, clauses->name,
		    shown(wanted), right);
}

/* Where in a longer line of the file a wanted one may begin: at the longest beginning that is there. */
static size_t find_part(const struct line *file, const struct line *wanted)
{
	size_t length = wanted->length < 200 ? wanted->length : 200;

	for (; length >= LEAST_PART; length--) {
		const uint8_t *found = memmem(file->bytes, file->length, wanted->bytes, length);

		if (found)
			return (size_t)(found - file->bytes);
	}
	return 0;
}

void resemble_line(const char *file_bytes, size_t file_length, const char *wanted_bytes, size_t wanted_length,
		   bool part, const char *name, char *words, size_t size)
{
	struct line file = {(const uint8_t *)file_bytes, file_length, 0},
		    wanted = {(const uint8_t *)wanted_bytes, wanted_length, 0};
	struct clauses clauses = {.to = words, .size = size, .name = name};

	words[0] = '\0';
	if (part)
		file.at = find_part(&file, &wanted);
	for (;;) {
		bool left = file.at < file.length, right = wanted.at < wanted.length;

		if ((left && resemble_space(peek(&file))) || (right && resemble_space(peek(&wanted)))) {
			compare_spaces(&clauses, &file, &wanted, part);
			if (part && wanted.at >= wanted.length)
				return;
			continue;
		}
		if (!right && (part || !left))
			return;
		if (left && right && peek(&file) == peek(&wanted)) {
			pass(&file);
			pass(&wanted);
			continue;
		}
		if (compare_invisible(&clauses, &file, "the file") ||
		    compare_invisible(&clauses, &wanted, name))
			continue;
		if (!left || !right || !compare_characters(&clauses, &file, &wanted)) {
			compare_rest(&clauses, &file, &wanted);
			return;
		}
	}
}
