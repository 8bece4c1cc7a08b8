/* SPDX-License-Identifier: Apache-2.0 */
/* Down by name, up by "..": neither is believed before fstat has said what was reached. */
#include "tools/files/executor/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/quote.h"

void tree_init(struct tree *tree, int base, const char *name, bool one_mount)
{
	*tree = (struct tree){
		.base = base, .at = base, .one_mount = one_mount, .allowance = LIMIT_TREE_NAMES};
	snprintf(tree->name, sizeof tree->name, "%s", name);
}

static void leave(struct tree *tree)
{
	struct tree_level *level = &tree->levels[--tree->depth];

	tree->allowance += level->names.count;
	names_deinit(&level->names);
}

void tree_deinit(struct tree *tree)
{
	while (tree->depth > 0)
		leave(tree);
	if (tree->at != tree->base)
		close_fd(&tree->at);
	free(tree->levels);
	*tree = (struct tree){.base = -1, .at = -1};
}

/* A descriptor of the directory tree->name, or -errno: -ENOTDIR for what is none. */
static int open_directory(const struct tree *tree)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
					  (tree->one_mount ? RESOLVE_NO_XDEV : 0)};
	int fd;

	do
		fd = (int)syscall(SYS_openat2, tree->at, tree->name, &how, sizeof how);
	while (fd < 0 && errno == EINTR);
	if (fd >= 0)
		return fd;
	return errno == ELOOP ? -ENOTDIR : -errno;
}

/* Room for one more level; names_get() and the like hold offsets, so that the array may move. */
static int grow(struct tree *tree)
{
	struct tree_level *levels;
	size_t size = tree->size ? tree->size * 2 : 8;

	if (tree->depth >= LIMIT_TREE_DEPTH)
		return -ENAMETOOLONG;
	if (tree->depth < tree->size)
		return 0;
	levels = realloc(tree->levels, size * sizeof *levels);
	if (!levels)
		return -ENOMEM;
	tree->levels = levels;
	tree->size = size;
	return 0;
}

static int enter(struct tree *tree)
{
	_cleanup_fd_ int fd = open_directory(tree);
	struct tree_level *level;
	struct stat status;
	int result;

	if (fd < 0)
		return fd;
	result = grow(tree);
	if (result < 0)
		return result;
	if (fstat(fd, &status) < 0)
		return -errno;
	level = &tree->levels[tree->depth++];
	*level = (struct tree_level){.device = status.st_dev, .inode = status.st_ino};
	memcpy(level->name, tree->name, sizeof level->name);
	names_init(&level->names);
	if (tree->at != tree->base)
		close(tree->at);
	tree->at = steal_fd(&fd);
	return TREE_ENTER;
}

/* tree->name of tree->at: entered if it is a directory. `type` as the directory gave it. */
static int look(struct tree *tree, unsigned char type)
{
	int result;

	if (type != DT_DIR && type != DT_UNKNOWN)
		return TREE_ENTRY;
	result = enter(tree);
	return result == -ENOTDIR ? TREE_ENTRY : result;
}

/* Up into the directory that this one was entered from. */
static int up(struct tree *tree)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC};
	const struct tree_level *above;
	struct stat status;
	_cleanup_fd_ int fd = -1;

	memcpy(tree->name, tree->levels[tree->depth - 1].name, sizeof tree->name);
	if (tree->depth == 1) {
		close(tree->at);
		tree->at = tree->base;
	} else {
		above = &tree->levels[tree->depth - 2];
		fd = (int)syscall(SYS_openat2, tree->at, "..", &how, sizeof how);
		if (fd < 0 || fstat(fd, &status) < 0)
			return -errno;
		if (status.st_dev != above->device || status.st_ino != above->inode)
			return -ESTALE;
		close(tree->at);
		tree->at = steal_fd(&fd);
	}
	leave(tree);
	return TREE_LEAVE;
}

int tree_step(struct tree *tree)
{
	struct tree_level *level;
	int result;

	if (!tree->begun) {
		tree->begun = true;
		return look(tree, DT_UNKNOWN);
	}
	if (tree->depth == 0) {
		tree->ended = true;
		return TREE_END;
	}
	level = &tree->levels[tree->depth - 1];
	if (!level->read) {
		result = names_read(&level->names, tree->at, true, &tree->allowance);
		level->read = result > 0;
		return result < 0 ? result : TREE_MORE;
	}
	if (level->next < level->names.count) {
		size_t index = level->next++;

		snprintf(tree->name, sizeof tree->name, "%s", names_get(&level->names, index));
		return look(tree, names_type(&level->names, index));
	}
	if (!level->full) {
		level->full = true;
		return TREE_FULL;
	}
	return up(tree);
}

void tree_path(const struct tree *tree, char *to, size_t size)
{
	char path[LIMIT_PATH_BYTES], room[QUOTE_BYTES];
	size_t used = 0;

	path[0] = '\0';
	for (size_t i = 0; i < tree->depth && used < sizeof path; i++)
		used += (size_t)snprintf(path + used, sizeof path - used, "%s%s", i ? "/" : "",
					 tree->levels[i].name);
	if (used < sizeof path &&
	    (tree->depth == 0 || strcmp(tree->levels[tree->depth - 1].name, tree->name) != 0))
		snprintf(path + used, sizeof path - used, "%s%s", used ? "/" : "", tree->name);
	snprintf(to, size, "%s", quote_show(path, room));
}
