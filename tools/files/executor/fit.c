/* SPDX-License-Identifier: Apache-2.0 */
/* Hunks on a file: where they fit, and the content that comes of it. */
#include "tools/files/executor/fit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/fit_lines.h"

/* ---- lines ---- */

static uint32_t hash(const uint8_t *bytes, size_t length)
{
	uint32_t value = 2166136261u;

	for (size_t i = 0; i < length; i++) /* FNV-1a */
		value = (value ^ bytes[i]) * 16777619u;
	return value;
}

static size_t line_end(const struct text *text, const uint8_t *bytes, size_t at, size_t length, char letter)
{
	size_t unit = text_unit(text);
	const uint8_t *found;

	if (unit == 1) {
		found = memchr(bytes + at, letter, length - at);
		return found ? (size_t)(found - bytes) : length;
	}
	while (at + unit <= length && !text_is_unit(text, bytes + at, (uint8_t)letter))
		at += unit;
	return at + unit <= length ? at : length;
}

/* Takes a CR at the end away from a line. */
static void trim(const struct text *text, const uint8_t *bytes, struct fit_line *line)
{
	size_t unit = text_unit(text);

	if (line->length >= unit && text_is_unit(text, bytes + line->at + line->length - unit, '\r')) {
		line->length -= (uint32_t)unit;
		line->cr = (uint8_t)unit;
	}
}

static void finish(const struct text *text, const uint8_t *bytes, struct fit_line *line)
{
	trim(text, bytes, line);
	line->hash = hash(bytes + line->at, line->length);
}

static int split(struct fit *fit, size_t length)
{
	const struct text *text = &fit->text;
	size_t unit = text_unit(text), most = text->lines + 2;
	const uint8_t *bytes = fit->have.bytes;
	char letter = text->ends == TEXT_CR ? '\r' : '\n';

	if (most > LIMIT_PATCH_FILE_LINES)
		return -EFBIG;
	fit->have.lines = calloc(most, sizeof *fit->have.lines);
	if (!fit->have.lines)
		return -ENOMEM;
	for (size_t at = text->mark; at < length;) {
		struct fit_line *line = &fit->have.lines[fit->have.count];
		size_t end = line_end(text, bytes, at, length, letter);

		if (++fit->have.count > most)
			return -EIO; /* cannot be: text.c has counted them */
		*line = (struct fit_line){
			.at = at, .length = (uint32_t)(end - at), .end = (uint8_t)(end < length ? unit : 0)};
		if (letter == '\n' && line->end)
			trim(text, bytes, line);
		line->hash = hash(bytes + at, line->length);
		at = end + line->end;
	}
	return 0;
}

bool fit_same(const struct fit_text *left, size_t at, const struct fit_text *right, size_t other)
{
	const struct fit_line *one = &left->lines[at], *two = &right->lines[other];

	return one->hash == two->hash && one->length == two->length &&
	       (one->length == 0 || memcmp(left->bytes + one->at, right->bytes + two->at, one->length) == 0);
}

/* "\ No newline": the file has none there either. Nothing said: it may be the last line all the same. */
static bool ends_alike(const struct fit *fit, size_t at, size_t old)
{
	const struct fit_line *line = &fit->have.lines[at];

	return fit->said[old]->unended ? line->end == 0 : line->end != 0 || at + 1 == fit->have.count;
}

bool fit_here(const struct fit *fit, size_t at)
{
	if (at > fit->have.count || fit->old.count > fit->have.count - at)
		return false;
	for (size_t i = 0; i < fit->old.count; i++)
		if (!fit_same(&fit->have, at + i, &fit->old, i) || !ends_alike(fit, at + i, i))
			return false;
	return true;
}

/* ---- a hunk in the file's encoding ---- */

