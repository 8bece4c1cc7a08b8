/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk: a stack of directories, each read and sorted whole before its first name is told. Trusts the
 * policy; not the tree, which others change meanwhile: what is entered is a descriptor of a single name,
 * opened beneath the one above without following a link.
 */
#include "tools/files/executor/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/hides.h"
#include "tools/files/executor/ignore.h"
#include "tools/files/executor/names.h"

#define LARGE    4096        /* names in a directory that is read and sorted in more than one step */
#define LEFT_OUT 1024        /* names left out in a row, after which others have their turn */
#define KEEP     (64u << 10) /* bytes of names kept for the next directory of that depth */

struct level {
	struct walk_directory *directory; /* NULL: closed to save descriptors, and not open again yet */
	struct ignore *ignore;
	struct stat status;
	struct names names;
	enum { LEVEL_READ, LEVEL_SORT, LEVEL_TELL } phase;
	size_t next;   /* name to be told */
	size_t prefix; /* bytes of walk->path in front of its names */
};

struct walk {
	const struct reach *reach;
	struct hides hides;
	unsigned flags;
	struct walk_facts facts;
	struct walk_directory *top;
	struct ignore *above;        /* the rules of directories above the top */
	char path[LIMIT_PATH_BYTES]; /* from the workspace (or from `top`, if a link led there) */
	size_t begin;                /* bytes of it that lead to `top` */
	bool enter;                  /* the entry told last is to be entered */
	size_t held;                 /* bytes of names on the stack */
	struct level *levels;
	size_t count, size;
};

/* ---- directories ---- */

void walk_directory_hold(struct walk_directory *directory)
{
	atomic_fetch_add_explicit(&directory->holders, 1, memory_order_relaxed);
}

void walk_directory_release(struct walk_directory *directory)
{
	if (!directory || atomic_fetch_sub_explicit(&directory->holders, 1, memory_order_acq_rel) != 1)
		return;
	close(directory->fd);
	free(directory);
}

/* Takes *fd over, also on failure. */
static struct walk_directory *hold_fd(int *fd)
{
	struct walk_directory *directory = malloc(sizeof *directory);

	if (!directory) {
		close_fd(fd);
		return NULL;
	}
	atomic_init(&directory->holders, 1);
	directory->fd = steal_fd(fd);
	return directory;
}

/* ---- the stack ---- */

static struct level *top_level(struct walk *walk)
{
	return &walk->levels[walk->count - 1];
}

static int grow(struct walk *walk)
{
	size_t size = walk->size ? walk->size * 2 : 16;
	struct level *levels;

	if (walk->count < walk->size)
		return 0;
	levels = realloc(walk->levels, size * sizeof *levels);
	if (!levels)
		return -ENOMEM;
	for (size_t i = walk->size; i < size; i++) {
		levels[i] = (struct level){0};
		names_init(&levels[i].names);
	}
	walk->levels = levels;
	walk->size = size;
	return 0;
}

/* Goes into a directory, whose path walk->path has as far as `prefix`. Takes the reference over. */
static int push(struct walk *walk, struct walk_directory *directory, const struct stat *status, size_t prefix)
{
	int result = grow(walk);
	struct level *level;

	if (result < 0) {
		walk_directory_release(directory);
		return result;
	}
	level = &walk->levels[walk->count++];
	level->directory = directory;
	level->ignore = NULL;
	level->status = *status;
	level->phase = LEVEL_READ;
	level->next = 0;
	level->prefix = prefix;
	level->names.bytes.max = LIMIT_WALK_NAMES_BYTES - walk->held;
	if (walk->count > LIMIT_WALK_OPEN) {
		struct level *far = &walk->levels[walk->count - 1 - LIMIT_WALK_OPEN];

		walk_directory_release(far->directory);
		far->directory = NULL;
	}
	return 0;
}

static void pop(struct walk *walk)
{
	struct level *level = top_level(walk);

	if (level->phase != LEVEL_READ)
		walk->held -= level->names.bytes.end;
	walk_directory_release(level->directory);
	level->directory = NULL;
	ignore_release(level->ignore);
	level->ignore = NULL;
	names_reset(&level->names, KEEP);
	walk->count--;
}

