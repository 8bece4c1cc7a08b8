/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The smallest change between two windows of lines: E. Myers, "An O(ND) Difference Algorithm and Its
 * Variations", 1986, the greedy algorithm, forward only, ended by the first run of LIMIT_DIFF_SAME equal
 * lines. So the cost is that of one change (its square), not of the whole file.
 */
#include <string.h>

#include "tools/files/executor/diff_parts.h"

#define NOWHERE (-1) /* a diagonal that leaves the windows */

static bool equal(const struct diff_line *one, const struct diff_line *other)
{
	return one->hash == other->hash && one->length == other->length &&
	       memcmp(one->at, other->at, one->length) == 0;
}

/* From the diagonals beside `k`: one line removed (from the left) or added (from the right), whichever comes
 * further and stays inside. */
static int choose(int left, int right, int k, int old_count, int new_count, bool *adding)
{
	int removed = left == NOWHERE || left >= old_count ? NOWHERE : left + 1;
	int added = right == NOWHERE || right - k > new_count ? NOWHERE : right;

	*adding = added >= removed;
	return *adding ? added : removed;
}

static int16_t *row_of(struct diff_work *work, int d)
{
	return work->trace + (size_t)d * ((size_t)d + 1) / 2;
}

static void prepend(struct diff_work *work, size_t *first, int x, int y, bool adding, bool joined)
{
	struct diff_change *change;

	if (!joined) {
		change = &work->changes[--*first];
		*change = (struct diff_change){.old_count = 0};
	}
	change = &work->changes[*first];
	change->old = (size_t)x;
	change->new = (size_t)y;
	change->old_count += !adding;
	change->new_count += adding;
}

/* The way back from (x, y), the end of the change at distance d: changes, last first, put in order. */
static int walk_back(struct diff_work *work, int d, int x, int y)
{
	size_t first = LIMIT_DIFF_DISTANCE + 1, count;
	bool joined = false;

	for (; d > 0; d--) {
		const int16_t *row = row_of(work, d - 1);
		int k = x - y, left = k > -d ? row[(k - 1 + d - 1) / 2] : NOWHERE,
		    right = k < d ? row[(k + 1 + d - 1) / 2] : NOWHERE;
		bool adding;
		int begin = choose(left, right, k, (int)work->old.count, (int)work->new.count, &adding);
		int from_x = adding ? right : left, from_y = from_x - (adding ? k + 1 : k - 1);

		joined = joined && begin == x;
		prepend(work, &first, from_x, from_y, adding, joined);
		joined = true;
		x = from_x;
		y = from_y;
	}
	count = LIMIT_DIFF_DISTANCE + 1 - first;
	memmove(work->changes, work->changes + first, count * sizeof *work->changes);
	return (int)count;
}

int diff_find_changes(struct diff_work *work, size_t *old_end, size_t *new_end)
{
	int n = (int)work->old.count, m = (int)work->new.count;
	int16_t *far = work->far + LIMIT_DIFF_DISTANCE + 1;

	for (int d = 0; d <= LIMIT_DIFF_DISTANCE && d <= n + m; d++) {
		int16_t *row = row_of(work, d);

		for (int k = -d; k <= d; k += 2) {
			bool adding;
			int begin = d ? choose(k > -d ? far[k - 1] : NOWHERE, k < d ? far[k + 1] : NOWHERE, k,
					       n, m, &adding)
				      : 0;
			int x = begin;

			while (x != NOWHERE && x < n && x - k < m &&
			       equal(&work->old.lines[x], &work->new.lines[x - k]))
				x++;
			far[k] = row[(k + d) / 2] = (int16_t)x;
			if (x == NOWHERE)
				continue;
			if (x - begin >= LIMIT_DIFF_SAME ||
			    (x == n && x - k == m && work->old.last && work->new.last)) {
				*old_end = (size_t)x;
				*new_end = (size_t)(x - k);
				return walk_back(work, d, begin, begin - k);
			}
		}
	}
	return -1;
}
