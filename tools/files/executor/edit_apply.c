/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edits of one file, one after the other (edit.h): each must be found as often as it says, or nothing is
 * written and the answer says why. Nothing is guessed: a text that is nearly there is shown, not taken.
 */
#include "tools/files/executor/edit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define LINE_BYTES   160  /* of a line that is shown */
#define PLACES_STEP  4096 /* found in one step: about as long as LIMIT_FILES_SLICE_BYTES take */
#define SHOWN_LENGTH 300  /* of a path in words */

int edit_hold(struct files *files, struct edit *edit, size_t bytes, struct refusal *refusal)
{
	if (files->edited - edit->held + bytes > LIMIT_EDITS_BYTES)
		return refuse(refusal, EAGAIN,
			      "too many large files are being edited at once; edit `%.*s` again when other "
			      "edits have ended",
			      SHOWN_LENGTH, edit->stage.path);
	files->edited += bytes - edit->held;
	edit->held = bytes;
	return 0;
}

static int no_memory(const struct edit *edit, struct refusal *refusal)
{
	return refuse_errno(refusal, ENOMEM, "edit", edit->stage.path);
}

/* ---- what to look for ---- */

static int refuse_misfit(const struct edit *edit, struct refusal *refusal)
{
	char shown[8] = "";
	struct buffer buffer;

	buffer_init(&buffer, sizeof shown);
	if (text_put_utf8(&buffer, edit->misfit) == 0)
		memcpy(shown, buffer_data(&buffer), buffer_length(&buffer));
	buffer_deinit(&buffer);
	return refuse(refusal, EILSEQ,
		      "edits[%zu]: `new` has %s (U+%04X), for which %s, the encoding of `%.*s`, has no "
		      "character. Nothing was changed. Use another character, or convert the file first "
		      "(iconv, with run_command)",
		      edit->current, shown, edit->misfit, text_encoding_name(&edit->text), SHOWN_LENGTH,
		      edit->stage.path);
}

/* A text that was copied together with the byte-order mark: the mark is no part of what is edited. */
static bool begins_with_mark(const char *text, size_t length)
{
	return length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
}

static int encode(struct edit *edit, const char *utf8, size_t length, struct buffer *out)
{
	buffer_deinit(out);
	buffer_init(out, 2 * length + 16); /* UTF-16 of ASCII */
	return text_encode(&edit->text, utf8, length, out, &edit->misfit);
}

/* The current edit in the file's encoding. 0 or a refusal; edit->misfit: `old` cannot be in the file. */
static int begin_item(struct edit *edit, struct refusal *refusal)
{
	const struct edit_item *item = &edit->items[edit->current];
	size_t mark = edit->text.mark && begins_with_mark(item->old, item->old_length) ? 3 : 0;
	size_t new_mark = mark && begins_with_mark(item->new, item->new_length) ? 3 : 0;
	int result;

	edit->begun = true;
	edit->place_count = edit->from = 0;
	edit->misfit = 0;
	result = encode(edit, item->new + new_mark, item->new_length - new_mark, &edit->put);
	if (result == -EILSEQ)
		return refuse_misfit(edit, refusal);
	if (result == 0)
		result = encode(edit, item->old + mark, item->old_length - mark, &edit->find);
	if (result == -EILSEQ)
		return 0;
	if (result < 0)
		return no_memory(edit, refusal);
	if (buffer_length(&edit->find) == 0)
		return refuse(
			refusal, EINVAL,
			"edits[%zu]: `old` is empty%s. Nothing was changed. Give the text that is to be "
			"replaced; write_file with append adds to the end of a file",
			edit->current, mark ? " but for the byte-order mark, which stays" : "");
	if (buffer_length(&edit->find) == buffer_length(&edit->put) &&
	    memcmp(buffer_data(&edit->find), buffer_data(&edit->put), buffer_length(&edit->find)) == 0)
		return refuse(refusal, EINVAL,
			      "edits[%zu]: `old` and `new` are the same%s, so there is nothing to change",
			      edit->current,
			      item->old_length != item->new_length
				      ? " but for line ends, and those stay as they are"
				      : "");
	return 0;
}

/* ---- where it is ---- */

static int add_place(struct edit *edit, size_t at)
{
	if (edit->place_count == edit->place_room) {
		size_t room = edit->place_room ? 2 * edit->place_room : 16;
		size_t *places = realloc(edit->places, room * sizeof *places);

		if (!places)
			return -ENOMEM;
		edit->places = places;
		edit->place_room = room;
	}
	edit->places[edit->place_count++] = at;
	return 0;
}

/* A slice of looking for the current edit: 1 when all of the file has been looked through. */
static int find_slice(struct edit *edit, struct refusal *refusal)
{
	const struct document_part part = {(const uint8_t *)buffer_data(&edit->find),
					   buffer_length(&edit->find)};
	bool all = edit->items[edit->current].all;
	size_t left = LIMIT_FILES_SLICE_BYTES;

	for (unsigned i = 0; i < PLACES_STEP && left > 0; i++) {
		size_t from = edit->from, at;
		bool found = document_find(&edit->document, &part, from, left, &at);

		if (!found) {
			edit->from = at;
			return at >= edit->document.length;
		}
		if (edit->place_count == LIMIT_EDIT_MATCHES && all)
			return refuse(
				refusal, E2BIG,
				"edits[%zu]: `old` is there more than %u times. Nothing was changed. Use "
				"run_command (sed)",
				edit->current, LIMIT_EDIT_MATCHES);
		if (add_place(edit, at) < 0)
			return no_memory(edit, refusal);
		if (!all && edit->place_count > LIMIT_EDIT_COUNTED)
			return 1;
		left -= at - from < left ? at - from : left;
		/* of one that is to be the only one, another that overlaps it counts */
		edit->from = at + (all ? part.length : text_unit(&edit->text));
		if (edit->from >= edit->document.length)
			return 1;
	}
	return 0;
}

