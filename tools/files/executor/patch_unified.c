/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unified diffs, of git and of diff: git-diff(1) "Generating patch text with -p", and what patch(1)
 * understands. Counts in hunk headers are often wrong where a model has written them: lines that go on behind
 * them still count, and fewer lines are enough. What they say is held against the file anyway.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/patch.h"

static bool begins(const char *line, uint32_t length, const char *with)
{
	return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

static int wrong(const struct patch_source *source, struct err *err, const char *what)
{
	return err_set(err, -EINVAL, "line %u of the patch: %s", source->line - 1, what);
}

/* ---- hunks ---- */

static bool take_number(const char **at, const char *end, uint64_t *number)
{
	const char *start = *at;

	*number = 0;
	while (*at < end && isdigit((unsigned char)**at) && *at - start < 12)
		*number = *number * 10 + (uint64_t)(*(*at)++ - '0');
	return *at > start;
}

/* "-START[,COUNT]", with the sign given. */
static bool take_range(const char **at, const char *end, char sign, uint64_t *start, uint64_t *count)
{
	while (*at < end && **at == ' ')
		(*at)++;
	*count = 1;
	if (*at == end || *(*at)++ != sign || !take_number(at, end, start))
		return false;
	if (*at == end || **at != ',')
		return true;
	(*at)++;
	return take_number(at, end, count);
}

/* Does a new file, or something behind the last hunk, begin here? `left`: lines that the header still
 * promises. */
static bool ends_hunk(const struct patch_source *source, const char *line, uint32_t length, bool left)
{
	struct patch_source behind = *source;
	const char *next;
	uint32_t skipped, exact;

	if (begins(line, length, "@@ -") || begins(line, length, "diff --git "))
		return true;
	if (begins(line, length, "--- ")) {
		patch_next(&behind, &skipped, &skipped);
		next = patch_next(&behind, &skipped, &exact);
		if (next && begins(next, skipped, "+++ ")) {
			/* a line `-- x` that goes and a line `++ y` that comes look alike: but a file has
			 * hunks */
			next = patch_peek(&behind, &skipped);
			if (!left || (next && begins(next, skipped, "@@ -")))
				return true;
		}
	}
	/* the signature of a mail, and empty lines between files */
	return !left && (length == 0 || (begins(line, length, "-- ") && length <= 20) ||
			 (length == 2 && memcmp(line, "--", 2) == 0));
}

static int take_lines(struct patch *patch, struct patch_source *source, uint64_t old_count,
		      uint64_t new_count, struct err *err)
{
	const char *line;
	uint32_t length, exact;
	int result = 0;

	while (result == 0 && (line = patch_peek(source, &length))) {
		char kind = length ? line[0] : ' ';

		if (kind == '\\') { /* "\ No newline at end of file", in whatever language */
			patch_next(source, &length, &exact);
			if (patch->hunks[patch->hunk_count - 1].count == 0)
				return wrong(source, err, "`\\` stands before the first line");
			patch->lines[patch->line_count - 1].unended = true;
			continue;
		}
		if (ends_hunk(source, line, length, old_count + new_count > 0))
			break;
		if (kind != ' ' && kind != '-' && kind != '+') {
			if (old_count + new_count == 0)
				break; /* text between files */
			patch_next(source, &length, &exact);
			return wrong(source, err, "expected a line that begins with ` `, `-`, `+` or `\\`");
		}
		patch_next(source, &length, &exact);
		/* an empty line is one of context whose blank somebody has removed */
		result = length ? patch_add_line(patch, kind, line + 1, exact - 1, err)
				: patch_add_line(patch, ' ', line, exact, err);
		old_count -= old_count > 0 && kind != '+';
		new_count -= new_count > 0 && kind != '-';
	}
	return result;
}

static int take_hunk(struct patch *patch, struct patch_source *source, struct err *err)
{
	struct patch_hunk *hunk;
	uint64_t old_line, old_count, new_line, new_count;
	uint32_t length, exact;
	const char *line = patch_next(source, &length, &exact), *at = line + 2, *end = line + length;

	if (!take_range(&at, end, '-', &old_line, &old_count) ||
	    !take_range(&at, end, '+', &new_line, &new_count) || end - at < 3 || memcmp(at, " @@", 3) != 0)
		return wrong(source, err, "expected `@@ -LINE,COUNT +LINE,COUNT @@`");
	hunk = patch_add_hunk(patch, source, err);
	if (!hunk)
		return -EMSGSIZE;
	hunk->line--;
	hunk->numbered = true;
	/* where there are no old lines, it names the line before */
	hunk->old_line = old_count == 0 ? old_line + 1 : old_line;
	return take_lines(patch, source, old_count, new_count, err);
}

/* ---- files ---- */

static int take_file(struct patch *patch, struct patch_source *source, struct err *err)
{
	uint32_t length;
	const char *line;
	int result = patch_take_header(patch, source, err);

	while (result == 0 && (line = patch_peek(source, &length)) && begins(line, length, "@@ "))
		result = take_hunk(patch, source, err);
	return result;
}

int patch_parse_unified(struct patch *patch, struct patch_source *source, struct err *err)
{
	uint32_t length, exact;
	const char *line;
	int result = 0;

	while (result == 0 && (line = patch_peek(source, &length))) {
		struct patch_source behind = *source;
		uint32_t second = 0;
		const char *next;

		patch_next(&behind, &second, &exact);
		next = patch_peek(&behind, &second);
		if (begins(line, length, "diff --git ") ||
		    (begins(line, length, "--- ") && next && begins(next, second, "+++ "))) {
			result = take_file(patch, source, err);
			continue;
		}
		patch_next(source, &length, &exact);
		if (begins(line, length, "@@ -"))
			return wrong(source, err,
				     "a hunk without a file: expected `--- a/FILE` and `+++ b/FILE` before");
		if (begins(line, length, "Binary files ") || begins(line, length, "GIT binary patch"))
			return wrong(
				source, err,
				"binary changes cannot be applied; write the file with write_file (base64)");
	}
	return result;
}
