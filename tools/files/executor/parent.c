/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory in which something stands or is to be made: found, and made where it is missing, each level
 * judged first. Trusts neither the path nor the tree, which others rename meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/judge.h"
#include "tools/files/executor/near.h"

#define LINKS 40 /* as many as the kernel follows */

/* ".." after something that is to be made first leads nowhere: the kernel, too, wants what it goes through.
 */
static bool goes_up(const char *path, size_t length)
{
	for (size_t i = 0; i + 1 < length; i++)
		if (path[i] == '.' && path[i + 1] == '.' && (i == 0 || path[i - 1] == '/') &&
		    (i + 2 == length || path[i + 2] == '/'))
			return true;
	return false;
}

/* A protected path may be a link to nowhere: does it lead to `name` of `directory`, which is to be made? */
const struct reach_rule *judge_find_leading(const struct reach *reach, int directory, const char *name)
{
	struct identity wanted, found;

	for (size_t i = 0; judge_identify(directory, &wanted) && i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];
		struct place place = {.root = &reach->roots[rule->root]};
		struct refusal ignored;
		char target[1], last[256];

		if (rule->hide || readlinkat(place.root->fd, rule->below, target, sizeof target) < 0)
			continue;
		snprintf(place.below, sizeof place.below, "%s", rule->below);
		_cleanup_fd_ int above = reach_parent(reach, &place, false, "write", last, &ignored);
		if (above >= 0 && strcasecmp(last, name) == 0 && judge_identify(above, &found) &&
		    judge_same(found, wanted))
			return rule;
	}
	return NULL;
}

/* Makes the directory `name`, which does not lead anywhere yet, or only foretells whether that would do. */
static int make_directory(const struct reach *reach, const struct place *place, int directory,
			  const char *name, bool dry, struct refusal *refusal)
{
	int result = reach_judge(reach, place, directory, name, true, refusal);
	struct stat status;

	if (result < 0)
		return result;
	const struct reach_rule *leading = judge_find_leading(reach, directory, name);

	if (leading)
		return judge_deny(place, leading, true, refusal);
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
		return refuse_errno(refusal, ENOENT, "make directory", name); /* a link to nowhere */
	if (dry ? faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) < 0
		: mkdirat(directory, name, 0777) < 0 && errno != EEXIST)
		return refuse_errno(refusal, errno, "make directory", name);
	return 0;
}

/* Makes the directories of place->below up to `end` that are missing, or only judges the first such (`dry`).
 */
static int make_directories(const struct reach *reach, const struct place *place, size_t end, bool dry,
			    struct refusal *refusal)
{
	_cleanup_fd_ int directory = reach_open_below(place->root->fd, ".", O_PATH | O_DIRECTORY);
	char prefix[LIMIT_PATH_BYTES], name[256];
	size_t at = 0;
	int result;

	while (directory >= 0 && at < end) {
		size_t start = at + strspn(place->below + at, "/"),
		       stop = start + strcspn(place->below + start, "/");

		at = stop;
		if (start == stop)
			break;
		if (stop - start >= sizeof name)
			return refuse_errno(refusal, ENAMETOOLONG, "write", place->below);
		snprintf(prefix, sizeof prefix, "%.*s", (int)stop, place->below);
		int next = reach_open_below(place->root->fd, prefix, O_PATH | O_DIRECTORY);

		if (next == -ENOENT && goes_up(place->below + stop, strlen(place->below + stop)))
			return near_refuse(place, "write", refusal);
		if (next == -ENOENT) {
			snprintf(name, sizeof name, "%.*s", (int)(stop - start), place->below + start);
			result = make_directory(reach, place, directory, name, dry, refusal);
			if (result < 0 || dry)
				return result;
			next = reach_open_below(directory, name, O_PATH | O_DIRECTORY);
		}
		if (next < 0)
			return refuse_errno(refusal, next, "write", place->below);
		close_fd(&directory);
		directory = next;
	}
	return directory < 0 ? refuse_errno(refusal, directory, "write", place->below) : 0;
}

/* Splits place->below: the directory into `above` ("." if none), the name into `name`. 0 or -errno. */
static int split(const struct place *place, char *above, char *name)
{
	const char *slash = strrchr(place->below, '/'), *last = slash ? slash + 1 : place->below;

	if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
		return -EISDIR;
	if (strlen(last) > 255)
		return -ENAMETOOLONG;
	memcpy(name, last, strlen(last) + 1);
	snprintf(above, LIMIT_PATH_BYTES, "%.*s", slash ? (int)(slash - place->below) : 1,
		 slash ? place->below : ".");
	return 0;
}