/* Opens a directory again that was closed to save descriptors. False: another stands there now, or none. */
static bool open_again(struct walk *walk, struct level *level)
{
	struct stat status;
	int fd;

	walk->path[level->prefix] = '\0';
	fd = reach_open_below(walk->top->fd, level->prefix > walk->begin ? walk->path + walk->begin : ".",
			      O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return false;
	if (fstat(fd, &status) < 0 || status.st_ino != level->status.st_ino ||
	    status.st_dev != level->status.st_dev) {
		close(fd);
		return false;
	}
	level->directory = hold_fd(&fd);
	return level->directory;
}

static bool is_on_stack(const struct walk *walk, const struct stat *status)
{
	for (size_t i = 0; i < walk->count; i++)
		if (walk->levels[i].status.st_ino == status->st_ino &&
		    walk->levels[i].status.st_dev == status->st_dev)
			return true;
	return false;
}

/* Enters the directory that was told last. 0, also when it cannot be entered, or -ENOMEM. */
static int enter(struct walk *walk)
{
	struct level *level = top_level(walk);
	const char *name = names_get(&level->names, level->next - 1);
	size_t prefix = level->prefix + strlen(name) + 1;
	struct walk_directory *directory;
	struct stat status;
	int fd;

	if (walk->count >= LIMIT_WALK_DEPTH || prefix + 1 >= sizeof walk->path) {
		walk->facts.cut = true; /* nothing below it could be named */
		return 0;
	}
	fd = reach_open_below(level->directory->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0) {
		/* or it is gone, or another thing now */
		walk->facts.unreadable += fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP;
		return 0;
	}
	if (fstat(fd, &status) < 0 || is_on_stack(walk, &status) || hides_directory(&walk->hides, &status)) {
		close(fd);
		return 0;
	}
	walk->path[prefix - 1] = '/';
	directory = hold_fd(&fd);
	return directory ? push(walk, directory, &status, prefix) : -ENOMEM;
}

/* ---- one directory ---- */

/* Reads some names. 0 or -ENOMEM. */
static int read_some(struct walk *walk, struct level *level)
{
	struct ignore *above = walk->count > 1 ? walk->levels[walk->count - 2].ignore : walk->above;
	size_t allowance = SIZE_MAX;
	int result = names_read(&level->names, level->directory->fd, walk->flags & WALK_HIDDEN, &allowance);

	if (result == 0 || result == -ENOMEM)
		return result;
	/* read to its end, as far as there is room, or as far as the disk gives it */
	walk->facts.cut |= result < 0;
	walk->facts.hidden += level->names.hidden;
	walk->held += level->names.bytes.end;
	level->phase = LEVEL_SORT;
	if (walk->flags & WALK_IGNORED)
		return 0;
	return ignore_enter(above, level->directory->fd, level->prefix, level->names.has, &level->ignore);
}

/* The type of an entry, asked where the file system does not tell; DT_UNKNOWN when it is gone. */
static unsigned char type_of(const struct level *level, size_t index, const char *name)
{
	unsigned char type = names_type(&level->names, index);
	struct stat status;

	if (type != DT_UNKNOWN)
		return type;
	if (fstatat(level->directory->fd, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return DT_UNKNOWN;
	return IFTODT(status.st_mode);
}

/* The next name. True: it is to be told, and stands in *entry. */
static bool look(struct walk *walk, struct level *level, struct walk_entry *entry)
{
	size_t index = level->next++;
	const char *name = names_get(&level->names, index);
	size_t length = strlen(name), whole = level->prefix + length;
	unsigned char type = type_of(level, index, name);

	if (type == DT_UNKNOWN)
		return false;
	if (whole >= sizeof walk->path) {
		walk->facts.cut = true;
		return false;
	}
	if (!(walk->flags & WALK_GIT) && strcmp(name, ".git") == 0) {
		walk->facts.hidden++;
		return false;
	}
	if (walk->hides.count && hides_name(&walk->hides, &level->status, name))
		return false;
	memcpy(walk->path + level->prefix, name, length + 1);
	if (level->ignore &&
	    ignore_names(level->ignore, walk->path, whole, walk->path + level->prefix, type == DT_DIR)) {
		walk->facts.ignored++;
		return false;
	}
	walk->enter = type == DT_DIR;
	*entry = (struct walk_entry){.directory = level->directory,
				     .path = walk->path + walk->begin,
				     .name = walk->path + level->prefix,
				     .length = whole - walk->begin,
				     .type = type};
	return true;
}

/* ---- the walk ---- */

int walk_next(struct walk *walk, struct walk_entry *entry)
{
	int left_out = 0, result;

	if (walk->enter) {
		walk->enter = false;
		result = enter(walk);
		if (result < 0)
			return result;
	}
	while (walk->count > 0) {
		struct level *level = top_level(walk);

		switch (level->phase) {
		case LEVEL_READ:
			result = read_some(walk, level);
			if (result < 0)
				return result;
			break;
		case LEVEL_SORT:
			result = names_sort(&level->names);
			if (result < 0)
				return result;
			if (result > 0)
				level->phase = LEVEL_TELL;
			break;
		case LEVEL_TELL:
			if (level->next == level->names.count ||
			    (!level->directory && !open_again(walk, level)))
				pop(walk);
			else if (look(walk, level, entry))
				return WALK_ENTRY;
			else if (++left_out == LEFT_OUT)
				return WALK_BUSY;
			continue;
		}
		if (level->names.count >= LARGE)
			return WALK_BUSY;
	}
	return WALK_END;
}

void walk_skip(struct walk *walk)
{
	walk->enter = false;
}

const struct walk_facts *walk_facts(const struct walk *walk)
{
	return &walk->facts;
}

/* ---- the beginning ---- */

int walk_new(struct walk **out, const struct reach *reach, const struct place *place, int fd, unsigned flags)
{
	struct walk *walk = calloc(1, sizeof *walk);
	struct stat status = {0};
	int result;

	if (!walk) {
		close(fd);
		return -ENOMEM;
	}
	walk->reach = reach;
	walk->flags = flags;
	result = fstat(fd, &status) < 0 ? -errno : 0;
	walk->top = hold_fd(&fd);
	if (result == 0)
		result = walk->top ? hides_init(&walk->hides, reach) : -ENOMEM;
	if (result == 0 && !(flags & WALK_IGNORED))
		result = ignore_above(reach->everywhere, place->root->fd, place->below, walk->path,
				      &walk->above);
	if (result >= 0) {
		walk->begin = (size_t)result;
		walk_directory_hold(walk->top);
		result = push(walk, walk->top, &status, walk->begin);
	}
	if (result < 0) {
		walk_free(walk);
		return result;
	}
	*out = walk;
	return 0;
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	while (walk->count > 0)
		pop(walk);
	for (size_t i = 0; i < walk->size; i++)
		names_deinit(&walk->levels[i].names);
	free(walk->levels);
	walk_directory_release(walk->top);
	ignore_release(walk->above);
	hides_deinit(&walk->hides);
	free(walk);
}
