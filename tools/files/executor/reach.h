/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_REACH_H
#define SALLYPORT_TOOLS_FILES_REACH_H

/*
 * What this executor may look at: the workspaces, a descriptor each, and the rules inside them. Every path is
 * resolved by the kernel beneath a workspace (openat2, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS), so no race
 * with renames or links leads out; text is only used to choose the workspace and to explain.
 *
 * Protected paths (readable, never written, also when they do not exist yet) and hidden ones are recognised
 * by the identity of directories on the way up from where a path really leads, not by its text: links and
 * other spellings do not get around them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "protocol/limits.h"
#include "sandbox/plan.h"
#include "tools/files/executor/ignore.h"
#include "tools/files/executor/refusal.h"
#include "tools/files/wire.h"

struct reach_root {
	const char *path; /* of the plan */
	size_t length;
	int fd; /* O_PATH; -1: the workspace has vanished */
	bool write;
	dev_t device;
	ino_t inode;
};

struct reach_rule {
	size_t root;
	char *below;      /* relative to the root: "a/b" */
	const char *text; /* as the policy has it; of the plan */
	bool hide;        /* hidden; otherwise protected */
};

struct reach {
	struct reach_root *roots;
	size_t count;
	struct reach_rule *rules;
	size_t rule_count;
	bool hides; /* some rule hides something: reads must be judged too */
	struct ignore
		*everywhere; /* the person's own ignore rules (excludes.h), or NULL; set afterwards, owned */
};

/* Borrows `plan`, and the descriptors (one a workspace, in order); both live as long as the reach. 0 or
 * -errno. */
int reach_init(struct reach *reach, const struct plan *plan, const int *descriptors);
void reach_deinit(struct reach *reach);

/* Where a path leads: a workspace, and the way below it ("." for itself). */
struct place {
	const struct reach_root *root;
	char below[LIMIT_PATH_BYTES];
};

/* By text alone: nothing is opened. A path that is quoted (tools/files/quote.h) means what it quotes.
 * `operation` ("read", "write", ..) is for the denial. 0 or a refusal. */
int reach_find(const struct reach *reach, const char *path, const char *operation, struct place *place,
	       struct refusal *refusal);

/* The denial of what lies in no workspace. */
int reach_deny_outside(const struct reach *reach, const char *operation, const char *target,
		       struct refusal *refusal);

/*
 * Opens a place. Links are followed while they stay inside the workspace, absolute ones also into another:
 * then `place` is rewritten to where they lead. Returns the descriptor, or -errno with the refusal set;
 * -ENOENT names what is near. Never blocks and never opens anything but regular files and directories for
 * data, unless flags have O_PATH.
 */
int reach_open(const struct reach *reach, struct place *place, int flags, const char *operation,
	       struct refusal *refusal);

/* openat2 below `directory` alone: no rewriting, no words. Returns the descriptor or -errno. */
int reach_open_below(int directory, const char *below, int flags);

/* Makes a file that must not exist in `directory`, for writing. Returns the descriptor or -errno. */
int reach_create(int directory, const char *name, mode_t mode);

/* Makes a file without a name in `directory`, for writing, which reach_name can name. Returns the descriptor
 * or -errno (-EOPNOTSUPP: the file system or the kernel cannot; a name as of reach_create does the same). */
int reach_create_unnamed(int directory, mode_t mode);

/* Gives such a file a name that must not exist. 0 or -errno. */
int reach_name(int fd, int directory, const char *name);

/*
 * The directory that holds what `place` leads to and its name there (256 bytes): links at the end are
 * followed, and `place` rewritten accordingly; the name need not exist. Returns an O_PATH descriptor, or
 * -errno with the refusal; -EISDIR when the path has no name of its own (".", "..", "a/"). `make`:
 * directories that are missing on the way are made, each judged first.
 */
int reach_parent(const struct reach *reach, struct place *place, bool make, const char *operation, char *name,
		 struct refusal *refusal);

/* The same without following a link at the end, slashes behind the name ignored: what is moved, copied,
 * removed or put there is the name itself. */
int reach_entry(const struct reach *reach, struct place *place, bool make, const char *operation, char *name,
		struct refusal *refusal);

/* Makes the directory `place` and those that are missing on the way, each judged first. `place` gets "/."
 * behind it. 0, also when it is there, or a refusal. */
int reach_make(const struct reach *reach, struct place *place, struct refusal *refusal);

/*
 * May the whole tree at the entry `name` of `directory` be moved away or removed (`write`), or be copied
 * (else)? Beside reach_judge: nothing in it, existing or not, is protected or hidden, and it is and holds no
 * workspace. 0, or the denial. Nothing but a directory has a tree.
 */
int reach_judge_tree(const struct reach *reach, const struct place *place, int directory, const char *name,
		     bool write, struct refusal *refusal);

/* Is the directory `inner` the entry `name` of `directory`, or somewhere below it? */
bool reach_within(const struct place *place, int inner, int directory, const char *name);

/*
 * May the entry `name` of `directory` be made, replaced or removed (`write`), or be seen (else)? Judged by
 * where the directory really is. 0, or the denial.
 */
int reach_judge(const struct reach *reach, const struct place *place, int directory, const char *name,
		bool write, struct refusal *refusal);

/* Would the directories that are missing on the way to `place` be allowed? 0, or a refusal. Makes nothing. */
int reach_judge_parents(const struct reach *reach, const struct place *place, struct refusal *refusal);

/* May what `place` leads to be read? 0, or the denial. Nothing to ask unless reach->hides. */
int reach_judge_read(const struct reach *reach, const struct place *place, const char *operation,
		     struct refusal *refusal);

/* What a mode says something is. */
enum files_type files_type_of(mode_t mode);

/* "PATH" as it would be typed: absolute. `to` has LIMIT_PATH_BYTES * 2. */
void reach_absolute(const struct place *place, char *to, size_t size);

#endif
