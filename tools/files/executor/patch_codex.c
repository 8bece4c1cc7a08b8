/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `*** Begin Patch`: the form of openai/codex, codex-rs/apply-patch/apply_patch_tool_instructions.md. Hunks
 * have no line numbers; `@@ TEXT` names a line before them instead.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/files/executor/patch.h"

static bool begins(const char *line, uint32_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static int wrong(const struct patch_source *source, struct err *err, const char *what)
{
	return err_set(err, -EINVAL, "line %u of the patch: %s", source->line - 1, what);
}

static char *take_path(const char *line, uint32_t length, const char *head)
{
	line += strlen(head);
	length -= (uint32_t)strlen(head);
	while (length > 0 && *line == ' ') {
		line++;
		length--;
	}
	while (length > 0 && line[length - 1] == ' ')
		length--;
	return patch_path(line, length);
}

/* "*** ": something of the patch and no line of a file. */
static bool is_mark(const char *line, uint32_t length)
{
	return begins(line, length, "*** ");
}

static int take_added(struct patch *patch, struct patch_source *source, struct err *err)
{
	uint32_t length, exact;
	const char *line;
	int result = 0;

	if (!patch_add_hunk(patch, source, err))
		return -EMSGSIZE;
	while (result == 0 && (line = patch_peek(source, &length)) && !is_mark(line, length)) {
		patch_next(source, &length, &exact);
		if (length == 0 || line[0] != '+')
			return wrong(source, err,
				     "expected a line that begins with `+`, as all of a new file do");
		result = patch_add_line(patch, '+', line + 1, exact - 1, err);
	}
	return result;
}

/* "@@", "@@ TEXT"; also "@@ -1,2 +1,3 @@", which says nothing that can be relied on here. */
static void take_anchor(struct patch_hunk *hunk, const char *line, uint32_t length)
{
	line += 2;
	length -= 2;
	if (length > 0 && *line == ' ') {
		line++;
		length--;
	}
	if (length == 0 || (length > 3 && line[0] == '-' && line[1] >= '0' && line[1] <= '9'))
		return;
	hunk->anchor = line;
	hunk->anchor_length = length;
}

static int take_chunk(struct patch *patch, struct patch_source *source, bool first, struct err *err)
{
	struct patch_hunk *hunk = patch_add_hunk(patch, source, err);
	uint32_t length, exact;
	const char *line;
	int result = 0;

	if (!hunk)
		return -EMSGSIZE;
	line = patch_peek(source, &length);
	if (begins(line, length, "@@")) {
		patch_next(source, &length, &exact);
		take_anchor(hunk, line, length);
	} else if (!first) {
		patch_next(source, &length, &exact);
		return wrong(source, err, "expected `@@`, or a line that begins with ` `, `-` or `+`");
	}
	while (result == 0 && (line = patch_peek(source, &length)) && !begins(line, length, "@@")) {
		char kind = length ? line[0] : ' ';

		if (begins(line, length, "*** End of File")) {
			patch_next(source, &length, &exact);
			patch->hunks[patch->hunk_count - 1].at_end = true;
			break;
		}
		if (is_mark(line, length))
			break;
		patch_next(source, &length, &exact);
		if (kind != ' ' && kind != '-' && kind != '+')
			return wrong(source, err,
				     "expected `@@`, or a line that begins with ` `, `-` or `+`");
		result = length ? patch_add_line(patch, kind, line + 1, exact - 1, err)
				: patch_add_line(patch, ' ', line, exact, err);
	}
	/* an anchor alone (`@@ class A` before `@@ def f`) only says where to look for the next */
	return result;
}

static int take_update(struct patch *patch, struct patch_source *source, struct err *err)
{
	struct patch_file *file = &patch->files[patch->file_count - 1];
	uint32_t length, exact;
	const char *line = patch_peek(source, &length);
	bool first = true;
	int result = 0;

	if (line && begins(line, length, "*** Move to:")) {
		patch_next(source, &length, &exact);
		free(file->new_path);
		file->new_path = take_path(line, length, "*** Move to:");
		file->rename = true;
		if (!file->new_path)
			return wrong(source, err, "expected a path");
	}
	while (result == 0 && (line = patch_peek(source, &length)) && !is_mark(line, length)) {
		result = take_chunk(patch, source, first, err);
		first = false;
	}
	file = &patch->files[patch->file_count - 1];
	if (result == 0 && file->count == 0 && !file->rename)
		return wrong(source, err, "nothing is said about what changes in this file");
	return result;
}

/* One that begins with "*** ". 1: the end. */
static int take_file(struct patch *patch, struct patch_source *source, struct err *err)
{
	static const char *const heads[] = {"*** Update File:", "*** Add File:", "*** Delete File:"};
	uint32_t length, exact;
	const char *line = patch_next(source, &length, &exact);
	struct patch_file *file;
	int action = 0;

	if (begins(line, length, "*** End Patch"))
		return 1;
	while (action < 3 && !begins(line, length, heads[action]))
		action++;
	if (action == 3)
		return wrong(
			source, err,
			"expected `*** Add File: PATH`, `*** Update File: PATH`, `*** Delete File: PATH` or "
			"`*** End Patch`");
	file = patch_add_file(patch, source, err);
	if (!file)
		return -EMSGSIZE;
	file->line--;
	file->action = (enum patch_action)action;
	file->whole = file->action == PATCH_DELETE;
	file->old_path = take_path(line, length, heads[action]);
	file->new_path = file->old_path ? strdup(file->old_path) : NULL;
	if (!file->new_path)
		return wrong(source, err, "expected a path");
	switch (file->action) {
	case PATCH_ADD:
		return take_added(patch, source, err);
	case PATCH_UPDATE:
		return take_update(patch, source, err);
	default:
		return 0;
	}
}

int patch_parse_codex(struct patch *patch, struct patch_source *source, struct err *err)
{
	uint32_t length, exact;
	const char *line;
	int result = 0;

	while (result == 0 && (line = patch_peek(source, &length))) {
		if (length == 0 || begins(line, length, "*** Begin Patch")) {
			patch_next(source, &length, &exact);
			continue;
		}
		if (!is_mark(line, length)) {
			patch_next(source, &length, &exact);
			return wrong(source, err, "expected `*** Add File: PATH` or the like");
		}
		result = take_file(patch, source, err);
	}
	return result < 0 ? result : 0;
}
