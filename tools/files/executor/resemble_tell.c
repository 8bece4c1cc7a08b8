/* SPDX-License-Identifier: Apache-2.0 */
/* The place that resembles a wanted text, shown with line numbers, and what differs line by line
 * (resemble.h). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/resemble.h"

#define LINES_SHOWN  8
#define LINE_BYTES   160 /* shown of each */
#define DIFFERENCES  4   /* told; the same one on several lines is one */
#define CLAUSE_BYTES 240
#define PLACE_BYTES  (64u << 10) /* of the place that are looked at: far more than is shown */

/* Lines of a text, one after the other. */
struct cursor {
	const char *text;
	size_t length, at;
	uint64_t number;
};

struct piece {
	const char *text;
	size_t length;
};

static bool next_line(struct cursor *cursor, struct piece *line)
{
	const char *end;

	if (cursor->at >= cursor->length)
		return false;
	line->text = cursor->text + cursor->at;
	end = memchr(line->text, '\n', cursor->length - cursor->at);
	line->length = end ? (size_t)(end - line->text) : cursor->length - cursor->at;
	cursor->at += line->length + 1;
	cursor->number++;
	return true;
}

static bool blank(const struct piece *line)
{
	size_t at = 0;

	while (at < line->length)
		if (resemble_plain(text_next(&text_plain, (const uint8_t *)line->text, line->length, &at)))
			return false;
	return true;
}

/* ---- what of the file is compared ---- */

static bool is_end(const struct resemble *resemble, uint32_t c)
{
	return c == '\n' || (c == '\r' && resemble->text->ends == TEXT_CR);
}

/* The character that ends at `at` > 0. */
static uint32_t character_before(const struct resemble *resemble, size_t *at)
{
	size_t unit = text_unit(resemble->text), next;

	do
		*at -= *at > unit ? unit : *at;
	while (*at > 0 && resemble->text->encoding == TEXT_UTF8 && (resemble->bytes[*at] & 0xc0) == 0x80);
	next = *at;
	return text_next(resemble->text, resemble->bytes, resemble->length, &next);
}

/* Back over the characters of the line before `at`, or only over spaces. */
static size_t back(const struct resemble *resemble, size_t at, bool spaces)
{
	while (at > 0) {
		size_t before = at;
		uint32_t c = character_before(resemble, &before);

		if (is_end(resemble, c) || (spaces && !resemble_space(c)))
			break;
		at = before;
	}
	return at;
}

/* The same forward. */
static size_t forth(const struct resemble *resemble, size_t at, bool spaces)
{
	while (at < resemble->length) {
		size_t next = at;
		uint32_t c = text_next(resemble->text, resemble->bytes, resemble->length, &next);

		if (is_end(resemble, c) || (spaces && !resemble_space(c)))
			break;
		at = next;
	}
	return at;
}

/* Bytes of the file as UTF-8 with LF. */
static int show(const struct resemble *resemble, size_t from, size_t to, struct buffer *out)
{
	size_t length = to - from < PLACE_BYTES ? to - from : PLACE_BYTES;
	int result = text_show(resemble->text, resemble->bytes + from, length, out);

	if (result == 0 && resemble->text->ends == TEXT_CR)
		for (char *at = buffer_data(out), *end = at + buffer_length(out); at < end; at++)
			*at = *at == '\r' ? '\n' : *at;
	return result;
}

/* ---- what differs ---- */

struct telling {
	struct buffer *out;
	const char *name;
	char words[CLAUSE_BYTES]; /* of the lines `first` to `last` */
	uint64_t first, last;
	unsigned told, left_out;
};

static int flush(struct telling *telling)
{
	int result = 0;

	if (telling->words[0] && telling->told < DIFFERENCES) {
		result = telling->first == telling->last
				 ? buffer_printf(telling->out, "\n- line %" PRIu64 ": %s", telling->first,
						 telling->words)
				 : buffer_printf(telling->out, "\n- lines %" PRIu64 " to %" PRIu64 ": %s",
						 telling->first, telling->last, telling->words);
		telling->told++;
	} else if (telling->words[0]) {
		telling->left_out++;
	}
	telling->words[0] = '\0';
	return result;
}

static int tell(struct telling *telling, uint64_t line, const char *words)
{
	int result = 0;

	if (strcmp(words, telling->words) != 0) {
		result = flush(telling);
		snprintf(telling->words, sizeof telling->words, "%s", words);
		telling->first = line;
	}
	telling->last = line;
	return result;
}

