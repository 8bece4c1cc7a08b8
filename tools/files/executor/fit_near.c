/* SPDX-License-Identifier: Apache-2.0 */
/* A hunk that fits nowhere, in words: where most of it would, and the first line that differs there. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"
#include "tools/files/executor/fit_lines.h"
#include "tools/files/executor/resemble.h"

/* How many lines of the hunk agree with those from `at` on. */
static size_t agreeing(const struct fit *fit, size_t at, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < most && at + i < fit->have.count; i++)
		count += fit_same(&fit->have, at + i, &fit->old, i);
	return count;
}

/* The place where most lines agree, the nearest to `wanted` of these. Their number; 0: none agrees. */
static size_t find_best(const struct fit *fit, size_t wanted, size_t *place)
{
	size_t most = fit->old.count, best = 0;

	while (most > 1 && most * fit->have.count > LIMIT_PATCH_NEAR)
		most /= 2;
	for (size_t at = fit->cursor; at < fit->have.count; at++) {
		size_t count = agreeing(fit, at, most);
		size_t far = at > wanted ? at - wanted : wanted - at;

		if (count > best || (count == best && count > 0 &&
				     far < (*place > wanted ? *place - wanted : wanted - *place))) {
			best = count;
			*place = at;
		}
	}
	return best;
}

/* A line for people: at most `size` bytes of it, as UTF-8. */
static void show(const struct fit *fit, const struct fit_text *text, size_t at, char *to, size_t size)
{
	const struct fit_line *line = &text->lines[at];
	size_t length = line->length < size ? line->length : size;
	struct buffer shown;

	buffer_init(&shown, 4 * size);
	to[0] = '\0';
	if (text_show(&fit->text, text->bytes + line->at, length, &shown) == 0 &&
	    buffer_append(&shown, "", 1) == 0) {
		size_t cut = strlen(buffer_data(&shown));

		if (cut >= size)
			for (cut = size - 1; cut > 0 && (buffer_data(&shown)[cut] & 0xc0) == 0x80;)
				cut--;
		memcpy(to, buffer_data(&shown), cut);
		to[cut] = '\0';
	}
	buffer_deinit(&shown);
}

/* The new lines stand at `at` already? */
static bool is_done(const struct fit *fit, const struct patch_hunk *hunk, size_t at)
{
	size_t count = 0;

	if (fit->text.encoding != TEXT_UTF8)
		return false;
	for (size_t i = 0; i < hunk->count; i++) {
		const struct patch_line *line = &fit->patch->lines[hunk->first + i];
		const struct fit_line *have;

		if (line->kind == '-')
			continue;
		if (at >= fit->have.count || count >= fit->have.count - at)
			return false;
		have = &fit->have.lines[at + count];
		if (have->length != line->length ||
		    memcmp(fit->have.bytes + have->at, line->text, line->length) != 0)
			return false;
		count++;
	}
	return count > 0;
}

int fit_near(const struct fit *fit, const struct patch_hunk *hunk, size_t number, struct refusal *refusal)
{
	size_t wanted = hunk->numbered && hunk->old_line > 0 ? (size_t)hunk->old_line - 1 : fit->cursor;
	size_t place = fit->cursor, count = find_best(fit, wanted, &place);
	char have[160], said[160], words[200];

	if (is_done(fit, hunk, wanted) || is_done(fit, hunk, place))
		return refuse(
			refusal, ESTALE,
			"hunk %zu of `%.300s` (line %u of the patch) does not fit: its new lines stand there "
			"already. Nothing was written",
			number, fit->path, hunk->line);
	if (count == 0)
		return refuse(refusal, ESTALE,
			      "hunk %zu of `%.300s` (line %u of the patch) does not fit: none of its %zu old "
			      "lines is "
			      "in the file%s. Nothing was written; read the file again",
			      number, fit->path, hunk->line, fit->old.count,
			      fit->cursor ? " behind the hunk before it" : "");
	for (size_t i = 0; i < fit->old.count; i++) {
		if (place + i >= fit->have.count)
			return refuse(
				refusal, ESTALE,
				"hunk %zu of `%.300s` (line %u of the patch) does not fit: nearest is line "
				"%zu, where %zu of %zu old lines agree, and the file ends before the others. "
				"Nothing was written",
				number, fit->path, hunk->line, place + 1, count, fit->old.count);
		if (fit_same(&fit->have, place + i, &fit->old, i))
			continue;
		show(fit, &fit->have, place + i, have, sizeof have);
		snprintf(said, sizeof said, "%.*s", (int)fit->said[i]->length, fit->said[i]->text);
		resemble_line(have, strlen(have), said, strlen(said), false, "the patch", words,
			      sizeof words);
		return refuse(
			refusal, ESTALE,
			"hunk %zu of `%.300s` (line %u of the patch) does not fit: nearest is line %zu, "
			"where "
			"%zu of %zu old lines agree; but line %zu is `%s`, and the patch has `%s`%s%s%s. "
			"Nothing was written",
			number, fit->path, hunk->line, place + 1, count, fit->old.count, place + i + 1, have,
			said, words[0] ? " (" : "", words, words[0] ? ")" : "");
	}
	return refuse(refusal, ESTALE,
		      "hunk %zu of `%.300s` (line %u of the patch) does not fit: its lines stand at line "
		      "%zu, but the "
		      "end of the file is not as the patch says%s. Nothing was written",
		      number, fit->path, hunk->line, place + 1,
		      hunk->at_end ? " (`*** End of File`)" : " (a last line with or without line end)");
}
