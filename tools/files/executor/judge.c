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
#include "tools/files/executor/judge.h"

bool judge_identify(int fd, struct identity *identity)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return false;
	*identity = (struct identity){status.st_dev, status.st_ino};
	return true;
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
	return fd >= 0 && judge_identify(fd, identity);
}

int judge_climb(const struct reach_root *root, int directory, struct identity *levels)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW};
	_cleanup_fd_ int at = (int)syscall(SYS_openat2, directory, ".", &how, sizeof how);
	int count = 0;

	while (at >= 0 && count < JUDGE_LEVELS && judge_identify(at, &levels[count])) {
		int up;

		if (levels[count].inode == root->inode && levels[count].device == root->device)
			return count + 1;
		if (count > 0 && judge_same(levels[count], levels[count - 1]))
			return count; /* the top: ".." of itself */
		count++;
		up = (int)syscall(SYS_openat2, at, "..", &how, sizeof how);
		close_fd(&at);
		at = up;
	}
	return at < 0 ? -errno : -ENAMETOOLONG;
}

int judge_deny(const struct place *place, const struct reach_rule *rule, bool write, struct refusal *refusal)
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
	    judge_same(identity, levels[0]))
		return true;
	if (!identify_rule(reach, rule, strlen(rule->below), &identity))
		return false;
	for (int i = 0; i < count; i++)
		if (judge_same(identity, levels[i]))
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
		    identify_rule(reach, rule, start ? start - 1 : 0, &identity) &&
		    judge_same(identity, levels[0]))
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
	struct identity levels[JUDGE_LEVELS];
	int count;

	if (write && !place->root->write)
		return refuse_denied(refusal, "write", place->below, RULE_READ_ONLY, NULL);
	if (reach->rule_count == 0)
		return 0;
	count = judge_climb(place->root, directory, levels);
	if (count < 0)
		return refuse_errno(refusal, -count, write ? "write" : "read", place->below);
	for (size_t i = 0; i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];

		if (!write && !rule->hide)
			continue;
		if (covers_text(reach, rule, place) || covers(reach, rule, levels, count, name) ||
		    (write && covers_as_file(reach, rule, place, levels, name)))
			return judge_deny(place, rule, write, refusal);
	}
	return 0;
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
