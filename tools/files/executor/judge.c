/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules inside a workspace: what is protected or hidden. Judged by identity (device and inode) on the way up
 * from the directory that was really reached, so that neither links nor spellings get around a rule. Whoever
 * renames directories meanwhile moves what he may move anyway: the descriptor stays where it was judged.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/rule.h"
#include "tools/files/executor/near.h"
#include "tools/files/executor/reach.h"

#define LEVELS 512 /* PATH_MAX allows more in theory; a deeper directory is refused, not trusted */
#define LINKS  40

struct identity {
	dev_t device;
	ino_t inode;
};

static bool identify(int fd, struct identity *identity)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	*identity = (struct identity){status.st_dev, status.st_ino};
	return true;
}

static bool same(struct identity left, struct identity right)
{
	return left.inode == right.inode && left.device == right.device;
}

/* Where the first `length` bytes of a rule's path lead, if they lead anywhere. */
static bool identify_rule(const struct reach *reach, const struct reach_rule *rule, size_t length,
			  struct identity *identity)
{
	char below[LIMIT_PATH_BYTES] = ".";
	_cleanup_fd_ int fd = -1;

	if (reach->roots[rule->root].fd < 0 || length >= sizeof below)
		return false;
	if (length > 0)
		snprintf(below, sizeof below, "%.*s", (int)length, rule->below);
	fd = reach_open_below(reach->roots[rule->root].fd, below, O_PATH);
	return fd >= 0 && identify(fd, identity);
}

/* Directories from `directory` up to the workspace (or to where there is no more up). Their number, or
 * -errno. */
static int climb(const struct reach_root *root, int directory, struct identity *levels)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW};
	_cleanup_fd_ int at = (int)syscall(SYS_openat2, directory, ".", &how, sizeof how);
	int count = 0;

	while (at >= 0 && count < LEVELS && identify(at, &levels[count])) {
		int up;

		if (levels[count].inode == root->inode && levels[count].device == root->device)
			return count + 1;
		if (count > 0 && same(levels[count], levels[count - 1]))
			return count; /* the top: ".." of itself */
		count++;
		up = (int)syscall(SYS_openat2, at, "..", &how, sizeof how);
		close_fd(&at);
		at = up;
	}
	return at < 0 ? -errno : -ENAMETOOLONG;
}

static int deny_rule(const struct place *place, const struct reach_rule *rule, bool write,
		     struct refusal *refusal)
{
	char name[128];

	rule_spell(name, sizeof name, rule->hide, rule->text);
	return refuse_denied(refusal, write ? "write" : "read", place->below, name, NULL);
}

/* Does the rule cover the entry `name` of levels[0], or something above it? */
static bool covers(const struct reach *reach, const struct reach_rule *rule, const struct identity *levels,
		   int count, const char *name)
{
	const char *slash = strrchr(rule->below, '/'), *last = slash ? slash + 1 : rule->below;
	struct identity identity;

	/* the very entry: it need not exist, and letters' case does not matter, since for some file systems
	 * it does not */
	if (strcasecmp(name, last) == 0 &&
	    identify_rule(reach, rule, slash ? (size_t)(slash - rule->below) : 0, &identity) &&
	    same(identity, levels[0]))
		return true;
	if (!identify_rule(reach, rule, strlen(rule->below), &identity))
		return false;
	for (int i = 0; i < count; i++)
		if (same(identity, levels[i]))
			return true;
	return false;
}

/*
 * Would a file at `name` of levels[0] stand where the rule's path has a directory? A file `.git` names
 * another directory, whose configuration counts instead. Directories on the way may be made.
 */
static bool covers_as_file(const struct reach *reach, const struct reach_rule *rule,
			   const struct place *place, const struct identity *levels, const char *name)
{
	const char *slash = strrchr(place->below, '/');
	size_t length = strlen(name), start = 0;
	struct identity identity;

	if (rule->hide || strcmp(slash ? slash + 1 : place->below, name) != 0)
		return false; /* a directory is to be made on the way to place */
	for (const char *end; (end = strchr(rule->below + start, '/'));
	     start = (size_t)(end - rule->below) + 1)
		if ((size_t)(end - rule->below) - start == length &&
		    strncasecmp(rule->below + start, name, length) == 0 &&
		    identify_rule(reach, rule, start ? start - 1 : 0, &identity) && same(identity, levels[0]))
			return true;
	return false;
}

