/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_PROTECT_H
#define SALLYPORT_SERVER_POLICY_PROTECT_H

/*
 * Paths that stay as they are in every workspace, also if they do not exist yet: files that a shell, git, an
 * editor or an agent host reads and acts upon by itself, outside every sandbox. A command that could write
 * one would run code as the person, tomorrow.
 */

struct protected_path {
	const char *path;   /* relative to a workspace */
	const char *reason; /* what acts upon it */
};

/* The one that filesystem.allowGitConfig gives up. */
#define PROTECTED_GIT_CONFIG ".git/config"

/* Sorted by path; ends with a path of NULL. */
extern const struct protected_path protected_paths[];

#endif