/* The text of a line of the patch as bytes of the file, appended to fit->encoded. 0 or -errno. */
static int encode(struct fit *fit, const struct patch_line *line, uint32_t *misfit)
{
	const char *text = line->text;
	size_t length = line->length;

	/* git shows a byte-order mark as part of the first line; it is none of ours */
	if (fit->text.mark && length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (fit->text.encoding == TEXT_UTF8)
		return buffer_append(&fit->encoded, text, length);
	return text_encode(&fit->text, text, length, &fit->encoded, misfit);
}

static void forget_hunk(struct fit *fit)
{
	free(steal_pointer(fit->old.lines));
	free(steal_pointer(fit->said));
	buffer_clear(&fit->encoded, SIZE_MAX);
	fit->old.count = 0;
}

/* The old lines of a hunk. One that the encoding cannot hold is nowhere in the file: it gets a hash of its
 * own. */
static int take_hunk(struct fit *fit, const struct patch_hunk *hunk)
{
	uint32_t misfit;
	int result = 0;

	fit->old.lines = calloc(hunk->count + 1, sizeof *fit->old.lines);
	fit->said = calloc(hunk->count + 1, sizeof *fit->said);
	if (!fit->old.lines || !fit->said)
		return -ENOMEM;
	for (size_t i = 0; i < hunk->count; i++) {
		const struct patch_line *line = &fit->patch->lines[hunk->first + i];
		struct fit_line *old = &fit->old.lines[fit->old.count];

		if (line->kind == '+')
			continue;
		fit->said[fit->old.count++] = line;
		old->at = buffer_length(&fit->encoded);
		result = encode(fit, line, &misfit);
		if (result < 0 && result != -EILSEQ)
			return result;
		old->length = result < 0 ? UINT32_MAX : (uint32_t)(buffer_length(&fit->encoded) - old->at);
	}
	fit->old.bytes = (const uint8_t *)buffer_data(&fit->encoded);
	for (size_t i = 0; i < fit->old.count; i++)
		if (fit->old.lines[i].length != UINT32_MAX)
			finish(&fit->text, fit->old.bytes, &fit->old.lines[i]);
	return 0;
}

/* ---- what comes of it ---- */

struct output {
	struct buffer *out;
	size_t done;                 /* bytes of the file that are in it */
	bool exact;                  /* all old lines were as the patch has them, CR and all */
	const struct fit_line *like; /* a line whose end new ones get */
};

/* Does the hunk say CR where the file has one, and only there? */
static bool is_exact(const struct fit *fit, size_t place)
{
	if (fit->old.count == 0)
		return fit->text.ends != TEXT_CRLF && fit->text.ends != TEXT_CR;
	for (size_t i = 0; i < fit->old.count; i++)
		if (fit->have.lines[place + i].cr != fit->old.lines[i].cr)
			return false;
	return fit->text.ends != TEXT_CR;
}

static int put_end(const struct fit *fit, struct output *output)
{
	const struct fit_line *like = output->like;
	const char *end = "\n";

	if (!output->exact && like && like->end)
		return buffer_append(output->out, fit->have.bytes + like->at + like->length,
				     (size_t)like->cr + like->end);
	if (!output->exact && fit->text.ends == TEXT_CRLF)
		end = "\r\n";
	else if (fit->text.ends == TEXT_CR)
		end = "\r";
	for (; *end; end++) {
		char unit[2] = {*end, 0};
		size_t size = text_unit(&fit->text);
		int result;

		if (fit->text.encoding == TEXT_UTF16BE) {
			unit[0] = 0;
			unit[1] = *end;
		}
		result = buffer_append(output->out, unit, size);
		if (result < 0)
			return result;
	}
	return 0;
}

static int put_new(struct fit *fit, struct output *output, const struct patch_line *line, bool ended,
		   uint32_t *misfit)
{
	struct patch_line text = *line;
	size_t from = buffer_length(&fit->encoded);
	int result;

	if (!output->exact && text.length > 0 && text.text[text.length - 1] == '\r')
		text.length--;
	result = encode(fit, &text, misfit);
	if (result == 0)
		result = buffer_append(output->out, buffer_data(&fit->encoded) + from,
				       buffer_length(&fit->encoded) - from);
	fit->encoded.end -= buffer_length(&fit->encoded) - from;
	return result == 0 && ended ? put_end(fit, output) : result;
}

/* A line of the file as it is; `ended`: with a line end, also if it had none. */
static int put_old(struct fit *fit, struct output *output, size_t at, bool ended)
{
	const struct fit_line *line = &fit->have.lines[at];
	int result = buffer_append(output->out, fit->have.bytes + line->at,
				   (size_t)line->length + line->cr + line->end);

	return result == 0 && ended && !line->end ? put_end(fit, output) : result;
}

/* The lines of a hunk that fits at `place`. */
static int put_hunk(struct fit *fit, struct output *output, const struct patch_hunk *hunk, size_t place,
		    struct fit_notes *notes, uint32_t *misfit)
{
	const struct patch_line *lines = fit->patch->lines + hunk->first;
	size_t at = place, last = hunk->count, end = place + fit->old.count;
	/* the last line of the file has no end, and the patch does not say so: then the new last line has
	 * none */
	bool unended = fit->old.count > 0 && end == fit->have.count && !fit->have.lines[end - 1].end &&
		       !fit->said[fit->old.count - 1]->unended;
	int result = 0;

	for (size_t i = 0; i < hunk->count; i++)
		if (lines[i].kind != '-')
			last = i;
	/* lines behind a last line without an end */
	if (fit->old.count == 0 && place > 0 && !fit->have.lines[place - 1].end && hunk->count > 0)
		result = put_end(fit, output);
	for (size_t i = 0; result == 0 && i < hunk->count; i++) {
		bool ended = !lines[i].unended && !(unended && i == last);

		if (lines[i].kind == '+') {
			result = put_new(fit, output, &lines[i], ended, misfit);
			notes->added++;
			continue;
		}
		if (lines[i].kind == ' ')
			result = put_old(fit, output, at, ended && i != last);
		else
			notes->removed++;
		at++;
	}
	return result;
}

static int apply_hunk(struct fit *fit, struct output *output, const struct patch_hunk *hunk, size_t number,
		      int64_t *delta, struct fit_notes *notes, struct refusal *refusal)
{
	size_t place = 0, until;
	uint32_t misfit = 0;
	char name[400];
	int result = take_hunk(fit, hunk);

	if (result < 0)
		return refuse_errno(refusal, result, "patch", fit->path);
	result = fit_place(fit, hunk, number, *delta, &place, refusal);
	if (result < 0)
		return result;
	if (hunk->numbered && (int64_t)place != (int64_t)hunk->old_line - 1 + *delta) {
		*delta = (int64_t)place - ((int64_t)hunk->old_line - 1);
		notes->offset = *delta;
		notes->moved++;
	}
	until = place < fit->have.count ? fit->have.lines[place].at
		: fit->have.count > 0   ? fit->have.lines[place - 1].at + fit->have.lines[place - 1].length +
						fit->have.lines[place - 1].cr + fit->have.lines[place - 1].end
				      : fit->text.mark;
	output->exact = is_exact(fit, place);
	output->like =
		fit->have.count == 0 ? NULL : &fit->have.lines[place < fit->have.count ? place : place - 1];
	result = buffer_append(output->out, fit->have.bytes + output->done, until - output->done);
	if (result == 0)
		result = put_hunk(fit, output, hunk, place, notes, &misfit);
	fit->cursor = place + fit->old.count;
	if (fit->old.count > 0) {
		const struct fit_line *line = &fit->have.lines[fit->cursor - 1];

		until = line->at + line->length + line->cr + line->end;
	}
	output->done = until;
	if (result == -EILSEQ)
		return refuse(refusal, EILSEQ, "%s: the file is %s, which has no U+%04X",
			      fit_hunk_name(fit, hunk, number, name, sizeof name),
			      text_encoding_name(&fit->text), misfit);
	return result < 0 ? refuse_errno(refusal, result == -EMSGSIZE ? -EFBIG : result, "patch", fit->path)
			  : 0;
}

int fit_apply(const struct patch *patch, const struct patch_file *file, const char *path,
	      const uint8_t *bytes, size_t length, struct buffer *out, struct fit_notes *notes,
	      struct refusal *refusal)
{
	struct fit fit = {.patch = patch, .file = file, .path = path, .have = {.bytes = bytes}};
	struct output output = {.out = out};
	int64_t delta = 0;
	int result;

	*notes = (struct fit_notes){0};
	text_recognise(&fit.text, bytes, length);
	buffer_init(&fit.encoded, LIMIT_PATCH_BYTES);
	result = split(&fit, length);
	if (result < 0)
		result = refuse_errno(refusal, result, "patch", path);
	for (size_t i = 0; result == 0 && i < file->count; i++) {
		result = apply_hunk(&fit, &output, &patch->hunks[file->first + i], i + 1, &delta, notes,
				    refusal);
		forget_hunk(&fit);
	}
	if (result == 0 && length > output.done &&
	    (result = buffer_append(out, bytes + output.done, length - output.done)) < 0)
		result = refuse_errno(refusal, EFBIG, "patch", path);
	free(fit.have.lines);
	buffer_deinit(&fit.encoded);
	return result;
}
