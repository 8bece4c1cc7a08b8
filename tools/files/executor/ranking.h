/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_RANKING_H
#define SALLYPORT_TOOLS_FILES_RANKING_H

/* The best so many of any number of paths: a heap whose first is the worst that is kept. The largest key
 * comes first; what is equal, in the order of adding. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ranked {
	int64_t key, minor; /* seconds and nanoseconds, or bytes */
	uint64_t order;
	char *path;
	bool directory;
};

struct ranking {
	struct ranked *items;
	size_t count, size, most;
	size_t bytes; /* of paths */
	uint64_t added;
};

/* `most`: how many are kept. */
void ranking_init(struct ranking *ranking, size_t most);
void ranking_deinit(struct ranking *ranking);
/* 0, -ENOMEM, or -EMSGSIZE: the paths kept take more than LIMIT_FIND_RANKED_BYTES. */
int ranking_add(struct ranking *ranking, int64_t key, int64_t minor, const char *path, bool directory);
/* Puts them in order for ranking_get; their number. More may be added afterwards. */
size_t ranking_sort(struct ranking *ranking);

/* After ranking_sort: number `index`, the best is 0. */
static inline const struct ranked *ranking_get(const struct ranking *ranking, size_t index)
{
	return &ranking->items[ranking->count - 1 - index];
}

#endif
