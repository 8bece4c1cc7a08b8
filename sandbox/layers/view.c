/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command sees: the system's directories and what PATH names, read-only; the workspaces at their own
 * paths; a home, a /tmp and a /dev of its own; nothing else of the machine. All places are collected first
 * and mounted in the order of their paths, so that what lies inside another comes after it: a workspace
 * inside the home shows, a hidden file inside a workspace does not.
 */
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/path.h"
#include "sandbox/egress/rules.h"
#include "sandbox/layers/calls.h"

enum place_kind { PLACE_SYSTEM, PLACE_EXTRA, PLACE_TMPFS, PLACE_WORKSPACE, PLACE_HIDDEN };

struct place {
	const char *path;
	enum place_kind kind; /* at the same path the later kind lies over the earlier */
	bool write;
};

struct places {
	struct place *list;
	size_t count;
};

static void places_deinit(struct places *places)
{
	free(places->list);
}

static int add(struct layer_context *context, struct places *places, enum place_kind kind, const char *path,
	       bool write)
{
	struct place *grown = reallocarray(places->list, places->count + 1, sizeof *grown);

	if (!grown) {
		errno = ENOMEM;
		return layer_failed(&context->failure, "memory", NULL);
	}
	places->list = grown;
	grown[places->count++] = (struct place){.path = path, .kind = kind, .write = write};
	return 0;
}

static int by_path(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	int order = strcmp(a->path, b->path);

	return order ? order : (int)a->kind - (int)b->kind;
}

/* ---- collecting ---- */

const char *const system_directories[] = {"/usr", "/etc",   "/opt",   "/bin",    "/sbin",
					  "/lib", "/lib32", "/lib64", "/libx32", NULL};

/* /bin and its like are symlinks on merged systems and directories on others: as they are. */
static int add_system(struct layer_context *context, struct places *places, int root)
{
	const char *const *names = system_directories;

	for (size_t i = 0; names[i]; i++) {
		char target[256];
		ssize_t length = readlink(names[i], target, sizeof target - 1);
		int result = 0;

		if (length > 0) {
			target[length] = '\0';
			if (symlinkat(target, root, names[i] + 1) < 0)
				return layer_failed(&context->failure, "symlink", names[i]);
		} else if (access(names[i], F_OK) == 0) {
			result = add(context, places, PLACE_SYSTEM, names[i], false);
		}
		if (result < 0)
			return result;
	}
	return 0;
}

/* A readable place that something else shows already, at least as writable, needs no mount of its own. */
static bool is_shown(const struct places *places, const char *path, bool write)
{
	for (size_t i = 0; i < places->count; i++)
		if (places->list[i].kind != PLACE_TMPFS && places->list[i].kind != PLACE_HIDDEN &&
		    path_within(path, places->list[i].path) && (places->list[i].write || !write))
			return true;
	return false;
}

static int collect(struct layer_context *context, struct places *places, int root)
{
	const struct plan *plan = &context->executor->plan;
	int result = add_system(context, places, root);

	for (size_t i = 0; i < plan->workspace_count && result == 0; i++)
		result = add(context, places, PLACE_WORKSPACE, plan->workspaces[i].path,
			     plan->workspaces[i].write);
	for (size_t i = 0; i < plan->extra_count && result == 0; i++)
		if (!is_shown(places, plan->extra[i].path, plan->extra[i].write))
			result = add(context, places, PLACE_EXTRA, plan->extra[i].path, plan->extra[i].write);
	if (result == 0)
		result = add(context, places, PLACE_TMPFS, "/tmp", true);
	if (result == 0 && plan->home && strcmp(plan->home, "/") && strcmp(plan->home, "/tmp") &&
	    !is_shown(places, plan->home, true))
		result = add(context, places, PLACE_TMPFS, plan->home, true);
	for (size_t i = 0; i < plan->hide_count && result == 0; i++)
		if (plan->hide[i][0] == '/')
			result = add(context, places, PLACE_HIDDEN, plan->hide[i], false);
	if (result == 0)
		qsort(places->list, places->count, sizeof *places->list, by_path);
	return result;
}

/* ---- mounting ---- */

