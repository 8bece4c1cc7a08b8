/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_PATTERN_H
#define SALLYPORT_TOOLS_FILES_SEARCH_PATTERN_H

/*
 * What is searched for: a text or an expression (PCRE2), compiled once, shared by threads; each has a
 * matcher.
 *
 * A line matches when the expression matches in it alone, without its newline, as for grep -P. To be fast
 * nothing is asked line by line as long as that can be helped: strings that must occur are looked for first,
 * or the expression runs over all text at once, and only what that finds is asked about alone (literal.h says
 * when that loses nothing).
 *
 * \w, \d and \s know ASCII; (*UCP) in front of the expression makes them know Unicode. Bytes that are no
 * UTF-8 match nothing but themselves in a text.
 */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/files/executor/refusal.h"
#include "tools/files/search/literal.h"

#define PATTERN_LITERAL   0x1
#define PATTERN_FOLD      0x2
#define PATTERN_MULTILINE 0x4 /* matches may span lines */

enum pattern_way {
	PATTERN_BYTES,   /* a needle is the match */
	PATTERN_NEEDLES, /* needles first, then the expression on that line */
	PATTERN_WHOLE,   /* the expression over all text */
	PATTERN_LINES,   /* the expression on each line */
};

struct pattern {
	pcre2_code *code; /* NULL: PATTERN_BYTES */
	bool compiled;    /* to machine code */
	bool multiline;
	bool verify; /* PATTERN_WHOLE: a match may have begun in one line and ended in another */
	enum pattern_way way;
	size_t count;
	struct needle needles[LITERAL_COUNT];
};

/* 0, or a refusal that says where the expression is wrong. */
int pattern_init(struct pattern *pattern, const char *text, size_t length, unsigned flags,
		 struct refusal *refusal);
void pattern_deinit(struct pattern *pattern);

/* What one thread needs to run it. */
struct matcher {
	const struct pattern *pattern;
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
	const uint8_t *text;                /* of the text at hand: where each needle stands next */
	const uint8_t *next[LITERAL_COUNT]; /* NULL: nowhere */
};

/* 0 or -ENOMEM. Borrows the pattern. */
int matcher_init(struct matcher *matcher, const struct pattern *pattern);
void matcher_deinit(struct matcher *matcher);

/* Offsets into the text. */
struct match {
	size_t line, line_end; /* the first line it touches; the end of the last, its newline excluded */
	size_t start, end;     /* of the match itself */
};

enum matched {
	MATCHED_NOTHING, /* none from here to the end */
	MATCHED,
	MATCHED_TOO_MUCH, /* the line was more than the expression may take (LIMIT_SEARCH_STEPS): match->line,
			     line_end. Go on behind it */
};

/* Another text; before the first matcher_next() on it. */
void matcher_begin(struct matcher *matcher, const uint8_t *text, size_t length);
/* The first match from `from`, which is where a line begins, in `length` bytes of whole lines. */
enum matched matcher_next(struct matcher *matcher, const uint8_t *text, size_t from, size_t length,
			  struct match *match);

#endif