/* By text: enough for most, and it refuses before a directory of a protected path has been made. */
static bool covers_text(const struct reach *reach, const struct reach_rule *rule, const struct place *place)
{
	size_t length = strlen(rule->below);

	return &reach->roots[rule->root] == place->root && strncmp(place->below, rule->below, length) == 0 &&
	       (place->below[length] == '\0' || place->below[length] == '/');
}

int reach_judge(const struct reach *reach, const struct place *place, int directory, const char *name,
		bool write, struct refusal *refusal)
{
	struct identity levels[LEVELS];
	int count;

	if (write && !place->root->write)
		return refuse_denied(refusal, "write", place->below, RULE_READ_ONLY, NULL);
	if (reach->rule_count == 0)
		return 0;
	count = climb(place->root, directory, levels);
	if (count < 0)
		return refuse_errno(refusal, -count, write ? "write" : "read", place->below);
	for (size_t i = 0; i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];

		if (!write && !rule->hide)
			continue;
		if (covers_text(reach, rule, place) || covers(reach, rule, levels, count, name) ||
		    (write && covers_as_file(reach, rule, place, levels, name)))
			return deny_rule(place, rule, write, refusal);
	}
	return 0;
}

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
static const struct reach_rule *find_leading(const struct reach *reach, int directory, const char *name)
{
	struct identity wanted, found;

	for (size_t i = 0; identify(directory, &wanted) && i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];
		struct place place = {.root = &reach->roots[rule->root]};
		struct refusal ignored;
		char target[1], last[256];

		if (rule->hide || readlinkat(place.root->fd, rule->below, target, sizeof target) < 0)
			continue;
		snprintf(place.below, sizeof place.below, "%s", rule->below);
		_cleanup_fd_ int above = reach_parent(reach, &place, false, "write", last, &ignored);
		if (above >= 0 && strcasecmp(last, name) == 0 && identify(above, &found) &&
		    same(found, wanted))
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
	const struct reach_rule *leading = find_leading(reach, directory, name);

	if (leading)
		return deny_rule(place, leading, true, refusal);
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

int reach_parent(const struct reach *reach, struct place *place, bool make, const char *operation, char *name,
		 struct refusal *refusal)
{
	struct place above;
	int result;

	for (int links = 0; links < LINKS; links++) {
		_cleanup_fd_ int directory = -1;

		above.root = place->root;
		result = split(place, above.below, name);
		if (result < 0)
			return refuse_errno(refusal, result, operation, place->below);
		directory = reach_open_below(place->root->fd, above.below, O_PATH | O_DIRECTORY);
		if (directory == -ENOENT && make) {
			result = make_directories(reach, place, strlen(above.below), false, refusal);
			if (result < 0)
				return result;
		}
		if (directory < 0) /* again with words, and absolute links followed */
			directory = reach_open(reach, &above, O_PATH | O_DIRECTORY, operation, refusal);
		if (directory == -ENOENT)
			return near_refuse(place, operation, refusal); /* of the whole path */
		if (directory < 0)
			return directory;
		result = join(place, &above, name);
		if (result < 0)
			return refuse_errno(refusal, result, operation, place->below);
		result = follow_last(reach, place, directory, above.below, name, operation, refusal);
		if (result < 0)
			return result;
		if (result == 0)
			return steal_fd(&directory);
	}
	return refuse_errno(refusal, ELOOP, operation, place->below);
}

int reach_judge_read(const struct reach *reach, const struct place *place, const char *operation,
		     struct refusal *refusal)
{
	struct place followed = *place;
	struct refusal ignored;
	_cleanup_fd_ int directory = -1;
	char name[256];

	directory = reach_parent(reach, &followed, false, operation, name, &ignored);
	if (directory == -EISDIR) { /* no name of its own: it is the directory that is asked about */
		directory = reach_open(reach, &followed, O_PATH | O_DIRECTORY, operation, refusal);
		name[0] = '\0';
	}
	if (directory < 0)
		return 0; /* opening it will say why */
	return reach_judge(reach, &followed, directory, name, false, refusal);
}

int reach_judge_parents(const struct reach *reach, const struct place *place, struct refusal *refusal)
{
	return make_directories(reach, place, strlen(place->below), true, refusal);
}
