/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_NEEDLE_H
#define SALLYPORT_TOOLS_FILES_SEARCH_NEEDLE_H

/*
 * A string of bytes found fast: its two rarest bytes are looked for in 32 places at a time, and only where
 * both stand is the whole compared. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEEDLE_RARE  60 /* what needle_rarity says at least of what is not in most lines */
#define NEEDLE_BYTES 64 /* of a longer one the first so many are looked for */

struct needle {
	uint8_t bytes[NEEDLE_BYTES];
	uint8_t masks[NEEDLE_BYTES]; /* 0x20 where a letter may have either case, else 0 */
	uint8_t length;              /* at least 1 */
	uint8_t first, second;       /* where its rarest bytes stand; equal if it has one */
};

/* `fold`: ASCII letters match in either case. Takes at most NEEDLE_BYTES of `length` >= 1. */
void needle_init(struct needle *needle, const uint8_t *bytes, size_t length, bool fold);

/* Where it stands first in [at, end), or NULL. */
const uint8_t *needle_find(const struct needle *needle, const uint8_t *at, const uint8_t *end);

/* How rare it is in what people search: larger is rarer; to choose between needles. */
unsigned needle_rarity(const struct needle *needle);

#endif
