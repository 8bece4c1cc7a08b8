/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_NOTIFY_RULES_H
#define SALLYPORT_SANDBOX_NOTIFY_RULES_H

/*
 * Which paths of the view are protected or hidden, by the text that the kernel gives for a descriptor
 * (readlink of /proc/self/fd/N): links are resolved in it, and each directory has one such text in a sandbox.
 * A command cannot rename a directory into or out of a protected place, so what was judged stays so until it
 * is done.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum rules_verdict {
	RULES_FREE,
	RULES_ABOVE,     /* a directory on the way to a protected path: it may be made and removed, no more */
	RULES_PROTECTED, /* the path itself, or below it: not to be written */
	RULES_HIDDEN     /* the same: not to be read either */
};

struct rules_path {
	char *path;    /* absolute, as the view shows it */
	size_t length; /* of it */
	size_t fixed;  /* of what is always spelled so: the workspace, as the plan has it */
	char *text;    /* as the policy says it, for "protected:TEXT"; or RULE_READ_ONLY */
	bool hidden;
	uint64_t device, inode; /* of a hidden file that a mount lies over; 0: none does */
};

struct rules {
	struct rules_path *list;
	size_t count;
	bool hides;    /* one of them is hidden */
	bool bounded;  /* nothing may be changed but what lies in one of `places` */
	char **places; /* absolute, as the view shows them */
	size_t place_count;
};

struct executor_file;
struct plan;

/* From the plan: what is protected wherever it can be written, workspaces that are only read in places that
 * are written, and what is hidden. 0 or -ENOMEM. */
int rules_make(struct rules *rules, const struct plan *plan);
/* Of what mounts lie over only the mounts can be looked at: takes over what was there, for each path of
 * plan->hide. */
void rules_know(struct rules *rules, const struct plan *plan, const struct executor_file *hidden);
/*
 * Where no mount makes all else read-only: says in which places files may be changed. `private`: the
 * directory that holds the sandbox's own /tmp and home, or NULL. 0 or -ENOMEM.
 */
int rules_bound(struct rules *rules, const struct plan *plan, const char *private);
void rules_deinit(struct rules *rules);

/*
 * The verdict on an absolute path without links; *rule (may be NULL) is the entry that decided. Below a
 * workspace letters' case does not matter where the directory's file system takes no notice of it.
 */
enum rules_verdict rules_judge(const struct rules *rules, const char *path, const struct rules_path **rule);

/* Whether `path` lies in one of the places, or there are no bounds. */
bool rules_may_change(const struct rules *rules, const char *path);

/* The entry whose path is this very file, by another name; NULL if none is. */
const struct rules_path *rules_same_file(const struct rules *rules, dev_t device, ino_t inode);

#endif
