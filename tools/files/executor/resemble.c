/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding where a text would nearly be (resemble.h). The file is folded into one spelling, in which an edit
 * that missed only by spaces or quotes is found as it stands; meanwhile each folded line votes for the place
 * where the wanted text would begin if that line were the one it equals.
 */
#include "tools/files/executor/resemble.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define LINES       LIMIT_RESEMBLE_LINES
#define BUCKETS     (4 * LINES)
#define STEP_BYTES  (LIMIT_FILES_SLICE_BYTES / 4) /* folding costs that much more than looking */
#define LEAST_SHARE 4 /* of the wanted text, by bytes, must be there line by line: a quarter */
#define LEAST_SCORE                                                                                          \
	500 /* thousandths that the most similar line has in common with the longest wanted one              \
	     */

struct wanted_line {
	uint64_t hash;
	size_t at, length; /* in `wanted` */
	int16_t next;      /* with the same bucket; -1: none */
};

struct resemble_search {
	struct buffer wanted, file; /* folded */
	struct wanted_line lines[LINES];
	size_t count, key; /* of lines; the longest one */
	int16_t buckets[BUCKETS];
	uint8_t pairs[65536 / 8]; /* which pairs of bytes the longest line has */

	struct checkpoint {
		struct resemble_fold fold;
		size_t folded; /* bytes of `file` before it */
	} * checkpoints;       /* where each step began, so that no place is looked for from the start */
	size_t checkpoint_count;

	size_t scanned;          /* of `file`, to a line's start */
	size_t line;             /* lines before that */
	size_t votes[2 * LINES]; /* for each of the last places where the text may begin */
	size_t starts[2 * LINES];
	size_t best_votes, best_start; /* offset in `file` */
	size_t best_score, similar;    /* likewise, of the line that resembles the longest */
};

/* ---- one spelling ---- */

bool resemble_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool resemble_invisible(uint32_t c)
{
	return c == 0xad || (c >= 0x200b && c <= 0x200f) || c == 0x2060 || c == 0xfeff;
}

uint32_t resemble_plain(uint32_t c)
{
	if (c < 0x80) {
		if (c >= 'A' && c <= 'Z')
			return c | 0x20;
		return resemble_space(c) ? 0 : c;
	}
	if (resemble_space(c) || resemble_invisible(c))
		return 0;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x410 && c <= 0x42f) || (c >= 0x391 && c <= 0x3a9))
		return c + 0x20;
	if ((c >= 0x2018 && c <= 0x201b) || c == 0x2032)
		return '\'';
	if ((c >= 0x201c && c <= 0x201f) || c == 0x2033 || c == 0xab || c == 0xbb)
		return '"';
	if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212)
		return '-';
	return c;
}

/* Folds one character; what it became is appended. */
static int fold_character(struct resemble_fold *fold, uint32_t c, bool cr_ends, struct buffer *out)
{
	uint32_t plain;
	int result = 0;

	if (c == '\n' || c == '\r') { /* a CR that ends no line there may have been taken for one that does */
		fold->line += c == '\n' || cr_ends;
		fold->pending |= fold->begun;
		fold->begun = false;
		return 0;
	}
	plain = fold->vague && c >= 0x80 ? TEXT_NO_CHARACTER : resemble_plain(c);
	if (plain == 0)
		return 0;
	if (fold->pending)
		result = buffer_append(out, "\n", 1);
	fold->pending = false;
	fold->begun = true;
	if (result == 0)
		result = plain == 0x2026 ? buffer_append(out, "...", 3) : text_put_utf8(out, plain);
	return result;
}

static int fold_to(const struct resemble *resemble, struct resemble_fold *fold, size_t stop,
		   struct buffer *out)
{
	bool cr_ends = resemble->text->ends == TEXT_CR;
	int result = 0;

	while (fold->at < stop && result == 0) {
		uint32_t c = text_next(resemble->text, resemble->bytes, resemble->length, &fold->at);

		result = fold_character(fold, c, cr_ends, out);
	}
	return result;
}

/* ---- the wanted text ---- */

static uint64_t hash_of(const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	uint64_t hash = 0xcbf29ce484222325u;

	while (length--)
		hash = (hash ^ *at++) * 0x100000001b3u;
	return hash;
}

