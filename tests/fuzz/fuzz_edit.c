/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Editing any bytes: the input is a file, what is looked for in it and what is put in its place. Nothing is
 * recognised otherwise in pieces; what is opened is saved the same; what is shown is UTF-8; a diff stays
 * within its bound; and replacing back what was replaced gives the file again. Input: lengths of old and new
 * (a byte each), bound of the diff (a byte), old, new, file.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/diff.h"
#include "tools/files/executor/document.h"
#include "tools/files/executor/resemble.h"
#include "tools/files/executor/scan.h"

#define HEADER_BYTES 3

struct input {
	const uint8_t *file;
	size_t length, bound;
	struct buffer old, new; /* well-formed UTF-8, as from the frontend */
};

static void check_utf8(const struct buffer *buffer)
{
	if (buffer_length(buffer))
		FUZZ_CHECK(scan_encoding((const uint8_t *)buffer_data(buffer), buffer_length(buffer)) ==
			   NULL);
}

static void check_pieces(const struct input *input, const struct text *text)
{
	struct text_scan scan;
	struct text again;

	text_scan_begin(&scan);
	for (size_t at = 0; at < input->length; at++)
		text_scan_add(&scan, input->file + at, 1);
	text_scan_end(&scan, &again);
	FUZZ_CHECK(again.encoding == text->encoding && again.ends == text->ends && again.mark == text->mark &&
		   again.last_ends == text->last_ends && again.lines == text->lines &&
		   again.invalid == text->invalid && again.lone_cr == text->lone_cr);
}

static void check_shown(const struct input *input, const struct text *text)
{
	_cleanup_(buffer_deinit) struct buffer shown;
	struct text damaged = *text;

	damaged.invalid = 1; /* so that nothing is believed to be well-formed */
	buffer_init(&shown, 4 * input->length + 16);
	FUZZ_CHECK(text_show(&damaged, input->file, input->length, &shown) == 0);
	check_utf8(&shown);
}

static void check_resemble(const struct input *input, const struct document *document)
{
	_cleanup_(buffer_deinit) struct buffer words;
	struct resemble resemble;

	buffer_init(&words, 8192);
	FUZZ_CHECK(resemble_begin(&resemble, document->text, document->bytes, document->length,
				  buffer_data(&input->old), buffer_length(&input->old)) == 0);
	while (resemble_step(&resemble) > 0)
		;
	FUZZ_CHECK(resemble.end <= document->length && resemble.begin <= resemble.end);
	FUZZ_CHECK(resemble_tell(&resemble, "`old`", &words) == 0);
	FUZZ_CHECK(resemble.found || buffer_length(&words) == 0);
	resemble_end(&resemble);
}

static void check_diff(const struct input *input, const struct text *text, const uint8_t *new, size_t length)
{
	struct diff_side left = {input->file, input->length, text, "o"}, right = {new, length, text, "n"};
	_cleanup_(buffer_deinit) struct buffer out;
	uint64_t cut;

	buffer_init(&out, 1u << 20);
	FUZZ_CHECK(diff_texts(&left, &right, &out, input->bound, &cut) == 0);
	FUZZ_CHECK(buffer_length(&out) <= input->bound);
	if (length == input->length && memcmp(new, input->file, length) == 0)
		FUZZ_CHECK(buffer_length(&out) == 0 && cut == 0);
	else
		FUZZ_CHECK(buffer_length(&out) > 0 || cut);
}

/* Replaces at the first place, compares, and replaces back. */
static void check_replace(const struct input *input, struct document *document,
			  const struct document_part *old, const struct document_part *new)
{
	_cleanup_free_ uint8_t *before = NULL, *after = NULL, *back = NULL;
	size_t place, before_length, after_length, back_length;

	if (!document_find(document, old, 0, SIZE_MAX / 2, &place)) {
		FUZZ_CHECK(place == document->length);
		check_resemble(input, document);
		return;
	}
	FUZZ_CHECK(memcmp(document->bytes + place, old->bytes, old->length) == 0);
	FUZZ_CHECK(document_save(document, &before, &before_length) == 0);
	FUZZ_CHECK(document_replace(document, &place, 1, old, new) == 0);
	FUZZ_CHECK(document_save(document, &after, &after_length) == 0);
	check_diff(input, document->text, after, after_length);
	FUZZ_CHECK(document_replace(document, &place, 1, new, old) == 0);
	FUZZ_CHECK(document_save(document, &back, &back_length) == 0);
	if (document->text->ends != TEXT_MIXED) /* which of two kinds a line had is gone with it */
		FUZZ_CHECK(back_length == before_length && memcmp(back, before, before_length) == 0);
}

static void check_document(const struct input *input, const struct text *text)
{
	_cleanup_(buffer_deinit) struct buffer old, new;
	_cleanup_free_ uint8_t *saved = NULL;
	struct document document;
	size_t length;
	uint32_t misfit;

	buffer_init(&old, 4096);
	buffer_init(&new, 4096);
	FUZZ_CHECK(document_open(&document, text, input->file, input->length) == 0);
	FUZZ_CHECK(document_save(&document, &saved, &length) == 0);
	FUZZ_CHECK(length == input->length && (length == 0 || memcmp(saved, input->file, length) == 0));
	if (text_encode(text, buffer_data(&input->old), buffer_length(&input->old), &old, &misfit) == 0 &&
	    text_encode(text, buffer_data(&input->new), buffer_length(&input->new), &new, &misfit) == 0 &&
	    buffer_length(&old) > 0)
		check_replace(
			input, &document,
			&(struct document_part){(const uint8_t *)buffer_data(&old), buffer_length(&old)},
			&(struct document_part){(const uint8_t *)buffer_data(&new), buffer_length(&new)});
	else
		check_resemble(input, &document);
	document_close(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct text damaged = {.encoding = TEXT_UTF8, .invalid = 1};
	_cleanup_free_ uint8_t *file = NULL;
	struct input input;
	struct text text;

	if (size < HEADER_BYTES || size - HEADER_BYTES < (size_t)data[0] + data[1])
		return 0;
	input.length = size - HEADER_BYTES - data[0] - data[1];
	input.bound = 4 * data[2];
	buffer_init(&input.old, 4096);
	buffer_init(&input.new, 4096);
	FUZZ_CHECK(text_show(&damaged, data + HEADER_BYTES, data[0], &input.old) == 0);
	FUZZ_CHECK(text_show(&damaged, data + HEADER_BYTES + data[0], data[1], &input.new) == 0);
	file = malloc(input.length + 1); /* memory of its own, so that reading past its end is seen */
	FUZZ_CHECK(file);
	memcpy(file, data + size - input.length, input.length);
	input.file = file;
	text_recognise(&text, input.file, input.length);
	check_pieces(&input, &text);
	check_shown(&input, &text);
	check_document(&input, &text);
	buffer_deinit(&input.old);
	buffer_deinit(&input.new);
	return 0;
}
