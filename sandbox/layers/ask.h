/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_ASK_H
#define SALLYPORT_SANDBOX_LAYERS_ASK_H

/*
 * What programs run to ask a person for a password (ssh(1) SSH_ASKPASS, sudo(8) SUDO_ASKPASS, git(1)
 * GIT_ASKPASS) or to have a text edited (environ(7) EDITOR), when their command has no terminal: two small
 * scripts that say what was asked, and that nobody is there, and fail at once.
 */

#define ASK_DIRECTORY ".sallyport"

/* What names them: `name`, the path of the directory, `script`; where that is NULL, `name` alone. */
struct ask_variable {
	const char *name, *script;
};

extern const struct ask_variable ask_variables[]; /* up to one without a name */
#define ASK_VARIABLES 5                           /* at most */

/* Makes the directory in `parent`, with both scripts, for everybody to run. 0 or -errno, with *step. */
int ask_make(int parent, const char **step);

#endif
