/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_SHEET_H
#define SALLYPORT_TOOLS_FILES_SEARCH_SHEET_H

/*
 * Results as text, in their order. One result is what `limit` and `offset` count: a match with the lines
 * around it, a file, or a file's count. Each is a record {u32 bytes, u32 flags} and its text, which ends with
 * a newline. Not for several threads.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

#define SHEET_GAP 0x1 /* something stands between this result and the one before it */

struct sheet {
	struct buffer records;
	size_t count;
	size_t open; /* where the last record begins, from the front of `records` */
	bool failed; /* no memory: what is here is not all */
};

void sheet_init(struct sheet *sheet);
void sheet_deinit(struct sheet *sheet);
/* Begins a result; text appended belongs to it until the next one. */
void sheet_begin(struct sheet *sheet, uint32_t flags);
void sheet_put(struct sheet *sheet, const void *bytes, size_t length);
void sheet_put_number(struct sheet *sheet, uint64_t number);
/* Moves all of `from` but its first `skip` results behind what `to` has; `from` is empty then. */
void sheet_move(struct sheet *to, struct sheet *from, size_t skip);
/* Takes the first result away. */
void sheet_drop(struct sheet *sheet);
/* The first record at `at` (0 is the first of all): its text and flags; returns where the next one is. */
size_t sheet_read(const struct sheet *sheet, size_t at, const char **text, size_t *length, uint32_t *flags);

#endif
