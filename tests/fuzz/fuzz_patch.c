/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A patch, and the file that it is fitted to: the input up to its first NUL is the patch, the rest the file.
 * Whatever it is, memory stays whole and what is accepted holds together: hunks and lines lie within their
 * lists and the text; and bytes of the file that no hunk names come out as they were.
 */
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/fuzz/fuzz.h"
#include "tools/files/executor/fit.h"
#include "tools/files/executor/patch.h"

static void check(const struct patch *patch, const char *text, size_t length)
{
	for (size_t i = 0; i < patch->file_count; i++) {
		const struct patch_file *file = &patch->files[i];

		FUZZ_CHECK(file->old_path && file->new_path && *file->old_path && *file->new_path);
		FUZZ_CHECK(strlen(file->old_path) < LIMIT_PATH_BYTES &&
			   strlen(file->new_path) < LIMIT_PATH_BYTES);
		FUZZ_CHECK(file->first + file->count <= patch->hunk_count);
	}
	for (size_t i = 0; i < patch->hunk_count; i++)
		FUZZ_CHECK(patch->hunks[i].first + patch->hunks[i].count <= patch->line_count);
	for (size_t i = 0; i < patch->line_count; i++) {
		const struct patch_line *line = &patch->lines[i];

		FUZZ_CHECK(line->text >= text && line->text + line->length <= text + length);
		FUZZ_CHECK(!memchr(line->text, '\n', line->length));
	}
}

static void fit(const struct patch *patch, const struct patch_file *file, const uint8_t *bytes, size_t length)
{
	struct refusal refusal = {0};
	struct fit_notes notes;
	struct buffer out;

	buffer_init(&out, LIMIT_PATCH_FILE_BYTES);
	if (fit_apply(patch, file, file->old_path, bytes, length, &out, &notes, &refusal) < 0)
		FUZZ_CHECK(refusal.told && refusal.text[0]);
	else if (file->count == 0 || (notes.added == 0 && notes.removed == 0))
		/* at most a line end, where a hunk of no lines stands behind a last line without one */
		FUZZ_CHECK(buffer_length(&out) >= length &&
			   (length == 0 || memcmp(buffer_data(&out), bytes, length) == 0));
	else
		FUZZ_CHECK(notes.added + notes.removed <= patch->line_count);
	buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = size ? memchr(data, '\0', size) : NULL;
	size_t length = end ? (size_t)(end - data) : size, rest = end ? size - length - 1 : 0;
	/* each in memory of its own, so that reading past its end is seen */
	_cleanup_free_ char *text = malloc(length + 1);
	_cleanup_free_ uint8_t *bytes = malloc(rest + 1);
	struct patch patch;
	struct err err;

	FUZZ_CHECK(text && bytes);
	memcpy(text, data, length);
	memcpy(bytes, data + size - rest, rest);
	if (patch_parse(&patch, text, length, &err) == 0) {
		FUZZ_CHECK(patch.file_count > 0);
		check(&patch, text, length);
		for (size_t i = 0; i < patch.file_count; i++)
			fit(&patch, &patch.files[i], bytes, rest);
	} else {
		FUZZ_CHECK(err.text[0]);
	}
	patch_release(&patch);
	return 0;
}
