/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_LITERAL_READER_H
#define SALLYPORT_TOOLS_FILES_SEARCH_LITERAL_READER_H

/*
 * The smallest parts of an expression: what one character, escape or set of it needs of the text. For
 * literal.c alone, which puts them together.
 */

#include "tools/files/search/literal.h"

struct reader {
	const char *at, *end;
	bool fold, dotall, literal;
	bool lost;          /* something is not understood */
	bool anchored_text; /* \A \z \Z \G: another thing over many lines than in one */
	unsigned newlines;  /* constructs seen so far that may match one */
	bool unsafe;        /* one of these where it must not be (literal.h, spans_safely) */
};

/* What a part of the expression needs. */
struct piece {
	struct literals need; /* only count and any */
	bool exact;           /* it matches exactly any[0] and nothing else; any[0] may be empty */
};

/* Does this come next? reader_take() also goes behind it. */
bool reader_peek(const struct reader *reader, const char *text);
bool reader_take(struct reader *reader, const char *text);

/* A character, whose first byte was taken. Letters whose case folds beyond ASCII (K and the Kelvin sign, s
 * and the long s) are no literals when folded, and neither is what is beyond ASCII itself. */
struct piece reader_byte(struct reader *reader, uint8_t byte);
/* What is no literal. */
struct piece reader_anything(struct reader *reader, bool newline);
/* Matches nothing by itself: what stands before and behind still stand together. */
struct piece reader_nothing(void);
/* Behind `\`. */
struct piece reader_escape(struct reader *reader);
/* Behind `[`. Only a set of a single plain byte is a literal; of the others it counts whether they may have a
 * newline, and then it is enough to know when they surely have none. */
struct piece reader_set(struct reader *reader);

#endif
