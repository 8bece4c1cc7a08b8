/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The view of the file system: a tmpfs of our own becomes the root, what the profile shows is mounted into
 * it, and the old root is detached. All by the new mount interface and by descriptor: trees are cloned
 * detached, made read-only, idmapped, and only then attached, so there is no moment in which something is
 * visible that should not be.
 */
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/layers/calls.h"
#include "sandbox/spawner/setup.h"

#define HARDENED (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

int mount_new(struct layer_context *context, const char *type, const char *const options[][2], size_t count,
	      unsigned attributes)
{
	_cleanup_fd_ int fs = call_fsopen(type);
	int mount;

	if (fs < 0)
		return layer_failed(&context->failure, "fsopen", type);
	for (size_t i = 0; i < count; i++)
		if (call_fsconfig(fs, options[i][1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[i][0],
				  options[i][1]) < 0)
			return layer_failed(&context->failure, "fsconfig", options[i][0]);
	if (call_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return layer_failed(&context->failure, "mount", type);
	mount = call_fsmount(fs, attributes);
	return mount < 0 ? layer_failed(&context->failure, "fsmount", type) : mount;
}

int mount_tmpfs(struct layer_context *context, const char *mode, uint64_t bytes, uint64_t inodes,
		unsigned attributes)
{
	char size[32], count[32];

	snprintf(size, sizeof size, "%llu", (unsigned long long)bytes);
	snprintf(count, sizeof count, "%llu", (unsigned long long)inodes);
	const char *const options[][2] = {{"mode", mode}, {"size", size}, {"nr_inodes", count}};

	return mount_new(context, "tmpfs", options, ARRAY_SIZE(options), HARDENED | attributes);
}

static int set_attributes(struct layer_context *context, int mount, unsigned attributes, const char *what)
{
	struct mount_attr set = {.attr_set = attributes};

	if (call_mount_setattr(mount, AT_RECURSIVE, &set) < 0)
		return layer_failed(&context->failure, "mount_setattr", what);
	return 0;
}

int mount_clone(struct layer_context *context, int directory, const char *path, unsigned attributes)
{
	/*
	 * The plan's paths have no links in them. If there is one now, somebody who may write above this
	 * place (a workspace around a workspace) has put it there to show us another.
	 */
	_cleanup_fd_ int place = path[0] ? call_openat2(directory, path, O_PATH | O_CLOEXEC,
							RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS)
					 : -1;
	if (path[0] && place < 0)
		return layer_failed(&context->failure, "open", path);
	_cleanup_fd_ int tree =
		call_open_tree(path[0] ? place : directory, "",
			       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);

	if (tree < 0)
		return layer_failed(&context->failure, "open_tree", path);
	int result = set_attributes(context, tree, attributes, path);
	return result < 0 ? result : steal_fd(&tree);
}

/*
 * As root, files of whoever else owns the workspace are shown as ours by an idmapped mount: the two ids
 * change places, so nothing on disk becomes unreachable or ambiguous.
 */
static int show_as_ours(struct layer_context *context, int tree, const char *path)
{
	const struct executor *executor = context->executor;
	struct stat owner;
	_cleanup_fd_ int namespace = -1;

	if (!executor->privileged)
		return 0;
	if (fstat(tree, &owner) < 0)
		return layer_failed(&context->failure, "fstat", path);
	if (owner.st_uid == executor->uid && owner.st_gid == executor->gid)
		return 0;
	int result = setup_ask(SETUP_WANT_IDMAP, owner.st_uid, owner.st_gid, SETUP_IDMAP, &namespace);

	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "user namespace for an idmapped mount", path);
	}
	struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64) namespace};

	if (call_mount_setattr(tree, AT_RECURSIVE, &map) < 0)
		return layer_failed(&context->failure, "idmapped mount", path);
	return 0;
}

int mount_workspace(struct layer_context *context, const char *path, unsigned attributes)
{
	_cleanup_fd_ int tree = mount_clone(context, AT_FDCWD, path, HARDENED | attributes);

	if (tree < 0)
		return tree;
	int result = show_as_ours(context, tree, path);
	return result < 0 ? result : steal_fd(&tree);
}

/* The workspaces at /0, /1, ...: near the root, because Landlock walks up from each file that is opened. */
static int view_workspaces(struct layer_context *context, int root)
{
	struct executor *executor = context->executor;
	const struct plan *plan = &executor->plan;

	executor->workspaces = calloc(plan->workspace_count ? plan->workspace_count : 1, sizeof(int));
	if (!executor->workspaces) {
		errno = ENOMEM;
		return layer_failed(&context->failure, "memory", NULL);
	}
	for (size_t i = 0; i < plan->workspace_count; i++) {
		const char *path = plan->workspaces[i].path;
		char name[16];

		executor->workspaces[i] = -1;
		snprintf(name, sizeof name, "%zu", i);
		bool write = plan->workspaces[i].write && !context->profile->read_only;
		_cleanup_fd_ int tree =
			mount_workspace(context, path, MOUNT_ATTR_NOEXEC | (write ? 0 : MOUNT_ATTR_RDONLY));
		if (tree == -ENOENT)
			continue;
		if (tree < 0)
			return tree;
		if (mkdirat(root, name, 0755) < 0 || call_move_mount(tree, root, name, 0) < 0)
			return layer_failed(&context->failure, "move_mount", path);
		executor->workspaces[i] = openat(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (executor->workspaces[i] < 0)
			return layer_failed(&context->failure, "open", path);
	}
	return context->profile->read_only ? 0 : protect_paths(context, root);
}

/* Our root becomes the root, the old one is gone, and the new one cannot be written. */
static int become_root(struct layer_context *context, int root)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (call_mount_setattr(root, 0, &readonly) < 0)
		return layer_failed(&context->failure, "mount_setattr", "/");
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return layer_failed(&context->failure, "pivot_root", NULL);
	/* stacked over the new root by pivot_root, so "." is the old one now */
	if (syscall(SYS_umount2, ".", MNT_DETACH) < 0)
		return layer_failed(&context->failure, "umount", "the old root");
	if (chdir("/") < 0)
		return layer_failed(&context->failure, "chdir", "/");
	return 0;
}

int layer_mounts(struct layer_context *context)
{
	struct mount_attr private = {.propagation = 1u
						    << 18 /* MS_PRIVATE, which only <sys/mount.h> names */};
	_cleanup_fd_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	/* private, not slave: what the host mounts later would come in without our read-only and nosuid */
	if (old < 0 || call_mount_setattr(old, AT_RECURSIVE, &private) < 0)
		return layer_failed(&context->failure, "mount_setattr", "private");
	_cleanup_fd_ int root = mount_tmpfs(context, "0755", LIMIT_ROOT_BYTES, LIMIT_MOUNTS, 0);
	if (root < 0)
		return root;
	/* stacked over the present root, where a mount point always is; our own root is still the old one */
	if (call_move_mount(root, AT_FDCWD, "/", 0) < 0)
		return layer_failed(&context->failure, "move_mount", "/");
	switch (context->profile->view) {
	case VIEW_NOTHING:
		break;
	case VIEW_WORKSPACES:
		result = view_workspaces(context, root);
		break;
	case VIEW_SYSTEM:
		result = view_system(context, root);
		break;
	}
	return result < 0 ? result : become_root(context, root);
}
