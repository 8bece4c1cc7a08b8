/* SPDX-License-Identifier: Apache-2.0 */
/* Names of a directory: getdents64 in batches, then a merge sort that can be left and taken up again. */
#include "tools/files/executor/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/limits.h"

#define BATCH 32768 /* a thousand entries a step */
#define MERGE 4096  /* entries moved in a step of the merge */

void names_init(struct names *names)
{
	*names = (struct names){.width = 1};
	buffer_init(&names->bytes, UINT32_MAX); /* bounded by the allowance of entries */
}

void names_deinit(struct names *names)
{
	buffer_deinit(&names->bytes);
	free(names->order);
	free(names->sorting);
	names_init(names);
}

void names_reset(struct names *names, size_t keep)
{
	struct names fresh = {.bytes = names->bytes, .order = names->order, .size = names->size, .width = 1};

	if (names->bytes.size > keep || names->size * sizeof *names->order > keep) {
		names_deinit(names);
		return;
	}
	free(names->sorting);
	*names = fresh;
	buffer_clear(&names->bytes, keep);
}

static int add(struct names *names, const struct dirent64 *entry)
{
	size_t length = strlen(entry->d_name) + 1;
	int result = buffer_reserve(&names->bytes, length + 1);

	if (result < 0)
		return result;
	if (names->count == names->size) {
		size_t size = names->size ? names->size * 2 : 64;
		uint32_t *order = realloc(names->order, size * sizeof *order);

		if (!order)
			return -ENOMEM;
		names->order = order;
		names->size = size;
	}
	names->order[names->count++] = (uint32_t)names->bytes.end;
	names->bytes.bytes[names->bytes.end++] = (char)entry->d_type;
	return buffer_append(&names->bytes, entry->d_name, length);
}

static unsigned ignore_file(const char *name)
{
	return strcmp(name, ".gitignore") == 0 ? IGNORE_GIT
	       : strcmp(name, ".ignore") == 0  ? IGNORE_OWN
	       : strcmp(name, ".git") == 0     ? IGNORE_REPOSITORY
					       : 0;
}

static bool is_self_or_parent(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int names_read(struct names *names, int directory, bool hidden, size_t *allowance)
{
	_Alignas(struct dirent64) char batch[BATCH];
	ssize_t length = getdents64(directory, batch, sizeof batch);

	if (length <= 0)
		return length < 0 ? -errno : 1;
	for (ssize_t at = 0; at < length;) {
		const struct dirent64 *entry = (const struct dirent64 *)(batch + at);
		int result;

		at += entry->d_reclen;
		if (is_self_or_parent(entry->d_name))
			continue;
		if (*allowance == 0)
			return -ENOSPC;
		--*allowance;
		if (entry->d_name[0] == '.') {
			names->has |= ignore_file(entry->d_name);
			names->hidden += !hidden;
			if (!hidden)
				continue;
		}
		result = add(names, entry);
		if (result < 0)
			return result;
	}
	return 0;
}

/* Merges the two runs that begin at names->at into names->sorting; the number of entries they had. */
static size_t merge(struct names *names)
{
	size_t start = names->at, middle = start + names->width, end = middle + names->width;

	if (middle > names->count)
		middle = names->count;
	if (end > names->count)
		end = names->count;
	for (size_t left = start, right = middle, to = start; to < end; to++) {
		bool take_left = right >= end || (left < middle && strcmp(names_get(names, left),
									  names_get(names, right)) <= 0);

		names->sorting[to] = names->order[take_left ? left++ : right++];
	}
	return end - start;
}

int names_sort(struct names *names)
{
	size_t done = 0;

	if (!names->sorting && names->count > 1) {
		names->sorting = malloc(names->count * sizeof *names->sorting);
		if (!names->sorting)
			return -ENOMEM;
	}
	while (names->width < names->count) {
		size_t moved = merge(names);

		names->at += moved;
		done += moved;
		if (names->at >= names->count) {
			uint32_t *sorted = names->sorting;

			names->sorting = names->order;
			names->order = sorted;
			names->size = names->count;
			names->at = 0;
			names->width *= 2;
		}
		if (done >= MERGE)
			return 0;
	}
	return 1;
}
