/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_GLOB_H
#define SALLYPORT_TOOLS_FILES_GLOB_H

/*
 * Globs, in two dialects. Both know `*` and `?` (never a slash), `**` as a whole name (any number of
 * directories), sets (`[a-z]`, `[!a]`, `[^a]`, `[[:digit:]]`), and `\` before what is meant literally.
 *
 * GLOB_FIND, for find_files and search_files: also `{a,b}`, nested, empty alternatives too. `?` and what a
 * set excludes are whole characters of UTF-8. A mistake is an error.
 * GLOB_GIT, for lines of .gitignore: exactly what git's wildmatch takes (gitignore(5), "PATTERN FORMAT"),
 * byte by byte. A mistake matches nothing.
 *
 * No pattern takes exponential time: matching goes back to the last `*` or the last `**` alone. Pure; a
 * compiled glob never changes, so threads may share it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"

enum glob_match {
	GLOB_NO,    /* neither this path nor any that begins with it */
	GLOB_BELOW, /* not this path, but maybe one that goes on where it ends */
	GLOB_YES,
};

/* ---- globs of tools ---- */

/*
 * A pattern without a slash matches the last name of any path; one with a slash the whole path, from where
 * the search begins. `./` in front is such a slash; one at the end wants a directory.
 */
struct glob;

/* 0 with *glob, or -EINVAL with *problem, a phrase that says what is wrong ("`[` is never closed"), or
 * -ENOMEM.
 */
int glob_new(struct glob **glob, const char *pattern, const char **problem);
void glob_free(struct glob *glob); /* NULL does nothing */

/* Is this it? `path` is relative to where the search begins, without a slash at either end; `name` points at
 * the last name in it. */
bool glob_matches(const struct glob *glob, const char *path, const char *name, bool directory);

/* May there be a match somewhere below the directory `path` (written as for glob_matches)? False spares going
 * there. */
bool glob_leads_below(const struct glob *glob, const char *path);

/* Does the pattern itself name something hidden: has a part of it a `.` in front? */
bool glob_names_hidden(const struct glob *glob);
/* The same of `.git`. */
bool glob_names_git(const struct glob *glob);

/* ---- one pattern, for those who have rules of their own about it ---- */

enum glob_dialect { GLOB_FIND, GLOB_GIT };

/*
 * Appends the program for `length` bytes of pattern; braces are no more than letters here. A `**` in front
 * counts as standing at the beginning of a name. 0; -EINVAL with *problem (may be NULL) when nothing could
 * match; or what the buffer says.
 */
int glob_compile(struct buffer *program, const char *pattern, size_t length, enum glob_dialect dialect,
		 const char **problem);

/* Runs a program over NUL-terminated text. */
enum glob_match glob_run(const uint8_t *program, const char *text);

#endif