static void take_lines(struct resemble_search *search)
{
	const char *text = buffer_data(&search->wanted);
	size_t length = buffer_length(&search->wanted), at = 0;

	memset(search->buckets, 0xff, sizeof search->buckets);
	while (at < length && search->count < LINES) {
		const char *end = memchr(text + at, '\n', length - at);
		struct wanted_line *line = &search->lines[search->count];
		int16_t *bucket;

		line->at = at;
		line->length = end ? (size_t)(end - text) - at : length - at;
		line->hash = hash_of(text + at, line->length);
		bucket = &search->buckets[line->hash % BUCKETS];
		line->next = *bucket;
		*bucket = (int16_t)search->count;
		if (line->length > search->lines[search->key].length)
			search->key = search->count;
		search->count++;
		at += line->length + 1;
	}
	text += search->lines[search->key].at;
	length = search->lines[search->key].length;
	for (size_t i = 0; i + 1 < length; i++) {
		unsigned pair = (uint8_t)text[i] << 8 | (uint8_t)text[i + 1];

		search->pairs[pair / 8] |= (uint8_t)(1u << pair % 8);
	}
}

int resemble_begin(struct resemble *resemble, const struct text *text, const uint8_t *bytes, size_t length,
		   const char *wanted, size_t wanted_length)
{
	struct resemble_search *search = calloc(1, sizeof *search);
	struct resemble_fold fold = {.vague = wanted_length &&
					      memmem(wanted, wanted_length, "\xef\xbf\xbd", 3)};
	int result = 0;

	*resemble = (struct resemble){.text = text,
				      .bytes = bytes,
				      .length = length,
				      .wanted = wanted,
				      .wanted_length = wanted_length,
				      .fold = {.vague = fold.vague},
				      .search = search};
	if (!search)
		return -ENOMEM;
	buffer_init(&search->wanted, 4 * wanted_length + 16);
	buffer_init(&search->file, 4 * length + 16);
	search->checkpoints = calloc(length / STEP_BYTES + 2, sizeof *search->checkpoints);
	if (!search->checkpoints)
		result = -ENOMEM;
	while (fold.at < wanted_length && result == 0) {
		uint32_t c = text_next(&text_plain, (const uint8_t *)wanted, wanted_length, &fold.at);

		result = fold_character(&fold, c, text->ends == TEXT_CR, &search->wanted);
	}
	if (result < 0) {
		resemble_end(resemble);
		return result;
	}
	take_lines(search);
	return 0;
}

void resemble_end(struct resemble *resemble)
{
	if (resemble->search) {
		buffer_deinit(&resemble->search->wanted);
		buffer_deinit(&resemble->search->file);
		free(resemble->search->checkpoints);
	}
	free(steal_pointer(resemble->search));
}

/* ---- line by line ---- */

/* A folded line of the file: those of the wanted text that it equals vote for where that would begin. */
static void vote(struct resemble_search *search, const char *text, size_t length)
{
	size_t now = search->line % ARRAY_SIZE(search->votes);
	uint64_t hash = hash_of(text, length);

	search->votes[now] = 0;
	search->starts[now] = search->scanned;
	for (int i = search->buckets[hash % BUCKETS]; i >= 0; i = search->lines[i].next) {
		const struct wanted_line *line = &search->lines[i];
		size_t start;

		if (line->hash != hash || line->length != length || (size_t)i > search->line)
			continue;
		start = (search->line - (size_t)i) % ARRAY_SIZE(search->votes);
		search->votes[start] += length;
		if (search->votes[start] > search->best_votes) {
			search->best_votes = search->votes[start];
			search->best_start = search->starts[start];
		}
	}
}

/* How much of the longest wanted line is in this one, by pairs of bytes; a part of a long line counts too,
 * but less. */
static void compare(struct resemble_search *search, const char *text, size_t length)
{
	size_t wanted = search->lines[search->key].length, common = 0, score;

	if (wanted < 3 || length < wanted / 2)
		return;
	for (size_t i = 0; i + 1 < length; i++) {
		unsigned pair = (uint8_t)text[i] << 8 | (uint8_t)text[i + 1];

		common += search->pairs[pair / 8] >> pair % 8 & 1;
	}
	if (common > wanted - 1)
		common = wanted - 1;
	score = common * 1000 / (wanted - 1 + (length > wanted ? (length - wanted) / 8 : 0));
	if (score > search->best_score) {
		search->best_score = score;
		search->similar = search->scanned;
	}
}

