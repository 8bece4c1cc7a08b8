/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded heap of paths. */
#include "tools/files/executor/ranking.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"

void ranking_init(struct ranking *ranking, size_t most)
{
	*ranking = (struct ranking){.most = most};
}

void ranking_deinit(struct ranking *ranking)
{
	for (size_t i = 0; i < ranking->count; i++)
		free(ranking->items[i].path);
	free(ranking->items);
	*ranking = (struct ranking){0};
}

/* Does left come before right? Below 0: yes. */
static int compare(const void *left_item, const void *right_item)
{
	const struct ranked *left = left_item, *right = right_item;

	if (left->key != right->key)
		return left->key > right->key ? -1 : 1;
	if (left->minor != right->minor)
		return left->minor > right->minor ? -1 : 1;
	return left->order < right->order ? -1 : 1;
}

static void swap(struct ranked *left, struct ranked *right)
{
	struct ranked kept = *left;

	*left = *right;
	*right = kept;
}

static void sift_up(struct ranking *ranking, size_t at)
{
	struct ranked *items = ranking->items;

	for (; at > 0 && compare(&items[at], &items[(at - 1) / 2]) > 0; at = (at - 1) / 2)
		swap(&items[at], &items[(at - 1) / 2]);
}

static void sift_down(struct ranking *ranking, size_t count)
{
	struct ranked *items = ranking->items;

	for (size_t at = 0, worst;; at = worst) {
		worst = at;
		for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
			if (compare(&items[child], &items[worst]) > 0)
				worst = child;
		if (worst == at)
			return;
		swap(&items[at], &items[worst]);
	}
}

static int grow(struct ranking *ranking)
{
	size_t size = ranking->size ? ranking->size * 2 : 64;
	struct ranked *items;

	if (ranking->count < ranking->size)
		return 0;
	items = realloc(ranking->items, size * sizeof *items);
	if (!items)
		return -ENOMEM;
	ranking->items = items;
	ranking->size = size;
	return 0;
}

int ranking_add(struct ranking *ranking, int64_t key, int64_t minor, const char *path, bool directory)
{
	struct ranked item = {.key = key, .minor = minor, .order = ranking->added, .directory = directory};
	bool full = ranking->count == ranking->most;
	size_t length = strlen(path);

	ranking->added++;
	if (full && compare(&item, &ranking->items[0]) > 0)
		return 0;
	if (ranking->bytes + length > LIMIT_FIND_RANKED_BYTES)
		return -EMSGSIZE;
	if (!full && grow(ranking) < 0)
		return -ENOMEM;
	item.path = strdup(path);
	if (!item.path)
		return -ENOMEM;
	ranking->bytes += length;
	if (!full) {
		ranking->items[ranking->count++] = item;
		sift_up(ranking, ranking->count - 1);
		return 0;
	}
	ranking->bytes -= strlen(ranking->items[0].path);
	free(ranking->items[0].path);
	ranking->items[0] = item;
	sift_down(ranking, ranking->count);
	return 0;
}

/* Not by qsort: the C library's asks how much memory the machine has, which no filter of ours allows. */
size_t ranking_sort(struct ranking *ranking)
{
	for (size_t left = ranking->count; left > 1; left--) {
		swap(&ranking->items[0], &ranking->items[left - 1]); /* the worst of what is left */
		sift_down(ranking, left - 1);
	}
	/* from behind it is a heap again: every child comes before its parent */
	for (size_t i = 0; i < ranking->count / 2; i++)
		swap(&ranking->items[i], &ranking->items[ranking->count - 1 - i]);
	return ranking->count;
}
