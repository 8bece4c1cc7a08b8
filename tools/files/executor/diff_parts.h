/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_DIFF_PARTS_H
#define SALLYPORT_TOOLS_FILES_DIFF_PARTS_H

/* What the parts of the diff share: diff.c walks both sides, diff_change.c finds the smallest change between
 * two windows of lines, diff_hunk.c writes hunks. */

#include "protocol/limits.h"
#include "tools/files/executor/diff.h"

struct diff_line {
	const uint8_t *at;
	size_t length; /* its end included */
	uint64_t hash; /* of its beginning and length */
};

struct diff_window {
	struct diff_line lines[LIMIT_DIFF_WINDOW];
	size_t count;
	bool last; /* the file ends with it */
};

/* Lines [old, old + old_count) of one window became lines [new, new + new_count) of the other. */
struct diff_change {
	size_t old, old_count, new, new_count;
};

struct diff_work {
	struct diff_window old, new;
	struct diff_change changes[LIMIT_DIFF_DISTANCE + 1];
	int16_t far[2 * LIMIT_DIFF_DISTANCE + 3]; /* Myers' V: the furthest line on each diagonal */
	/* V of each distance, for the way back: distance d has d + 1 entries */
	int16_t trace[(LIMIT_DIFF_DISTANCE + 1) * (LIMIT_DIFF_DISTANCE + 2) / 2];
	bool same;    /* both sides have the same kind of lines: equal beginnings may be skipped as bytes */
	bool begun;   /* the names are written */
	size_t ahead; /* bytes known to be equal behind the line where both sides stand */

	/* the hunk that is open */
	bool open;
	struct buffer body;
	size_t room;                                       /* that it may fill */
	uint64_t changed;                                  /* lines of it that are no context */
	uint64_t old_line, old_count, new_line, new_count; /* of it; lines before its first one */
	struct diff_place old_end, new_end;                /* behind its last change */
};

/* The changes between two windows up to where LIMIT_DIFF_SAME lines are equal again, or both files end: their
 * number, in work->changes, with the end of those equal lines; -1 when that is further than we look. */
int diff_find_changes(struct diff_work *work, size_t *old_end, size_t *new_end);

/* The end of the line that begins at `at`; has that line an end; the start of the one before it. */
size_t diff_line_end(const struct diff_side *side, size_t at);
bool diff_line_ended(const struct diff_side *side, size_t at, size_t end);
size_t diff_line_before(const struct diff_side *side, size_t at);

/* The lines from one place to another were replaced; changes come in order. 1: the output is full. 0 or
 * -errno. */
int diff_put_change(struct diff *diff, const struct diff_place *old, const struct diff_place *old_to,
		    const struct diff_place *new, const struct diff_place *new_to);
/* Ends the open hunk, if any. 1, 0 or -errno. */
int diff_close_hunk(struct diff *diff);

#endif
