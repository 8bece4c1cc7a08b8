/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before the hunks of one file in a unified diff: git's lines (git-diff(1) "Generating patch text
 * with -p"), and `---` and `+++`. They say whose the hunks are, and whether it is made, removed, renamed or
 * copied.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/patch.h"

static bool begins(const char *line, uint32_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static int wrong(const struct patch_source *source, struct err *err, const char *what)
{
	return err_set(err, -EINVAL, "line %u of the patch: %s", source->line - 1, what);
}

/* What has been read about one file. */
struct header {
	char *old_path, *new_path; /* of --- and +++, or of a git header; NULL: /dev/null, or none was said */
	char *git_old, *git_new;   /* of "diff --git" */
	bool lines;                /* there were --- and +++ */
	bool added, deleted, rename, copy, mode, executable;
};

static void release(struct header *header)
{
	free(header->old_path);
	free(header->new_path);
	free(header->git_old);
	free(header->git_new);
	*header = (struct header){0};
}

/* "a/NAME b/NAME" of "diff --git": quoted, or twice the same name. */
static void split_git(struct header *header, const char *rest, size_t length)
{
	size_t half = (length - 1) / 2, end = 1;

	if (length < 3)
		return;
	if (rest[0] == '"') {
		while (end < length && rest[end] != '"')
			end += rest[end] == '\\' ? 2 : 1;
		if (end + 2 < length) {
			header->git_old = patch_path(rest, end + 1);
			header->git_new = patch_path(rest + end + 2, length - end - 2);
		}
		return;
	}
	if (length % 2 == 1 && rest[half] == ' ') {
		header->git_old = patch_path(rest, half);
		header->git_new = patch_path(rest + half + 1, half);
	}
}

/* The path of "--- PATH" or "+++ PATH", without a time stamp. NULL: /dev/null. */
static char *line_path(const char *text, uint32_t length)
{
	const char *tab = memchr(text, '\t', length);

	if (tab) /* also a tab alone, which says that blanks before it belong to the name */
		length = (uint32_t)(tab - text);
	while (!tab && length > 0 && text[length - 1] == ' ')
		length--;
	if (length == strlen("/dev/null") && memcmp(text, "/dev/null", length) == 0)
		return NULL;
	return patch_path(text, length);
}

static int take_mode(struct header *header, const struct patch_source *source, const char *text,
		     uint32_t length, struct err *err)
{
	if (length != 6 || strspn(text, "01234567") < 6)
		return wrong(source, err, "expected a mode, such as 100644");
	if (memcmp(text, "100", 3) != 0)
		return wrong(source, err, "a link or submodule cannot be patched, only regular files");
	header->mode = true;
	header->executable = (text[3] - '0') & 1;
	return 0;
}

/* One line of a git header. 1: it was none. */
static int take_git(struct header *header, const struct patch_source *source, const char *line,
		    uint32_t length, struct err *err)
{
	static const struct {
		const char *begin;
		char what;
	} known[] = {
		{"old mode ", 'i'},
		{"new mode ", 'm'},
		{"new file mode ", 'n'},
		{"deleted file mode ", 'd'},
		{"rename from ", 'f'},
		{"rename to ", 't'},
		{"copy from ", 'F'},
		{"copy to ", 'T'},
		{"similarity index ", 'i'},
		{"dissimilarity index ", 'i'},
		{"index ", 'i'},
		{"GIT binary patch", 'b'},
		{"Binary files ", 'b'},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		size_t skip = strlen(known[i].begin);
		const char *rest = line + skip;
		uint32_t left = length - (uint32_t)skip;

		if (!begins(line, length, known[i].begin))
			continue;
		switch (known[i].what) {
		case 'b':
			return wrong(
				source, err,
				"binary changes cannot be applied; write the file with write_file (base64)");
		case 'd':
			header->deleted = true;
			return 0;
		case 'n':
			header->added = true;
			return take_mode(header, source, rest, left, err);
		case 'm':
			return take_mode(header, source, rest, left, err);
		case 'f':
		case 'F':
			free(header->old_path);
			header->old_path = patch_path(rest, left);
			return header->old_path ? 0 : wrong(source, err, "expected a path");
		case 't':
		case 'T':
			header->rename = known[i].what == 't';
			header->copy = !header->rename;
			free(header->new_path);
			header->new_path = patch_path(rest, left);
			return header->new_path ? 0 : wrong(source, err, "expected a path");
		default:
			return 0;
		}
	}
	return 1;
}

static bool has_prefix(const char *path, const char *letters)
{
	return path && path[0] && strchr(letters, path[0]) && path[1] == '/';
}

/* git's prefixes: a/ and b/, or others with diff.mnemonicPrefix; not the same on both sides. */
static bool prefixed(const char *old_path, const char *new_path)
{
	if (old_path && new_path)
		return has_prefix(old_path, "abciow") && has_prefix(new_path, "abciow") &&
		       old_path[0] != new_path[0];
	return has_prefix(old_path ? old_path : new_path, "ab");
}

static void strip(char *path)
{
	if (path)
		memmove(path, path + 2, strlen(path) - 1);
}

/* The names without prefixes. "diff --git" has both, also of a file that is new. */
static void strip_names(struct header *header)
{
	bool git = header->git_old && header->git_new, strips;

	strips = git ? prefixed(header->git_old, header->git_new)
		     : prefixed(header->old_path, header->new_path);
	if (!strips)
		return;
	strip(header->git_old);
	strip(header->git_new);
	if (header->lines && !header->rename && !header->copy) {
		strip(header->old_path);
		strip(header->new_path);
	}
}

/* A file out of a complete header. */
static int finish(struct patch *patch, struct header *header, const struct patch_source *source,
		  struct err *err)
{
	struct patch_file *file = patch_add_file(patch, source, err);
	char **old_path = &header->old_path, **new_path = &header->new_path;

	if (!file)
		return -EMSGSIZE;
	file->line--;
	strip_names(header);
	if (!header->lines && !header->rename && !header->copy) { /* nothing but "diff --git" says it */
		old_path = &header->git_old;
		new_path = &header->git_new;
	}
	header->added |= header->lines && !*old_path;
	header->deleted |= header->lines && !*new_path;
	if (header->added && header->deleted)
		return wrong(source, err, "a file cannot be both new and deleted");
	if (!header->added && !*old_path && *new_path)
		*old_path = strdup(*new_path);
	if (header->added && *new_path) {
		free(*old_path);
		*old_path = strdup(*new_path);
	}
	if (header->deleted && *old_path) {
		free(*new_path);
		*new_path = strdup(*old_path);
	}
	if (!*old_path || !*new_path || !**old_path || !**new_path)
		return wrong(source, err,
			     "no path that can be understood: expected `--- a/FILE` and `+++ b/FILE`");
	file->action = header->added ? PATCH_ADD : header->deleted ? PATCH_DELETE : PATCH_UPDATE;
	/* without rename lines: diff between directories; the new side is the one to patch */
	if (!header->rename && !header->copy && strcmp(*old_path, *new_path) != 0) {
		free(*old_path);
		*old_path = strdup(*new_path);
		if (!*old_path)
			return err_set(err, -ENOMEM, "not enough memory for the patch");
	}
	file->old_path = steal_pointer(*old_path);
	file->new_path = steal_pointer(*new_path);
	file->rename = header->rename;
	file->copy = header->copy;
	file->original = header->rename || header->copy;
	file->mode = header->mode;
	file->executable = header->executable;
	return 0;
}

/* "--- " and "+++ ", if this is where they stand. 1: it is not. */
static int take_names(struct header *header, struct patch_source *source)
{
	struct patch_source at = *source;
	uint32_t length, exact, second;
	const char *line = patch_next(&at, &length, &exact), *next;

	if (!line || !begins(line, length, "--- "))
		return 1;
	next = patch_next(&at, &second, &exact);
	if (!next || !begins(next, second, "+++ "))
		return 1;
	if (!header->rename && !header->copy) {
		free(header->old_path); /* "copy from" without "copy to" */
		free(header->new_path);
		header->old_path = line_path(line + 4, length - 4);
		header->new_path = line_path(next + 4, second - 4);
	}
	header->lines = true;
	*source = at;
	return 0;
}

static int take_header(struct header *header, struct patch_source *source, struct err *err)
{
	const char *line = patch_peek(source, &(uint32_t){0});
	uint32_t length, exact;
	int result = 0;

	line = patch_peek(source, &length);
	if (begins(line, length, "diff --git ")) {
		split_git(header, line + strlen("diff --git "), length - strlen("diff --git "));
		patch_next(source, &length, &exact);
		while (result == 0 && (line = patch_peek(source, &length)) &&
		       !begins(line, length, "diff --git ") && !begins(line, length, "--- ")) {
			struct patch_source before = *source;

			patch_next(source, &length, &exact);
			result = take_git(header, source, line, length, err);
			if (result == 1)
				*source = before;
		}
	}
	if (result < 0)
		return result;
	take_names(header, source);
	return 0;
}

int patch_take_header(struct patch *patch, struct patch_source *source, struct err *err)
{
	struct header header = {0};
	int result = take_header(&header, source, err);

	if (result == 0)
		result = finish(patch, &header, source, err);
	release(&header);
	return result;
}