static void scan_lines_of(struct resemble_search *search, bool last)
{
	size_t length = buffer_length(&search->file);

	while (search->scanned < length) {
		const char *text = buffer_data(&search->file) + search->scanned;
		const char *end = memchr(text, '\n', length - search->scanned);
		size_t line = end ? (size_t)(end - text) : length - search->scanned;

		if (!end && !last)
			return;
		vote(search, text, line);
		compare(search, text, line);
		search->scanned += line + 1;
		search->line++;
	}
}

/* ---- the place ---- */

/* From offsets in the folded text to those in the file: by folding again from the step before. */
static int locate(struct resemble *resemble, size_t from, size_t to)
{
	_cleanup_(buffer_deinit) struct buffer out;
	const struct resemble_search *search = resemble->search;
	size_t index = search->checkpoint_count - 1;
	struct resemble_fold fold;
	size_t folded;
	int result = 0;
	bool begun = false;

	while (index > 0 && search->checkpoints[index].folded > from)
		index--;
	fold = search->checkpoints[index].fold;
	folded = search->checkpoints[index].folded;
	buffer_init(&out, LIMIT_FRAME_BYTES);
	while (fold.at < resemble->length && folded < to && result == 0) {
		size_t at = fold.at;

		result = fold_to(resemble, &fold, at + 1, &out);
		folded += buffer_length(&out);
		buffer_clear(&out, LIMIT_FRAME_BYTES);
		if (folded > from && !begun) {
			begun = true;
			resemble->begin = at;
			resemble->first_line = fold.line + 1;
		}
		resemble->end = fold.at;
	}
	resemble->found = begun;
	return result;
}

/* The end, in the folded file, of as many lines as are wanted. */
static size_t lines_end(const struct resemble_search *search, size_t start)
{
	const char *text = buffer_data(&search->file);
	size_t length = buffer_length(&search->file), at = start;

	for (size_t i = 0; i < search->count && at < length; i++) {
		const char *end = memchr(text + at, '\n', length - at);

		at = end ? (size_t)(end - text) + 1 : length + 1;
	}
	return at - 1;
}

/* `key` lines before the line that begins at `at`. */
static size_t lines_before(const struct resemble_search *search, size_t at, size_t key)
{
	const char *text = buffer_data(&search->file);

	while (key-- > 0 && at > 0) {
		const char *end = at > 1 ? memrchr(text, '\n', at - 1) : NULL;

		at = end ? (size_t)(end - text) + 1 : 0;
	}
	return at;
}

static int decide(struct resemble *resemble)
{
	struct resemble_search *search = resemble->search;
	size_t wanted = buffer_length(&search->wanted), start;
	const char *file = buffer_data(&search->file), *found = NULL;

	if (wanted == 0 || buffer_length(&search->file) == 0)
		return 0;
	found = memmem(file, buffer_length(&search->file), buffer_data(&search->wanted), wanted);
	resemble->whole = found;
	if (found)
		return locate(resemble, (size_t)(found - file), (size_t)(found - file) + wanted);
	if (search->best_votes * LEAST_SHARE >= wanted)
		start = search->best_start;
	else if (search->best_score >= LEAST_SCORE)
		start = lines_before(search, search->similar, search->key);
	else
		return 0;
	return locate(resemble, start, lines_end(search, start));
}

int resemble_step(struct resemble *resemble)
{
	struct resemble_search *search = resemble->search;
	size_t stop = resemble->fold.at + STEP_BYTES;
	int result;

	search->checkpoints[search->checkpoint_count++] =
		(struct checkpoint){resemble->fold, buffer_length(&search->file)};
	if (stop > resemble->length)
		stop = resemble->length;
	result = fold_to(resemble, &resemble->fold, stop, &search->file);
	if (result < 0)
		return result;
	scan_lines_of(search, stop == resemble->length);
	return stop < resemble->length ? 1 : decide(resemble);
}
