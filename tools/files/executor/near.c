/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the name that was probably meant. Bounded: at most so many entries, names of at most 255 bytes. */
#include "tools/files/executor/near.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/quote.h"

#define NAME 255

static unsigned least(unsigned left, unsigned right)
{
	return left < right ? left : right;
}

static unsigned change(char left, char right)
{
	return left == right ? 0 : tolower((unsigned char)left) == tolower((unsigned char)right) ? 1 : 2;
}

unsigned near_distance(const char *left, const char *right, unsigned most)
{
	unsigned rows[3][NAME + 1], *above = rows[0], *row = rows[1], *before = rows[2];
	size_t height = strlen(left), width = strlen(right);

	if (height > NAME || width > NAME || (height > width ? height - width : width - height) * 2 > most)
		return most + 1;
	if (strcasecmp(left, right) == 0)
		return strcmp(left, right) != 0;
	for (size_t j = 0; j <= width; j++)
		row[j] = (unsigned)j * 2;
	for (size_t i = 1; i <= height; i++) {
		unsigned *oldest = before, best = (unsigned)i * 2;

		before = above;
		above = row;
		row = oldest;
		row[0] = (unsigned)i * 2;
		for (size_t j = 1; j <= width; j++) {
			row[j] = least(above[j - 1] + change(left[i - 1], right[j - 1]),
				       least(above[j], row[j - 1]) + 2);
			if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
				row[j] = least(row[j], before[j - 2] + 2);
			best = least(best, row[j]);
		}
		/* an exchange looks one row further back, hence not at once */
		if (best > most + 2)
			return most + 1;
	}
	return row[width] > most ? most + 1 : row[width];
}

/* The nearest entry of `directory` to `name`, into `found` (NAME + 1 bytes); false if none is near. */
static bool nearest(int directory, const char *name, char *found)
{
	size_t size = strlen(name);
	unsigned allowed = size < 3 ? 1 : size < 4 ? 2 : 4 + (unsigned)size / 4, best = allowed + 1;
	_Alignas(struct dirent64) char batch[8192];
	ssize_t length;
	size_t seen = 0;

	while (seen < LIMIT_NEAR_NAMES && (length = getdents64(directory, batch, sizeof batch)) > 0)
		for (ssize_t at = 0; at < length;) {
			const struct dirent64 *entry = (const struct dirent64 *)(batch + at);
			unsigned distance;

			at += entry->d_reclen;
			seen++;
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			distance = near_distance(name, entry->d_name, allowed);
			if (distance < best) {
				best = distance;
				snprintf(found, NAME + 1, "%s", entry->d_name);
			}
		}
	return best <= allowed;
}

/* What is missing, or what was probably meant: `name`, which stands in place->below from `at` to `end`, in
 * `directory`. */
static int explain(const struct place *place, int directory, const char *name, size_t at, size_t end,
		   const char *operation, struct refusal *refusal)
{
	char rooms[3][QUOTE_BYTES], found[NAME + 1], target[512], other[LIMIT_PATH_BYTES + NAME];
	const char *whole = quote_show(place->below, rooms[0]);
	ssize_t length = readlinkat(directory, name, target, sizeof target - 1);

	snprintf(other, sizeof other, "%.*s", (int)(length >= 0 ? end : at), place->below);
	if (length >= 0) {
		target[length] = '\0';
		return refuse(refusal, ENOENT,
			      "cannot %s `%.400s`: `%.400s` is a link to `%.100s`, which does not exist",
			      operation, whole, quote_show(other, rooms[1]), quote_show(target, rooms[2]));
	}
	if (nearest(directory, name, found)) {
		snprintf(other, sizeof other, "%.*s%s%s", (int)at, place->below, found, place->below + end);
		return refuse(refusal, ENOENT,
			      "cannot %s `%.400s`: it does not exist. Did you mean `%.500s`?", operation,
			      whole, quote_show(other, rooms[1]));
	}
	name = quote_show(name, rooms[2]);
	if (at == 0)
		return refuse(refusal, ENOENT,
			      "cannot %s `%.400s`: there is no `%.260s` in the workspace `%s`", operation,
			      whole, name, place->root->path);
	return refuse(refusal, ENOENT, "cannot %s `%.400s`: there is no `%.260s` in `%.300s`", operation,
		      whole, name, quote_show(other, rooms[1]));
}

int near_refuse(const struct place *place, const char *operation, struct refusal *refusal)
{
	_cleanup_fd_ int directory = reach_open_below(place->root->fd, ".", O_RDONLY | O_DIRECTORY);
	char name[NAME + 1], prefix[LIMIT_PATH_BYTES];
	const char *at = place->below, *end;

	/* down as far as there is something */
	for (;; at = end) {
		int next;

		while (*at == '/')
			at++;
		end = strchrnul(at, '/');
		if (directory < 0 || at == end || end - at > NAME)
			return refuse_errno(refusal, ENOENT, operation, place->below);
		snprintf(name, sizeof name, "%.*s", (int)(end - at), at);
		if (!*end)
			break;
		snprintf(prefix, sizeof prefix, "%.*s", (int)(end - place->below), place->below);
		next = reach_open_below(place->root->fd, prefix, O_RDONLY | O_DIRECTORY);
		if (next < 0)
			break;
		close_fd(&directory);
		directory = next;
	}
	return explain(place, directory, name, (size_t)(at - place->below), (size_t)(end - place->below),
		       operation, refusal);
}
