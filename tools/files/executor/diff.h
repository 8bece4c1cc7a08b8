/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_DIFF_H
#define SALLYPORT_TOOLS_FILES_DIFF_H

/*
 * A unified diff of two versions of a text, shown as UTF-8 whatever their encoding. Pure, and in steps, since
 * the versions may be large: memory is bounded by LIMIT_DIFF_WINDOW lines, not by their size, and work ends
 * where the output is full. Lines are compared as bytes, with their line ends: what is shown as the same is
 * the same. A CR before LF is left out where all of a side's line ends are CRLF, and shown where they are
 * mixed. Always a true diff; the smallest one while no change is longer than LIMIT_DIFF_DISTANCE lines.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/files/executor/text.h"

struct diff_side {
	const uint8_t *bytes; /* of the whole file; borrowed until diff_end() */
	size_t length;
	const struct text *text; /* what kind of text it is (text_recognise); borrowed too */
	const char *name; /* behind "---" or "+++", as it is shown (quote.h); "/dev/null": there is none */
};

/* A line's start: bytes before it, lines before it. */
struct diff_place {
	size_t at;
	uint64_t line;
};

struct diff_work; /* diff.c */

struct diff {
	struct diff_side old, new;
	struct diff_place old_place, new_place; /* how far both have been compared */
	struct buffer *out;
	size_t bound;     /* of out's length, and a last line for the cut */
	uint64_t added;   /* lines shown with "+" */
	uint64_t removed; /* and with "-" */
	uint64_t cut;     /* 0, or the line of the new version from which on changes are not shown */
	struct diff_work *work;
};

/*
 * Begins: the diff will be appended to `out`, in at most `most` bytes, ended by whole lines; a line longer
 * than LIMIT_DIFF_LINE_BYTES is shown in part and says so. Nothing is written where both are the same. 0 or
 * -ENOMEM (then there is nothing to end).
 */
int diff_begin(struct diff *diff, const struct diff_side *old, const struct diff_side *new,
	       struct buffer *out, size_t most);

/* Some more, LIMIT_FILES_SLICE_BYTES of comparing or one change: 1 while there is more, 0 when it is complete
 * or diff->cut is set, -errno as buffer_append. */
int diff_step(struct diff *diff);

void diff_end(struct diff *diff);

/* All of it at once, for what is small: 0 or -errno; *cut as diff->cut. */
int diff_texts(const struct diff_side *old, const struct diff_side *new, struct buffer *out, size_t most,
	       uint64_t *cut);

#endif
