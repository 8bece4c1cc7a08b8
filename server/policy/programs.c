/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own programs among the protected paths. Whoever could write the programs that confine would be confined
 * no longer than until the next start. They lie where commands may write only if somebody works on this very
 * program, or has installed it in what is a workspace.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/path.h"
#include "sandbox/spawner/spare.h"
#include "server/paths.h"
#include "server/policy/compile.h"

/* The directory in which commands may write and `path` lies, or NULL. */
static const char *writable_around(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->workspace_count; i++)
		if (plan->workspaces[i].write && path_within(path, plan->workspaces[i].path))
			return plan->workspaces[i].path;
	for (size_t i = 0; i < plan->extra_count; i++)
		if (plan->extra[i].write && path_within(path, plan->extra[i].path))
			return plan->extra[i].path;
	return NULL;
}

static int protect(struct plan *plan, const char *path, const char **around)
{
	const char *top = writable_around(plan, path);

	if (!top)
		return 0;
	*around = top;
	return plan_add_text(&plan->protect, &plan->protect_count, path);
}

static int protect_all(struct plan *plan, const char *directory, const char **around)
{
	char path[PATH_MAX + 64], canonical[PATH_MAX];
	int result;

	snprintf(path, sizeof path, "%s/sallyport", directory);
	result = protect(plan, path, around);
	if (program_installed(directory)) { /* whole: what replaces a program is protected with it */
		snprintf(path, sizeof path, "%s/" PROGRAM_LIBEXEC, directory);
		return result < 0 || !realpath(path, canonical) ? result : protect(plan, canonical, around);
	}
	for (const char *const *name = program_names; *name && result == 0; name++) {
		snprintf(path, sizeof path, "%s/%s", directory, *name);
		result = protect(plan, path, around);
	}
	return result;
}

int policy_programs(struct plan *plan, struct buffer *notes)
{
	char directory[PATH_MAX];
	const char *around = NULL;
	int result;

	if (program_directory(directory, NULL) < 0)
		return 0; /* then nothing can be started either, and that is told where it is tried */
	result = protect_all(plan, directory, &around);
	if (result < 0 || !around)
		return result;
	return buffer_printf(
		notes,
		"this server lies in %s, where commands write: they cannot change its programs, but "
		"it is better installed elsewhere\n",
		around);
}
