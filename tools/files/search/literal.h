/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_LITERAL_H
#define SALLYPORT_TOOLS_FILES_SEARCH_LITERAL_H

/*
 * What can be known of an expression without running it: strings of which at least one stands in whatever it
 * matches, and whether it may be run over many lines at once. Where a construct is not understood, nothing is
 * claimed: it is only slower then. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/files/search/needle.h"

#define LITERAL_COUNT 8

struct literals {
	/* At least one of them stands in every match, byte for byte (or in either case, when folded); 0: not
	 * known. */
	size_t count;
	struct literal {
		size_t length;
		uint8_t bytes[NEEDLE_BYTES];
	} any[LITERAL_COUNT];
	bool fold; /* ASCII letters of these stand for either case */
	/*
	 * The expression, run with PCRE2_MULTILINE over text of many lines from the beginning of one, finds a
	 * match that begins no later than in the first line that matches by itself. (It may find one that
	 * does not count, which the line by itself then says.)
	 */
	bool spans_safely;
	bool may_take_newline; /* something in it matches a newline */
};

/* `fold`: it is compiled with PCRE2_CASELESS and PCRE2_UTF. `literal`: with PCRE2_LITERAL. */
void literals_find(struct literals *literals, const char *pattern, size_t length, bool fold, bool literal);

#endif