int view_open(int root, const char *path)
{
	return call_openat2(root, path, O_PATH | O_CLOEXEC | O_NOFOLLOW,
			    RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

int view_make_directories(struct layer_context *context, int root, const char *path)
{
	const struct executor *executor = context->executor;
	char part[LIMIT_PATH_BYTES + 1];

	for (size_t i = 1;; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		snprintf(part, sizeof part, "%.*s", (int)(i - 1), path + 1);
		if (part[0] && mkdirat(root, part, 0755) == 0) {
			if (executor->privileged && fchownat(root, part, executor->uid, executor->gid, 0) < 0)
				return layer_failed(&context->failure, "chown", path);
		} else if (part[0] && errno != EEXIST) {
			return layer_failed(&context->failure, "mkdir", path);
		}
		if (path[i] == '\0')
			return 0;
	}
}

int view_attach(struct layer_context *context, int tree, int root, const char *path)
{
	_cleanup_fd_ int target = view_open(root, path);

	if (target < 0)
		return layer_failed(&context->failure, "open", path);
	if (call_move_mount(tree, target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	return 0;
}

static int mount_own_tmpfs(struct layer_context *context, int root, const struct place *place)
{
	const struct plan *plan = &context->executor->plan;
	const bool shared = !strcmp(place->path, "/tmp");
	_cleanup_fd_ int tree = mount_tmpfs(context, shared ? "1777" : "0700", plan->temporary_bytes,
					    plan->temporary_files, 0);

	if (tree < 0)
		return tree;
	if (!shared && context->executor->privileged &&
	    fchownat(tree, "", context->executor->uid, context->executor->gid, AT_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "chown", place->path);
	int result = view_make_directories(context, root, place->path);

	return result < 0 ? result : view_attach(context, tree, root, place->path);
}

/* In a directory that its owner may not search (now), or one that is covered already: all of that is covered,
 * so that nobody opens it up first. */
static int hide_unsearchable(struct layer_context *context, int root, const char *path)
{
	char parent[LIMIT_PATH_BYTES + 1];
	const char *slash = strrchr(path, '/');

	if (slash == path)
		return layer_failed(&context->failure, "open", path);
	snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	return view_hide(context, root, parent);
}

/* A file may have other names, which no cover lies over: the supervisor is to know it by them. */
static int note_hidden(struct layer_context *context, const char *path, const struct stat *status)
{
	struct executor *executor = context->executor;

	if (!S_ISREG(status->st_mode))
		return 0;
	if (!executor->hidden)
		executor->hidden = calloc(executor->plan.hide_count + 1, sizeof *executor->hidden);
	if (!executor->hidden) {
		errno = ENOMEM;
		return layer_failed(&context->failure, "calloc", path);
	}
	for (size_t i = 0; i < executor->plan.hide_count; i++)
		if (!strcmp(executor->plan.hide[i], path))
			executor->hidden[i] = (struct executor_file){status->st_dev, status->st_ino};
	return 0;
}

/* Covers what is there with something empty of the same type; what is not there needs no cover. */
int view_hide(struct layer_context *context, int root, const char *path)
{
	_cleanup_fd_ int target =
		call_openat2(root, path, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	const unsigned attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	_cleanup_fd_ int cover = -1;
	struct stat status;

	if (target < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (target < 0)
		return errno == EACCES ? hide_unsearchable(context, root, path)
				       : layer_failed(&context->failure, "open", path);
	if (fstat(target, &status) < 0)
		return layer_failed(&context->failure, "fstat", path);
	if (note_hidden(context, path, &status) < 0)
		return -ENOMEM;
	cover = S_ISDIR(status.st_mode) ? mount_tmpfs(context, "0000", 4096, 1, attributes)
					: mount_clone(context, AT_FDCWD, "/dev/null", attributes);
	if (cover < 0)
		return cover;
	if (call_move_mount(cover, target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	return 0;
}

/* What holds the place's path: if that is a tree of the machine's, nothing may be made in it. */
static bool stands_in_own(const struct places *places, size_t index)
{
	for (size_t i = index; i-- > 0;)
		if (path_within(places->list[index].path, places->list[i].path))
			return places->list[i].kind == PLACE_TMPFS;
	return true;
}

static int mount_bind(struct layer_context *context, int root, const struct places *places, size_t index)
{
	const struct place *place = &places->list[index];
	unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (place->write ? 0 : MOUNT_ATTR_RDONLY);
	_cleanup_fd_ int tree = place->kind == PLACE_WORKSPACE || place->write
					? mount_workspace(context, place->path, attributes)
					: mount_clone(context, AT_FDCWD, place->path, attributes);
	struct stat status;

	if (tree == -ENOENT)
		return 0;
	if (tree < 0)
		return tree;
	if (fstat(tree, &status) < 0)
		return layer_failed(&context->failure, "fstat", place->path);
	if (stands_in_own(places, index)) {
		char parent[LIMIT_PATH_BYTES + 1];

		/* a file needs a file to lie on */
		snprintf(parent, sizeof parent, "%s", place->path);
		if (!S_ISDIR(status.st_mode))
			*strrchr(parent, '/') = '\0';
		int result = parent[0] ? view_make_directories(context, root, parent) : 0;

		if (result < 0)
			return result;
		if (!S_ISDIR(status.st_mode)) {
			_cleanup_fd_ int file = openat(root, place->path + 1,
						       O_CREAT | O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0444);

			if (file < 0)
				return layer_failed(&context->failure, "create", place->path);
		}
	}
	return view_attach(context, tree, root, place->path);
}

int view_system(struct layer_context *context, int root)
{
	_cleanup_(places_deinit) struct places places = {NULL, 0};
	int result = collect(context, &places, root);

	if (result == 0)
		result = view_devices(context, root);
	if (result == 0)
		result = view_processes(context, root);
	for (size_t i = 0; i < places.count && result == 0; i++) {
		switch (places.list[i].kind) {
		case PLACE_TMPFS:
			result = mount_own_tmpfs(context, root, &places.list[i]);
			break;
		case PLACE_HIDDEN:
			break; /* after everything that might lie over them */
		default:
			result = mount_bind(context, root, &places, i);
		}
	}
	if (result == 0)
		result = view_furnish(context, root);
	if (result == 0 && rules_for_commands(&context->executor->plan))
		result = view_names(context, root);
	if (result == 0)
		result = view_people(context, root);
	if (result == 0)
		result = protect_paths(context, root);
	for (size_t i = 0; i < places.count && result == 0; i++)
		if (places.list[i].kind == PLACE_HIDDEN)
			result = view_hide(context, root, places.list[i].path);
	return result;
}
