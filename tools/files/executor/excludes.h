/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_EXCLUDES_H
#define SALLYPORT_TOOLS_FILES_EXCLUDES_H

/*
 * The person's own ignore rules, for all repositories: the file that core.excludesFile names in
 * ~/.gitconfig, $XDG_CONFIG_HOME/git/config or /etc/gitconfig (the first of these that names one), else
 * $XDG_CONFIG_HOME/git/ignore; without that variable it is ~/.config (gitignore(5), git-config(1)).
 *
 * Not followed: [include] and [includeIf], the configuration of a repository, which lies in the workspace and
 * may be anybody's, GIT_CONFIG_*, and a path that is relative or begins with ~user.
 */

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/executor.h"
#include "tools/files/executor/ignore.h"

/*
 * Reads them, between executor_receive() and executor_enter(): afterwards nothing outside the workspaces is
 * to be seen. Regular files up to LIMIT_IGNORE_BYTES. One that lies in a writable workspace, where a command
 * may have made it name what no command may read, counts as absent, as does a hidden one; started by root
 * for somebody else nothing is read. *everywhere is NULL where there are no such rules. 0 or -ENOMEM.
 */
int excludes_read(const struct executor *executor, struct ignore **everywhere);

/* What git's configuration says last of core.excludesFile: true with the value, still with its "~/", in
 * `value` (empty: there is no such file), or false when it says nothing, or nothing that fits. Pure. */
bool excludes_configured(const char *text, size_t length, char *value, size_t size);

#endif
