/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_POLICY_COMPILE_H
#define SALLYPORT_SERVER_POLICY_COMPILE_H

/* From policy to plan: what the sandboxes are told. Reads the file system (paths become canonical) and PATH.
 */

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "sandbox/plan.h"
#include "server/policy/policy.h"

/*
 * Fills everything of `plan` but its workspaces, which are there already. `home` is the person's home
 * (canonical) or NULL; `file` the policy's path, or NULL for the defaults. Notes as in workspaces.h.
 *
 * 0, or -errno with a sentence that names the key: a directory to write that does not exist, a path of the
 * system made writable, a policy file that lies where a command could change it.
 */
int policy_compile(const struct policy *policy, const char *file, const char *home, struct plan *plan,
		   struct buffer *notes, struct err *err);

/*
 * Adds our own programs to plan->protect where commands could write them otherwise, and a note that says so.
 * Part of policy_compile. 0 or -ENOMEM.
 */
int policy_programs(struct plan *plan, struct buffer *notes);

/*
 * Adds what git obeys in the repositories of linked work trees and submodules, as they are in the workspaces
 * now, to plan->protect; `config`: their configuration too. Part of policy_compile. 0 or -ENOMEM.
 */
int policy_repositories(struct plan *plan, bool config);

/*
 * The search path of commands: the absolute, existing directories of `search` (PATH of this process; may be
 * NULL), canonical, each once, and the usual ones of the system if they are missing. Directories that the
 * sandbox does not show anyway are added to plan->extra for reading, unless that would show a home or what
 * is above a workspace: those are left out of the path. 0 or -ENOMEM.
 */
int policy_search_path(const char *search, const char *home, struct plan *plan);

/* Does every sandbox show what is at this canonical path, being the system's? */
bool policy_shows(const char *path);

/*
 * What of a plan costs many looks at the file system and nobody needs before the first sandbox: its search
 * path, from PATH. The spare does it when it goes, so that no start waits for it. 0 or -ENOMEM.
 */
int policy_complete(struct plan *plan);

#endif
