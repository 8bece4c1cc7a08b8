/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TREE_H
#define SALLYPORT_TOOLS_FILES_TREE_H

/*
 * A walk through all that is at one name, in short steps, by descriptors alone: links are entries and never
 * followed, and nobody who renames directories or swaps them for links meanwhile makes it leave what it came
 * into. Two descriptors whatever the depth: on the way up ".." must be the directory that it came from.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "tools/files/executor/names.h"

enum tree_event {
	TREE_MORE,  /* nothing to do for the caller: step again */
	TREE_ENTRY, /* tree->name of tree->at is no directory */
	TREE_ENTER, /* tree->at is a directory that was just entered; tree->name is its name above */
	TREE_FULL,  /* all that is in tree->at was told; it is left next */
	TREE_LEAVE, /* tree->name of tree->at is the directory that was left */
	TREE_END,   /* all was told */
};

struct tree_level {
	char name[256]; /* in the directory above */
	struct names names;
	size_t next;
	bool read, full;
	dev_t device;
	ino_t inode;
};

struct tree {
	int base; /* the directory with the name: borrowed */
	int at;   /* where the walk stands: base, or a descriptor of its own */
	char name[256];
	bool begun, ended;
	bool one_mount; /* nothing that is mounted below is entered (-EXDEV) */
	struct tree_level *levels;
	size_t depth, size;
	size_t allowance; /* names that may still be held */
};

/* The name may be that of a file: then it is the only entry. */
void tree_init(struct tree *tree, int base, const char *name, bool one_mount);
void tree_deinit(struct tree *tree);

/* The next event, or -errno: -ESTALE when directories were moved meanwhile, -ENOSPC when a directory (or all
 * on the way to it) has more than LIMIT_TREE_NAMES entries, -ENAMETOOLONG below LIMIT_TREE_DEPTH. */
int tree_step(struct tree *tree);

/* Where the walk stands, with tree->name unless a directory was just entered: "a/b", for words (quote.h). */
void tree_path(const struct tree *tree, char *to, size_t size);

#endif
