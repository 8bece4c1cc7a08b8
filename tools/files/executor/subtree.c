/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a whole tree holds that must stay: protected and hidden paths, existing or not, and workspaces. Nobody
 * walks the tree for it: each such path is followed from its workspace, and the way up from where it really
 * ends passes the tree or does not. So a directory that only leads to a protected path (`.git`) counts too:
 * with another name the protection would be left behind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/rule.h"
#include "tools/files/executor/judge.h"

/* Does the way up from `fd` pass `tree`? What is no directory has no way up of its own. */
static bool passes(const struct reach_root *root, int fd, struct identity tree)
{
	struct identity levels[JUDGE_LEVELS], own;
	int count;

	if (judge_identify(fd, &own) && judge_same(own, tree))
		return true;
	count = judge_climb(root, fd, levels);
	for (int i = 0; i < count; i++)
		if (judge_same(levels[i], tree))
			return true;
	return false;
}

/* Does `below`, followed from its workspace as far as it leads, pass `tree`? At each level, since a link may
 * lead on to somewhere else. */
static bool leads_through(const struct reach_root *root, const char *below, struct identity tree)
{
	char prefix[LIMIT_PATH_BYTES];
	size_t length = 0;

	while (root->fd >= 0 && below[length]) {
		length += strspn(below + length, "/");
		length += strcspn(below + length, "/");
		if (length >= sizeof prefix)
			return true; /* cannot be said, so it may */
		snprintf(prefix, sizeof prefix, "%.*s", (int)length, below);

		_cleanup_fd_ int fd = reach_open_below(root->fd, prefix, O_PATH);

		if (fd < 0)
			return false;
		if (passes(root, fd, tree))
			return true;
	}
	return false;
}

static int deny_workspace(const struct place *place, const struct reach_root *root, struct refusal *refusal)
{
	char target[512];

	snprintf(target, sizeof target, "%.250s, which is or holds the workspace %.200s", place->below,
		 root->path);
	return refuse_denied(refusal, "write", target, RULE_WORKSPACE, "what is in the workspace");
}

/* Is the tree a workspace, or does it hold one that lies in another by its path? */
static int judge_workspaces(const struct reach *reach, const struct place *place, struct identity tree,
			    struct refusal *refusal)
{
	for (size_t i = 0; i < reach->count; i++) {
		const struct reach_root *inner = &reach->roots[i];

		if (judge_same((struct identity){inner->device, inner->inode}, tree))
			return deny_workspace(place, inner, refusal);
		for (size_t j = 0; j < reach->count; j++) {
			const struct reach_root *outer = &reach->roots[j];

			if (inner->length > outer->length + 1 && inner->path[outer->length] == '/' &&
			    strncmp(inner->path, outer->path, outer->length) == 0 &&
			    leads_through(outer, inner->path + outer->length + 1, tree))
				return deny_workspace(place, inner, refusal);
		}
	}
	return 0;
}

int reach_judge_tree(const struct reach *reach, const struct place *place, int directory, const char *name,
		     bool write, struct refusal *refusal)
{
	_cleanup_fd_ int fd = reach_open_below(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	struct identity tree;

	if (fd < 0 || !judge_identify(fd, &tree))
		return 0;
	for (size_t i = 0; i < reach->rule_count; i++) {
		const struct reach_rule *rule = &reach->rules[i];

		if ((write || rule->hide) && leads_through(&reach->roots[rule->root], rule->below, tree))
			return judge_deny(place, rule, write, refusal);
	}
	return write ? judge_workspaces(reach, place, tree, refusal) : 0;
}

bool reach_within(const struct place *place, int inner, int directory, const char *name)
{
	_cleanup_fd_ int fd = reach_open_below(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	struct identity tree;

	return fd >= 0 && judge_identify(fd, &tree) && passes(place->root, inner, tree);
}
