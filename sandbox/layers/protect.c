/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths inside a workspace that can be read and never written: what a host or a shell runs by itself
 * (.git/hooks, .git/config, .vscode/tasks.json, ...) and our own programs and policy.
 *
 * A read-only mount over the path is not enough: `mv .git aside; cp -r aside .git` would leave the protection
 * behind with the old name. A mount point cannot be renamed or removed, so every directory on the way, from
 * the workspace down, is mounted over itself as well.
 *
 * What is absent cannot be mounted over: files executor and supervisor (notify/) refuse it by its name.
 */
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "sandbox/layers/calls.h"

/* Linux 5.8; the C library's headers may be older than the kernel. */
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

static bool is_mount_root(int fd)
{
	struct statx status;

	return syscall(SYS_statx, fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &status) == 0 &&
	       (status.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool is_readonly(int fd)
{
	struct statvfs status;

	return fstatvfs(fd, &status) == 0 && (status.f_flag & ST_RDONLY);
}

/*
 * Mounts what stands at `path` over itself. 1: a directory, 0: nothing is below it: it is absent, or a link,
 * which leads elsewhere, or a file. A file on the way is read-only like what it stands for: `.git` of a work
 * tree is one, and names the directory whose configuration git obeys.
 */
static int mount_over_itself(struct layer_context *context, int root, const char *path, bool readonly)
{
	_cleanup_fd_ int target = view_open(root, path);
	struct stat status;

	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : layer_failed(&context->failure, "open", path);
	if (fstat(target, &status) < 0)
		return layer_failed(&context->failure, "fstat", path);
	readonly = readonly || !S_ISDIR(status.st_mode);
	if (is_mount_root(target) && (!readonly || is_readonly(target)))
		return S_ISDIR(status.st_mode);
	_cleanup_fd_ int tree =
		mount_clone(context, target, "", MOUNT_ATTR_NOSUID | (readonly ? MOUNT_ATTR_RDONLY : 0));
	if (tree < 0)
		return tree;
	if (call_move_mount(tree, target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	return S_ISDIR(status.st_mode);
}

/* What stands at `path` is in a directory that its owner may not search (now): all of that is read-only, so
 * that nobody opens it up first. A workspace itself cannot be, and stays an error. */
static int protect_unsearchable(struct layer_context *context, int root, const char *base, char *path)
{
	char *slash = strrchr(path, '/');
	int result;

	if ((size_t)(slash - path) <= strlen(base))
		return -EACCES;
	*slash = '\0';
	result = mount_over_itself(context, root, path, true);
	return result == -EACCES ? protect_unsearchable(context, root, base, path) : result;
}

/* Protects base/relative, both inside the new root; base is a mount point already. */
static int protect(struct layer_context *context, int root, const char *base, const char *relative)
{
	char path[2 * LIMIT_PATH_BYTES + 2];
	size_t start;
	int result;

	while (*relative == '/')
		relative++;
	if (!*relative)
		return 0; /* a whole workspace that must not be written is not `write` in the plan */
	start = (size_t)snprintf(path, sizeof path, "%s/", base);
	for (size_t i = 0; relative[i]; i++) {
		if (relative[i] != '/' || i == 0)
			continue;
		snprintf(path + start, sizeof path - start, "%.*s", (int)i, relative);
		result = mount_over_itself(context, root, path, false);
		if (result == -EACCES)
			result = protect_unsearchable(context, root, base, path) < 0 ? result : 0;
		if (result <= 0)
			return result;
	}
	snprintf(path + start, sizeof path - start, "%s", relative);
	result = mount_over_itself(context, root, path, true);
	if (result == -EACCES)
		result = protect_unsearchable(context, root, base, path);
	return result < 0 ? result : 0;
}

/* Where workspace `index` stands in this view. */
static void workspace_base(const struct layer_context *context, size_t index, char *base, size_t size)
{
	if (context->profile->view == VIEW_WORKSPACES)
		snprintf(base, size, "/%zu", index);
	else
		snprintf(base, size, "%s", context->executor->plan.workspaces[index].path);
}

/* An absolute path of the machine's, wherever this view shows it writable. */
static int protect_absolute(struct layer_context *context, int root, const char *path)
{
	const struct plan *plan = &context->executor->plan;
	char base[LIMIT_PATH_BYTES + 1];
	int result = 0;

	for (size_t i = 0; i < plan->workspace_count && result == 0; i++) {
		if (!plan->workspaces[i].write || !path_within(path, plan->workspaces[i].path))
			continue;
		workspace_base(context, i, base, sizeof base);
		result = protect(context, root, base, path + strlen(plan->workspaces[i].path));
	}
	if (context->profile->view != VIEW_SYSTEM)
		return result;
	for (size_t i = 0; i < plan->extra_count && result == 0; i++)
		if (plan->extra[i].write && path_within(path, plan->extra[i].path))
			result = protect(context, root, plan->extra[i].path,
					 path + strlen(plan->extra[i].path));
	return result;
}

int protect_paths(struct layer_context *context, int root)
{
	const struct plan *plan = &context->executor->plan;
	char base[LIMIT_PATH_BYTES + 1];
	int result = 0;

	for (size_t i = 0; i < plan->protect_count && result == 0; i++) {
		if (plan->protect[i][0] == '/') {
			result = protect_absolute(context, root, plan->protect[i]);
			continue;
		}
		for (size_t j = 0; j < plan->workspace_count && result == 0; j++) {
			if (!plan->workspaces[j].write)
				continue;
			workspace_base(context, j, base, sizeof base);
			result = protect(context, root, base, plan->protect[i]);
		}
	}
	return result;
}
