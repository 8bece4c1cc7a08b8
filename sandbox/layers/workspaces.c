/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workspaces of an executor without mounts: opened where they are, before anything is given up and before
 * Landlock, which then allows what lies beneath these very directories.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <stdlib.h>

#include "protocol/cleanup.h"
#include "sandbox/layers/calls.h"

int layer_workspaces(struct layer_context *context)
{
	struct executor *executor = context->executor;
	const struct plan *plan = &executor->plan;

	executor->workspaces = calloc(plan->workspace_count ? plan->workspace_count : 1, sizeof(int));
	if (!executor->workspaces) {
		errno = ENOMEM;
		return layer_failed(&context->failure, "memory", NULL);
	}
	for (size_t i = 0; i < plan->workspace_count; i++) {
		/* no link has been in this path: see mount_clone() */
		executor->workspaces[i] =
			call_openat2(AT_FDCWD, plan->workspaces[i].path, O_PATH | O_DIRECTORY | O_CLOEXEC,
				     RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
		if (executor->workspaces[i] < 0 && errno != ENOENT)
			return layer_failed(&context->failure, "open", plan->workspaces[i].path);
	}
	return 0;
}