static int put_line_of(const struct edit *edit, size_t at, struct buffer *out)
{
	_cleanup_(buffer_deinit) struct buffer line;
	size_t begin, end, length;
	uint64_t number = document_line(&edit->document, at, &begin, &end);
	int result;

	if (end - begin > 4 * LINE_BYTES)
		end = begin + 4 * LINE_BYTES;
	buffer_init(&line, 16 * LINE_BYTES);
	result = text_show(&edit->text, edit->document.bytes + begin, end - begin, &line);
	length = buffer_length(&line);
	if (length > LINE_BYTES)
		for (length = LINE_BYTES; length && (buffer_data(&line)[length] & 0xc0) == 0x80;)
			length--;
	if (result == 0)
		result = buffer_printf(out, "\n%6" PRIu64 " | %.*s%s", number, (int)length,
				       length ? buffer_data(&line) : "",
				       length < buffer_length(&line) ? " [..]" : "");
	return result;
}

static int refuse_many(const struct edit *edit, struct refusal *refusal)
{
	_cleanup_(buffer_deinit) struct buffer text;
	size_t count = edit->place_count, shown = count < LIMIT_EDIT_PLACES ? count : LIMIT_EDIT_PLACES;
	int result = 0;

	buffer_init(&text, sizeof refusal->text);
	for (size_t i = 0; i < shown && result == 0; i++)
		result = put_line_of(edit, edit->places[i], &text);
	if (result == 0 && shown < count)
		result = buffer_append_text(&text, "\n       [and more]");
	return refuse(refusal, EINVAL,
		      "edits[%zu]: `old` is in `%.*s` %s%zu times, and it does not say which one is meant. "
		      "Nothing was changed. Add lines around the one that is meant, or set all to replace "
		      "each. It is at:%.*s",
		      edit->current, SHOWN_LENGTH, edit->stage.path,
		      count > LIMIT_EDIT_COUNTED ? "more than " : "",
		      count > LIMIT_EDIT_COUNTED ? LIMIT_EDIT_COUNTED : count, (int)buffer_length(&text),
		      buffer_data(&text));
}

/* ---- doing it ---- */

static int replace(struct files *files, struct edit *edit, struct refusal *refusal)
{
	const struct document_part old = {(const uint8_t *)buffer_data(&edit->find),
					  buffer_length(&edit->find)},
				   new = {(const uint8_t *)buffer_data(&edit->put),
					  buffer_length(&edit->put)};
	size_t kept = edit->document.length - edit->place_count * old.length, length;
	int result;

	if (__builtin_mul_overflow(edit->place_count, new.length, &length) ||
	    __builtin_add_overflow(length, kept, &length) || length > LIMIT_EDIT_BYTES)
		return refuse(refusal, EFBIG,
			      "edits[%zu] would make `%.*s` larger than %u bytes, the most that edit_file "
			      "handles. Nothing was changed. Use a program for it (run_command)",
			      edit->current, SHOWN_LENGTH, edit->stage.path, LIMIT_EDIT_BYTES);
	/* as much as was asked for when it began, unless it grows */
	result = edit_hold(files, edit,
			   edit->old_length + 3 * (length > edit->old_length ? length : edit->old_length),
			   refusal);
	if (result < 0)
		return result;
	if (document_replace(&edit->document, edit->places, edit->place_count, &old, &new) < 0)
		return no_memory(edit, refusal);
	edit->items[edit->current].replaced = edit->place_count;
	edit->current++;
	edit->begun = false;
	return 0;
}

static int begin_near(struct edit *edit, struct refusal *refusal)
{
	const struct edit_item *item = &edit->items[edit->current];

	edit->phase = EDIT_NEAR;
	if (resemble_begin(&edit->resemble, &edit->text, edit->document.bytes, edit->document.length,
			   item->old, item->old_length) < 0)
		return no_memory(edit, refusal);
	return 0;
}

int edit_find_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	int result = 0;

	if (edit->current == edit->count) {
		edit->phase = EDIT_DIFF;
		return 0;
	}
	if (!edit->begun)
		result = begin_item(edit, refusal);
	if (result == 0 && edit->misfit)
		return begin_near(edit, refusal);
	if (result == 0)
		result = find_slice(edit, refusal);
	if (result <= 0)
		return result;
	if (edit->place_count == 0)
		return begin_near(edit, refusal);
	if (edit->place_count > 1 && !edit->items[edit->current].all)
		return refuse_many(edit, refusal);
	return replace(files, edit, refusal);
}

/* ---- why it is not there ---- */

int edit_near_slice(struct edit *edit, struct refusal *refusal)
{
	_cleanup_(buffer_deinit) struct buffer text;
	int result = resemble_step(&edit->resemble);

	buffer_init(&text, sizeof refusal->text - 2 * SHOWN_LENGTH);
	if (result > 0)
		return 0;
	if (result == 0)
		result =
			edit->resemble.found
				? resemble_tell(&edit->resemble, "`old`", &text)
				: buffer_append_text(
					  &text, "Nothing there resembles it; read_file shows what is there");
	if (result == -ENOMEM)
		return no_memory(edit, refusal);
	return refuse(refusal, EINVAL, "edits[%zu]: `old` is not in `%.*s`%s%s. Nothing was changed. %.*s",
		      edit->current, SHOWN_LENGTH, edit->stage.path,
		      edit->current ? " (as the edits before it leave it)" : "",
		      edit->text.encoding == TEXT_OTHER
			      ? ", whose encoding is not known, so that only ASCII characters can be found"
			      : "",
		      (int)buffer_length(&text), buffer_data(&text));
}
