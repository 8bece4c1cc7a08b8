/* SPDX-License-Identifier: Apache-2.0 */
/* What both forms of a patch have in common: lines, growing lists, quoted paths. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/patch.h"
#include "tools/files/quote.h"

const char *patch_peek(const struct patch_source *source, uint32_t *length)
{
	const char *end;

	if (source->at == source->end)
		return NULL;
	end = memchr(source->at, '\n', (size_t)(source->end - source->at));
	if (!end)
		end = source->end;
	*length = (uint32_t)(end - source->at);
	if (*length && source->at[*length - 1] == '\r')
		--*length;
	return source->at;
}

const char *patch_next(struct patch_source *source, uint32_t *length, uint32_t *exact)
{
	const char *line = patch_peek(source, length), *end;

	if (!line)
		return NULL;
	end = memchr(line, '\n', (size_t)(source->end - line));
	*exact = (uint32_t)((end ? end : source->end) - line);
	source->at = end ? end + 1 : source->end;
	source->line++;
	return line;
}

/* Room for one more of `size` bytes, zeroed. */
static void *grow(void **list, size_t *count, size_t *room, size_t size, size_t most, const char *what,
		  struct err *err)
{
	void *bigger;

	if (*count == most) {
		err_set(err, -EMSGSIZE, "the patch has more than %zu %s; split it", most, what);
		return NULL;
	}
	if (*count == *room) {
		size_t wanted = *room ? 2 * *room : 16;

		bigger = realloc(*list, wanted * size);
		if (!bigger) {
			err_set(err, -ENOMEM, "not enough memory for the patch");
			return NULL;
		}
		*list = bigger;
		*room = wanted;
	}
	return memset((char *)*list + (*count)++ * size, 0, size);
}

struct patch_file *patch_add_file(struct patch *patch, const struct patch_source *source, struct err *err)
{
	struct patch_file *file = grow((void **)&patch->files, &patch->file_count, &patch->file_room,
				       sizeof *file, LIMIT_PATCH_FILES, "files", err);

	if (file) {
		file->line = source->line;
		file->first = patch->hunk_count;
	}
	return file;
}

struct patch_hunk *patch_add_hunk(struct patch *patch, const struct patch_source *source, struct err *err)
{
	struct patch_hunk *hunk = grow((void **)&patch->hunks, &patch->hunk_count, &patch->hunk_room,
				       sizeof *hunk, LIMIT_PATCH_HUNKS, "hunks", err);

	if (hunk) {
		hunk->line = source->line;
		hunk->first = patch->line_count;
		patch->files[patch->file_count - 1].count++;
	}
	return hunk;
}

int patch_add_line(struct patch *patch, char kind, const char *text, uint32_t length, struct err *err)
{
	struct patch_line *line = grow((void **)&patch->lines, &patch->line_count, &patch->line_room,
				       sizeof *line, LIMIT_PATCH_LINES, "lines", err);

	if (!line)
		return -EMSGSIZE;
	*line = (struct patch_line){.text = text, .length = length, .kind = kind};
	patch->hunks[patch->hunk_count - 1].count++;
	return 0;
}

char *patch_path(const char *text, size_t length)
{
	_cleanup_free_ char *typed = NULL;
	char room[LIMIT_PATH_BYTES];
	const char *path;

	if (length == 0 || length >= QUOTE_BYTES || memchr(text, '\0', length))
		return NULL;
	typed = strndup(text, length);
	if (!typed)
		return NULL;
	path = quote_read(typed, room);
	return strlen(path) < LIMIT_PATH_BYTES ? strdup(path) : NULL;
}

/* Prefixes and blanks have been looked at in what it is: from here on it is what it is shown as. */
static int quote_path(char **path)
{
	char room[QUOTE_BYTES];
	const char *shown = quote_show(*path, room);
	char *quoted;

	if (shown == *path)
		return 0;
	quoted = strdup(shown);
	if (!quoted)
		return -ENOMEM;
	free(*path);
	*path = quoted;
	return 0;
}

void patch_release(struct patch *patch)
{
	for (size_t i = 0; i < patch->file_count; i++) {
		free(patch->files[i].old_path);
		free(patch->files[i].new_path);
	}
	free(patch->files);
	free(patch->hunks);
	free(patch->lines);
	*patch = (struct patch){0};
}

static bool is_codex(struct patch_source source)
{
	const char *line;
	uint32_t length, exact;

	while ((line = patch_next(&source, &length, &exact)))
		if (length > 0)
			return length >= 4 && memcmp(line, "*** ", 4) == 0 &&
			       /* a context diff begins alike */
			       !(source.at < source.end && *source.at == '-');
	return false;
}

int patch_parse(struct patch *patch, const char *text, size_t length, struct err *err)
{
	struct patch_source source = {.at = text, .end = text + length, .line = 1};
	int result;

	*patch = (struct patch){0};
	result = is_codex(source) ? patch_parse_codex(patch, &source, err)
				  : patch_parse_unified(patch, &source, err);
	if (result == 0 && patch->file_count == 0)
		return err_set(
			err, -EINVAL,
			"the patch names no file: expected a unified diff (`--- a/FILE`, `+++ b/FILE`, "
			"`@@ -1,3 +1,4 @@`) or `*** Begin Patch`");
	for (size_t i = 0; result == 0 && i < patch->file_count; i++)
		if (quote_path(&patch->files[i].old_path) < 0 || quote_path(&patch->files[i].new_path) < 0)
			return err_set(err, -ENOMEM, "not enough memory for the patch");
	return result;
}