static int compare(struct telling *telling, struct cursor *file, struct cursor *wanted, bool part)
{
	struct piece left, right;
	bool has_left = next_line(file, &left), has_right = next_line(wanted, &right);
	char words[CLAUSE_BYTES];
	int result = 0;

	while (result == 0 && (has_left || has_right)) {
		bool only_left = has_left && (!has_right || (blank(&left) && !blank(&right)));
		bool only_right = has_right && (!has_left || (blank(&right) && !blank(&left)));

		if (only_left)
			snprintf(words, sizeof words, "a%s line that %s does not have",
				 blank(&left) ? " blank" : "", telling->name);
		else if (only_right)
			snprintf(words, sizeof words, "before it %s has %s line that the file does not have",
				 telling->name, blank(&right) ? "a blank" : "another");
		else
			resemble_line(left.text, left.length, right.text, right.length, part, telling->name,
				      words, sizeof words);
		result = tell(telling, file->number, words);
		if (!only_right)
			has_left = next_line(file, &left);
		if (!only_left)
			has_right = next_line(wanted, &right);
	}
	return result < 0 ? result : flush(telling);
}

static int show_lines(const struct resemble *resemble, struct buffer *out)
{
	_cleanup_(buffer_deinit) struct buffer shown;
	struct cursor cursor = {.number = resemble->first_line - 1};
	struct piece line;
	int result;

	buffer_init(&shown, 4 * PLACE_BYTES);
	result = show(resemble, back(resemble, resemble->begin, false), forth(resemble, resemble->end, false),
		      &shown);
	cursor.text = buffer_data(&shown);
	cursor.length = buffer_length(&shown);
	for (unsigned i = 0; result == 0 && i < LINES_SHOWN && next_line(&cursor, &line); i++) {
		size_t length = line.length;

		if (length > LINE_BYTES)
			for (length = LINE_BYTES; length && (line.text[length] & 0xc0) == 0x80;)
				length--;
		result = buffer_printf(out, "\n%6" PRIu64 " | %.*s%s", cursor.number, (int)length, line.text,
				       length < line.length ? " [..]" : "");
	}
	if (result == 0 && cursor.at < cursor.length)
		result = buffer_append_text(out, "\n       [and more lines]");
	return result;
}

/* Line ends around the wanted text say nothing about the lines that it has. */
static struct cursor trim(const struct resemble *resemble)
{
	struct cursor wanted = {.text = resemble->wanted, .length = resemble->wanted_length};

	while (wanted.length > 0 && *wanted.text == '\n') {
		wanted.text++;
		wanted.length--;
	}
	while (wanted.length > 0 && wanted.text[wanted.length - 1] == '\n')
		wanted.length--;
	return wanted;
}

/* The part of the file to compare. Spaces around it count only where the wanted text has some there. */
static int show_place(const struct resemble *resemble, const struct cursor *wanted, struct buffer *place)
{
	size_t from = back(resemble, resemble->begin, resemble->whole);
	size_t to = forth(resemble, resemble->end, resemble->whole);

	if (resemble->whole && resemble_plain((uint8_t)wanted->text[0]))
		from = resemble->begin;
	if (resemble->whole && resemble_plain((uint8_t)wanted->text[wanted->length - 1]))
		to = resemble->end;
	return show(resemble, from, to, place);
}

int resemble_tell(const struct resemble *resemble, const char *name, struct buffer *out)
{
	_cleanup_(buffer_deinit) struct buffer place;
	struct telling telling = {.out = out, .name = name};
	struct cursor file = {.number = resemble->first_line - 1}, wanted = trim(resemble);
	bool one = wanted.length && !memchr(wanted.text, '\n', wanted.length);
	int result;

	buffer_init(&place, 4 * PLACE_BYTES);
	if (!resemble->found || wanted.length == 0)
		return 0;
	result = show_place(resemble, &wanted, &place);
	if (result == 0)
		result = buffer_printf(out, "The nearest is %s %" PRIu64 ":", one ? "line" : "at line",
				       resemble->first_line);
	if (result == 0)
		result = show_lines(resemble, out);
	file.text = buffer_data(&place);
	file.length = buffer_length(&place);
	if (result == 0)
		result = buffer_append_text(out, "\nWhat differs:");
	if (result == 0)
		result = compare(&telling, &file, &wanted, one && !resemble->whole);
	if (result == 0 && telling.left_out)
		result = buffer_append_text(out, "\n- and more");
	if (result == 0 && telling.told == 0)
		result = buffer_append_text(out, "\n- the line ends before or behind it");
	return result;
}
