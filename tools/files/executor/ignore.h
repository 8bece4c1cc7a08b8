/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_IGNORE_H
#define SALLYPORT_TOOLS_FILES_IGNORE_H

/*
 * What people want left out: .gitignore and .git/info/exclude as git reads them (gitignore(5)), and .ignore,
 * which ripgrep, ag and fd read the same way and which is stronger than both. The last line that matches
 * decides; a deeper file is stronger than one above; what lies in a directory that is left out is never asked
 * about. A directory with a .git of its own begins anew: rules of .gitignore files above end there.
 *
 * Unlike git: .gitignore counts also where no repository is seen, since a workspace may be a part of one. Not
 * read: files above the workspaces, and the info/exclude of a repository whose .git is a file. The person's
 * own rules for all repositories (excludes.h) are the weakest; they are told to ignore_above().
 *
 * A chain of these never changes once made and is counted atomically, so threads may share it. Files are
 * read through openat2 below their directory, regular ones only, links not followed, up to
 * LIMIT_IGNORE_BYTES.
 */

#include <stdbool.h>
#include <stddef.h>

/* The rules that count in a directory. NULL: none. */
struct ignore;

/* What of these a directory has. */
#define IGNORE_GIT        0x1 /* .gitignore */
#define IGNORE_OWN        0x2 /* .ignore */
#define IGNORE_REPOSITORY 0x4 /* .git */

/* Rules for every repository, of a text (ignore_parse): the beginning of chains. 0 or -ENOMEM. */
int ignore_everywhere(const char *text, size_t length, struct ignore **ignore);

/*
 * The rules in `directory`, whose entries' paths begin with `base` bytes ("a/b/": 4; 0 at the top), for a
 * caller who knows what it `has`. `above` is borrowed, NULL if there is none. *ignore is to be released; it
 * may be `above` once more. 0 or -ENOMEM; files that cannot be read count as absent.
 */
int ignore_enter(struct ignore *above, int directory, size_t base, unsigned has, struct ignore **ignore);
/*
 * The rules of the directories above the directory `below`, which is a path from the workspace `root`, and
 * those that count `everywhere` (borrowed; NULL: none); and in
 * `path` (LIMIT_PATH_BYTES) the way there as ignore_names wants it, "a/b/". How many bytes that has, or
 * -ENOMEM. Where a link or `..` is on the way, what lies above is not what the path says: 0 then, and no
 * rules but those.
 */
int ignore_above(struct ignore *everywhere, int root, const char *below, char *path, struct ignore **ignore);
struct ignore *ignore_hold(struct ignore *ignore); /* NULL is NULL */
void ignore_release(struct ignore *ignore);        /* NULL does nothing */

/* Is it to be left out? `path` is from the top, NUL-terminated, `length` bytes, `name` its last part. */
bool ignore_names(const struct ignore *ignore, const char *path, size_t length, const char *name,
		  bool directory);

/* ---- one file of rules, for those who have its text ---- */

struct ignore_rules;

/* Takes what is well-formed of the text; what is not is left out. NULL: no memory. */
struct ignore_rules *ignore_parse(const char *text, size_t length);
void ignore_rules_free(struct ignore_rules *rules); /* NULL does nothing */

enum ignore_verdict { IGNORE_SILENT, IGNORE_OUT, IGNORE_KEPT };

/* What the file says of `path`, which is relative to where the file lies. */
enum ignore_verdict ignore_judge(const struct ignore_rules *rules, const char *path, size_t length,
				 const char *name, bool directory);

#endif
