/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_WALK_H
#define SALLYPORT_TOOLS_FILES_WALK_H

/*
 * All that lies below a directory, in one order: names sorted by their bytes, depth first, a directory before
 * what is in it. Links are told, not followed. What ignore rules, a dot in front or a `hide` rule of the
 * policy leave out is not told, and a directory left out is not entered.
 *
 *	walk_new(&walk, reach, &place, fd, flags)
 *	for (;;)
 *		switch (walk_next(walk, &entry)) {
 *		case WALK_ENTRY: ...; break;  look at *entry; walk_skip(walk) not to go into it
 *		case WALK_BUSY:  ...; break;  nothing yet; others may have their turn
 *		case WALK_END:   ...          or -errno: no memory
 *		}
 *
 * Threads: a walk is one thing, so whoever calls holds one lock around walk_next() and the copying of the
 * entry's path. What costs is then done outside: entry.directory is counted atomically, and
 * walk_directory_hold() keeps its descriptor open for whoever opens the file later. Each call is short
 * (a piece of a directory read or sorted, one directory opened).
 *
 * Bounded: names held (LIMIT_WALK_NAMES_BYTES), depth (LIMIT_WALK_DEPTH), descriptors (LIMIT_WALK_OPEN, and
 * those held by others), paths (LIMIT_PATH_BYTES). What is beyond is left out and told by
 * walk_facts. The tree may change meanwhile: each name is told once or not at all, and nothing outside the
 * place is ever looked at. A directory that is its own ancestor (a bind mount) is told and not entered.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/files/executor/reach.h"

#define WALK_HIDDEN  0x1 /* also names that begin with a dot, but not .git */
#define WALK_IGNORED 0x2 /* also what ignore files name */
#define WALK_GIT     0x4 /* with WALK_HIDDEN: .git too */

struct walk;

/* A directory of the walk, open. */
struct walk_directory {
	atomic_uint holders;
	int fd; /* O_RDONLY */
};

void walk_directory_hold(struct walk_directory *directory);
/* Closes and frees it with its last holder. NULL does nothing. */
void walk_directory_release(struct walk_directory *directory);

/* What was found. Borrowed: until the next call about this walk. */
struct walk_entry {
	struct walk_directory *directory; /* where it lies: openat2(directory->fd, name, O_NOFOLLOW) */
	const char *path;                 /* from where the walk began: "a/b.c" */
	const char *name;                 /* the last part of it */
	size_t length;                    /* of path */
	unsigned char type;               /* DT_*, never DT_UNKNOWN */
};

enum walk_step { WALK_END, WALK_ENTRY, WALK_BUSY };

/*
 * Begins at the directory `place`, which `fd` is open at (O_RDONLY; taken over, also on failure). Ignore
 * files above it count as far up as its workspace. Borrows `reach`. 0 or -errno.
 */
int walk_new(struct walk **walk, const struct reach *reach, const struct place *place, int fd,
	     unsigned flags);
void walk_free(struct walk *walk); /* NULL does nothing */

/* One step: enum walk_step, or -ENOMEM. */
int walk_next(struct walk *walk, struct walk_entry *entry);
/* The entry just told, a directory, is not entered. */
void walk_skip(struct walk *walk);

/* What was left out so far. */
struct walk_facts {
	uint64_t hidden, ignored; /* names; not what lies below them */
	uint64_t unreadable;      /* directories that could not be opened */
	bool cut;                 /* something was beyond the bounds */
};

const struct walk_facts *walk_facts(const struct walk *walk);

#endif
