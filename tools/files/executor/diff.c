/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified diffs (diff.h). Equal stretches are skipped as bytes, at the speed of memory; at a difference a
 * window of lines of each side is compared until they are equal again. Nothing is kept for lines that have
 * been passed, so a file of a million lines costs what its changes cost.
 */
#include "tools/files/executor/diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/diff_parts.h"

#define HASHED_BYTES 256 /* of a line: more hardly ever tells more, and long lines are compared anyway */

/* May equal bytes be taken for equal lines? Not where one side's lines end otherwise. */
static bool same_lines(const struct text *old, const struct text *new)
{
	if (text_unit(old) != text_unit(new) || (old->ends == TEXT_CR) != (new->ends == TEXT_CR))
		return false;
	return text_unit(old) == 1 || old->encoding == new->encoding;
}

int diff_begin(struct diff *diff, const struct diff_side *old, const struct diff_side *new,
	       struct buffer *out, size_t most)
{
	struct diff_work *work = malloc(sizeof *work); /* most of it is never touched, so never there */

	*diff = (struct diff){.old = *old, .new = *new, .out = out, .work = work};
	if (!work)
		return -ENOMEM;
	diff->bound = buffer_length(out) + most;
	work->same = same_lines(old->text, new->text);
	work->begun = work->open = false;
	work->ahead = 0;
	buffer_init(&work->body, most);
	return 0;
}

void diff_end(struct diff *diff)
{
	if (diff->work)
		buffer_deinit(&diff->work->body);
	free(steal_pointer(diff->work));
}

/* ---- what is equal ---- */

static size_t common(const uint8_t *one, const uint8_t *other, size_t length)
{
	size_t at = 0;
	uint64_t left, right;

	for (; length - at >= sizeof left; at += sizeof left) {
		memcpy(&left, one + at, sizeof left);
		memcpy(&right, other + at, sizeof right);
		if (left != right)
			break;
	}
	while (at < length && one[at] == other[at])
		at++;
	return at;
}

/* Moves both places over the lines that end in the equal bytes [from, from + length) of the old side. */
static void pass_lines(struct diff *diff, size_t from, size_t length)
{
	size_t at = diff->old_place.at, stop = from + length, end;

	/* no line ends before `from`: so the first one found begins where the places are */
	while (from < stop && (end = diff_line_end(&diff->old, from)) <= stop) {
		if (!diff_line_ended(&diff->old, at, end))
			break;
		diff->new_place.at += end - at;
		diff->old_place.line++;
		diff->new_place.line++;
		from = at = end;
	}
	diff->work->ahead -= at - diff->old_place.at;
	diff->old_place.at = at;
}

/* A slice of equal bytes. True when the next lines differ, or one side has none. */
static bool skip_equal(struct diff *diff)
{
	struct diff_work *work = diff->work;
	size_t old = diff->old_place.at + work->ahead, new = diff->new_place.at + work->ahead;
	size_t left = diff->old.length - old, most = diff->new.length - new, same;

	if (!work->same)
		return true;
	left = left < most ? left : most;
	most = left < LIMIT_FILES_SLICE_BYTES ? left : LIMIT_FILES_SLICE_BYTES;
	same = common(diff->old.bytes + old, diff->new.bytes + new, most);
	same -= (old + same) % text_unit(diff->old.text); /* a whole unit */
	work->ahead += same;
	pass_lines(diff, old, same);
	return same < most || most == left;
}

/* ---- what is not ---- */

static uint64_t hash_line(const uint8_t *bytes, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325u ^ length; /* FNV-1a */

	for (size_t i = 0; i < length && i < HASHED_BYTES; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash;
}

static void fill_window(struct diff_window *window, const struct diff_side *side, size_t at)
{
	size_t begin = at;

	window->count = 0;
	while (at < side->length && window->count < LIMIT_DIFF_WINDOW &&
	       at - begin < LIMIT_FILES_SLICE_BYTES) {
		size_t end = diff_line_end(side, at);

		window->lines[window->count++] =
			(struct diff_line){side->bytes + at, end - at, hash_line(side->bytes + at, end - at)};
		at = end;
	}
	window->last = at >= side->length;
}

/* Where line `index` of a window begins, or where its last line ends. */
static struct diff_place place_of(const struct diff_side *side, const struct diff_window *window,
				  const struct diff_place *start, size_t index)
{
	const struct diff_line *line = &window->lines[index ? index - 1 : 0];

	return (struct diff_place){
		.at = index ? (size_t)(line->at - side->bytes) + line->length : start->at,
		.line = start->line + index,
	};
}

/* The difference where both sides stand: to where they are equal again, or to the end of both. */
static int take_changes(struct diff *diff)
{
	struct diff_work *work = diff->work;
	const struct diff_place old = diff->old_place, new = diff->new_place;
	size_t old_end, new_end;
	int count, result = 0;

	fill_window(&work->old, &diff->old, old.at);
	fill_window(&work->new, &diff->new, new.at);
	count = diff_find_changes(work, &old_end, &new_end);
	if (count < 0) { /* larger than what anybody reads: all the rest is one change */
		diff->old_place.at = diff->old.length;
		diff->new_place.at = diff->new.length;
		return diff_put_change(diff, &old, &diff->old_place, &new, &diff->new_place);
	}
	for (int i = 0; i < count && result == 0; i++) {
		const struct diff_change *change = &work->changes[i];
		struct diff_place from = place_of(&diff->old, &work->old, &old, change->old);
		struct diff_place to =
			place_of(&diff->old, &work->old, &old, change->old + change->old_count);
		struct diff_place into = place_of(&diff->new, &work->new, &new, change->new);
		struct diff_place past =
			place_of(&diff->new, &work->new, &new, change->new + change->new_count);

		result = diff_put_change(diff, &from, &to, &into, &past);
	}
	diff->old_place = place_of(&diff->old, &work->old, &old, old_end);
	diff->new_place = place_of(&diff->new, &work->new, &new, new_end);
	work->ahead = 0;
	return result;
}

int diff_step(struct diff *diff)
{
	int result;

	if (diff->cut)
		return 0;
	if (!skip_equal(diff))
		return 1;
	if (diff->old_place.at < diff->old.length || diff->new_place.at < diff->new.length) {
		result = take_changes(diff);
		return result < 0 ? result : result == 0;
	}
	result = diff_close_hunk(diff);
	if (result > 0 && !diff->cut)
		result = 0; /* only lines around the last change are missing */
	return result < 0 ? result : 0;
}

int diff_texts(const struct diff_side *old, const struct diff_side *new, struct buffer *out, size_t most,
	       uint64_t *cut)
{
	struct diff diff;
	int result = diff_begin(&diff, old, new, out, most);

	if (result < 0)
		return result;
	while ((result = diff_step(&diff)) > 0)
		;
	*cut = diff.cut;
	diff_end(&diff);
	return result;
}
