/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The copy grows in step with the walk (tree.h) through the source: a directory is made and entered with its
 * model, gets its attributes when all is in it, and is left by "..", which must be where it came from.
 */
#include "tools/files/executor/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/copy_attributes.h"

void copy_init(struct copy *copy, int directory, const char *source, int to, const char *name, unsigned flags)
{
	*copy = (struct copy){
		.flags = flags, .to = to, .out = to, .name = name, .from = -1, .made = -1, .slot = -1};
	tree_init(&copy->tree, directory, source, false);
}

void copy_deinit(struct copy *copy, struct files *files)
{
	sync_abandon(&files->sync, copy->slot);
	copy->slot = -1;
	close_fd(&copy->from);
	close_fd(&copy->made);
	if (copy->out != copy->to)
		close_fd(&copy->out);
	copy->out = copy->to;
	free(copy->levels);
	copy->levels = NULL;
	tree_deinit(&copy->tree);
}

/* The name of the copy of what the walk is at. */
static const char *copy_name(const struct copy *copy)
{
	return copy->depth == 0 ? copy->name : copy->tree.name;
}

static int copy_link(struct copy *copy, const struct stat *status)
{
	struct timespec times[2] = {status->st_atim, status->st_mtim};
	char target[LIMIT_PATH_BYTES];
	ssize_t length = readlinkat(copy->tree.at, copy->tree.name, target, sizeof target - 1);

	if (length < 0)
		return -errno;
	target[length] = '\0';
	if (symlinkat(target, copy->out, copy_name(copy)) < 0)
		return -errno;
	/* of a link not every file system can keep them */
	utimensat(copy->out, copy_name(copy), times, AT_SYMLINK_NOFOLLOW);
	copy->count++;
	return 0;
}

static int begin_file(struct copy *copy)
{
	copy->from = reach_open_below(copy->tree.at, copy->tree.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (copy->from < 0)
		return copy->from;
	if (fstat(copy->from, &copy->status) < 0)
		return -errno;
	if (!S_ISREG(copy->status.st_mode))
		return -ESTALE; /* it was one a moment ago */
	copy->made = reach_create(copy->out, copy_name(copy), 0600);
	if (copy->made < 0)
		return copy->made;
	clone_init(&copy->clone, copy->from, copy->made, (uint64_t)copy->status.st_size);
	return 0;
}

static int copy_entry(struct copy *copy)
{
	struct stat status;

	if (fstatat(copy->tree.at, copy->tree.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISREG(status.st_mode))
		return begin_file(copy);
	if (S_ISLNK(status.st_mode))
		return copy_link(copy, &status);
	copy->special = S_ISFIFO(status.st_mode)   ? "a FIFO"
			: S_ISSOCK(status.st_mode) ? "a socket"
						   : "a device";
	return -EINVAL;
}

/* The directory `name` of copy->out is where the copy grows from here. */
static int enter(struct copy *copy)
{
	const struct tree_level *source = &copy->tree.levels[copy->tree.depth - 1];
	const char *name = copy_name(copy);
	struct copy_level *levels = realloc(copy->levels, (copy->depth + 1) * sizeof *levels);
	struct stat status;

	if (!levels)
		return -ENOMEM;
	copy->levels = levels;
	/* somebody has moved the one into the other since that was looked at: the walk would never be done */
	if (copy->depth > 0 && source->device == levels[0].device && source->inode == levels[0].inode)
		return -ESTALE;
	if (mkdirat(copy->out, name, 0700) < 0)
		return -errno;
	_cleanup_fd_ int fd = reach_open_below(copy->out, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	levels[copy->depth++] = (struct copy_level){status.st_dev, status.st_ino};
	if (copy->out != copy->to)
		close(copy->out);
	copy->out = steal_fd(&fd);
	copy->count++;
	return 0;
}

static int fill(struct copy *copy)
{
	struct stat status;

	if (fstat(copy->tree.at, &status) < 0)
		return -errno;
	return copy_attributes(copy->tree.at, copy->out, &status, copy->flags & COPY_OWNER, &copy->lost);
}

static int leave(struct copy *copy)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC};
	_cleanup_fd_ int fd = -1;
	struct stat status;

	if (copy->depth > 1) {
		const struct copy_level *above = &copy->levels[copy->depth - 2];

		fd = (int)syscall(SYS_openat2, copy->out, "..", &how, sizeof how);
		if (fd < 0 || fstat(fd, &status) < 0)
			return -errno;
		if (status.st_dev != above->device || status.st_ino != above->inode)
			return -ESTALE;
	}
	close(copy->out);
	copy->out = fd < 0 ? copy->to : steal_fd(&fd);
	copy->depth--;
	return 0;
}

/* The content is there: attributes, and onto the disk. COPY_WAITS, COPY_MORE or -errno. */
static int end_file(struct copy *copy, struct files *files)
{
	int result = 0;

	if (copy->slot < 0) {
		result = copy_attributes(copy->from, copy->made, &copy->status, copy->flags & COPY_OWNER,
					 &copy->lost);
	}
	if (result == 0 && (copy->flags & COPY_SYNC) &&
	    !sync_run(&files->sync, &copy->slot, copy->made, &result))
		return COPY_WAITS;
	copy->count++;
	copy->bytes += copy->clone.size;
	copy->shared += copy->clone.shared ? copy->clone.size : 0;
	close_fd(&copy->from);
	close_fd(&copy->made);
	return result < 0 && result != -EINVAL ? result : COPY_MORE;
}

static int go_on(struct copy *copy)
{
	int event = tree_step(&copy->tree);

	switch (event) {
	case TREE_ENTRY:
		return copy_entry(copy);
	case TREE_ENTER:
		return enter(copy);
	case TREE_FULL:
		return fill(copy);
	case TREE_LEAVE:
		return leave(copy);
	case TREE_END:
		return COPY_DONE;
	default:
		return event < 0 ? event : COPY_MORE;
	}
}

int copy_step(struct copy *copy, struct files *files)
{
	size_t before = copy->clone.position;
	int result = COPY_MORE;

	for (int budget = LIMIT_TREE_STEP; budget > 0 && result == COPY_MORE;
	     budget -= LIMIT_TREE_STEP / 16) {
		if (copy->made < 0) {
			result = go_on(copy);
			before = 0;
			continue;
		}
		if (copy->slot < 0)
			result = clone_step(&copy->clone, files->scratch);
		if (copy->slot >= 0 || result == 1)
			result = end_file(copy, files);
		if (copy->clone.position - before >= LIMIT_FILES_SLICE_BYTES / 2)
			break;
	}
	return result;
}
