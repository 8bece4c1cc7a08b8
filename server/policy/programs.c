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

/* `path` is the directory, in a buffer with room for a name: one, since pages of stack that start touches
 * stay. */
static int protect_all(struct plan *plan, char *path, size_t size, const char **around)
{
	size_t length = strlen(path);
	bool installed = program_installed(path);
	int result;

	snprintf(path + length, size - length, "/sallyport");
	result = protect(plan, path, around);
	if (installed) { /* whole: what replaces a program is protected with it */
		_cleanup_free_ char *canonical = NULL;

		snprintf(path + length, size - length, "/" PROGRAM_LIBEXEC);
		canonical = result < 0 ? NULL : realpath(path, NULL);
		result = canonical ? protect(plan, canonical, around) : result;
	}
	for (const char *const *name = program_names; *name && result == 0 && !installed; name++) {
		snprintf(path + length, size - length, "/%s", *name);
		result = protect(plan, path, around);
	}
	path[length] = '\0';
	return result;
}

int policy_programs(struct plan *plan, struct buffer *notes)
{
	char directory[PATH_MAX + 64];
	const char *around = NULL;
	int result;

	if (program_directory(directory, NULL) < 0)
		return 0; /* then nothing can be started either, and that is told where it is tried */
	result = protect_all(plan, directory, sizeof directory, &around);
	if (result < 0 || !around)
		return result;
	return buffer_printf(
		notes,
		"this server lies in %s, where commands write: they cannot change its programs, but "
		"it is better installed elsewhere\n",
		around);
}
