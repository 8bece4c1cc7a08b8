/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_NAMES_H
#define SALLYPORT_TOOLS_FILES_NAMES_H

/*
 * The names of one directory, read and sorted in short steps: a directory of 100,000 entries takes tens of
 * milliseconds to sort, which no other call shall wait for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "tools/files/executor/ignore.h"

struct names {
	struct buffer bytes;       /* for each entry: type (DT_*), then the name with its NUL */
	uint32_t *order, *sorting; /* where entries begin in `bytes`; the second is the merge's other half */
	size_t count, size;
	uint64_t hidden;  /* left out, since they begin with a dot */
	unsigned has;     /* IGNORE_*: ignore files among all of them */
	size_t width, at; /* the merge: length of sorted runs, where it stands */
};

void names_init(struct names *names);
void names_deinit(struct names *names);
/* Empties it for another directory; memory above `keep` bytes is given back. */
void names_reset(struct names *names, size_t keep);

/* Reads some entries of `directory`, at most *allowance in all, which is decreased. 1 when all were read, 0
 * when there may be more, -ENOSPC when the allowance is used up, or -errno. */
int names_read(struct names *names, int directory, bool hidden, size_t *allowance);
/* Sorts some more, by bytes. 1 when sorted, 0 when not yet, -ENOMEM. */
int names_sort(struct names *names);

static inline const char *names_get(const struct names *names, size_t index)
{
	return names->bytes.bytes + names->order[index] + 1;
}

static inline unsigned char names_type(const struct names *names, size_t index)
{
	return (unsigned char)names->bytes.bytes[names->order[index]];
}

#endif
