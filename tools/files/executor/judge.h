/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_JUDGE_H
#define SALLYPORT_TOOLS_FILES_JUDGE_H

/* What judge.c (one name), subtree.c (all below one) and parent.c (directories on the way) share. */

#include "tools/files/executor/reach.h"

#define JUDGE_LEVELS 512 /* PATH_MAX allows more in theory; a deeper directory is refused, not trusted */

struct identity {
	dev_t device;
	ino_t inode;
};

bool judge_identify(int fd, struct identity *identity);

static inline bool judge_same(struct identity left, struct identity right)
{
	return left.inode == right.inode && left.device == right.device;
}

/* Directories from `directory` up to the workspace (or to where there is no more up), JUDGE_LEVELS at most.
 * Their number, or -errno. */
int judge_climb(const struct reach_root *root, int directory, struct identity *levels);

/* The denial by `rule`. Returns -EPERM. */
int judge_deny(const struct place *place, const struct reach_rule *rule, bool write, struct refusal *refusal);

/* A protected path may be a link to nowhere: which leads to `name` of `directory`, that is to be made? NULL:
 * none. */
const struct reach_rule *judge_find_leading(const struct reach *reach, int directory, const char *name);

#endif