/* place = above / name. 0 or -ENAMETOOLONG. */
static int join(struct place *place, const struct place *above, const char *name)
{
	bool top = strcmp(above->below, ".") == 0;

	if (strlen(above->below) + strlen(name) + 2 > sizeof place->below)
		return -ENAMETOOLONG;
	place->root = above->root;
	snprintf(place->below, sizeof place->below, "%s%s%s", top ? "" : above->below, top ? "" : "/", name);
	return 0;
}

/* The link at the end of place: rewrites place to where it leads. 1 done, 0 not a link, or a refusal. */
static int follow_last(const struct reach *reach, struct place *place, int directory, const char *above,
		       const char *name, const char *operation, struct refusal *refusal)
{
	char target[LIMIT_PATH_BYTES], below[2 * LIMIT_PATH_BYTES];
	ssize_t length = readlinkat(directory, name, target, sizeof target - 1);

	if (length < 0)
		return 0;
	target[length] = '\0';
	if (target[0] == '/') {
		int result = reach_find(reach, target, operation, place, refusal);

		return result < 0 ? result : 1;
	}
	snprintf(below, sizeof below, "%s%s%s", strcmp(above, ".") == 0 ? "" : above,
		 strcmp(above, ".") == 0 ? "" : "/", target);
	if (strlen(below) >= sizeof place->below)
		return refuse_errno(refusal, ENAMETOOLONG, operation, place->below);
	memcpy(place->below, below, strlen(below) + 1);
	return 1;
}

/* The directory of place's last name; `place` is rewritten where a link on the way leads to another
 * workspace. */
static int open_above(const struct reach *reach, struct place *place, struct place *above, bool make,
		      const char *operation, char *name, struct refusal *refusal)
{
	int result = split(place, above->below, name), directory;

	above->root = place->root;
	if (result < 0)
		return refuse_errno(refusal, result, operation, place->below);
	directory = reach_open_below(place->root->fd, above->below, O_PATH | O_DIRECTORY);
	if (directory == -ENOENT && make) {
		result = make_directories(reach, place, strlen(above->below), false, refusal);
		if (result < 0)
			return result;
	}
	if (directory < 0) /* again with words, and absolute links followed */
		directory = reach_open(reach, above, O_PATH | O_DIRECTORY, operation, refusal);
	if (directory == -ENOENT)
		return near_refuse(place, operation, refusal); /* of the whole path */
	if (directory < 0)
		return directory;
	result = join(place, above, name);
	if (result < 0) {
		close(directory);
		return refuse_errno(refusal, result, operation, place->below);
	}
	return directory;
}

int reach_parent(const struct reach *reach, struct place *place, bool make, const char *operation, char *name,
		 struct refusal *refusal)
{
	struct place above;

	for (int links = 0; links < LINKS; links++) {
		_cleanup_fd_ int directory = open_above(reach, place, &above, make, operation, name, refusal);
		int result;

		if (directory < 0)
			return directory;
		result = follow_last(reach, place, directory, above.below, name, operation, refusal);
		if (result < 0)
			return result;
		if (result == 0)
			return steal_fd(&directory);
	}
	return refuse_errno(refusal, ELOOP, operation, place->below);
}

int reach_entry(const struct reach *reach, struct place *place, bool make, const char *operation, char *name,
		struct refusal *refusal)
{
	size_t length = strlen(place->below);
	struct place above;

	while (length > 1 && place->below[length - 1] == '/')
		place->below[--length] = '\0';
	return open_above(reach, place, &above, make, operation, name, refusal);
}

int reach_make(const struct reach *reach, struct place *place, struct refusal *refusal)
{
	size_t length = strlen(place->below);

	/* "/.": it is to be a directory, which may stand on the way to a protected path */
	if (length + 3 > sizeof place->below)
		return refuse_errno(refusal, ENAMETOOLONG, "make directory", place->below);
	memcpy(place->below + length, "/.", 3);
	return make_directories(reach, place, length, false, refusal);
}

int reach_judge_parents(const struct reach *reach, const struct place *place, struct refusal *refusal)
{
	return make_directories(reach, place, strlen(place->below), true, refusal);
}
