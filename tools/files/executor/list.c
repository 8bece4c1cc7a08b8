/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_directory: entries in the order of their names, a directory's content behind it when a tree is asked
 * for. Only those of the window asked for are looked at more closely; the others are counted. Links are
 * shown, not followed, but for the directory asked for itself.
 */
#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/ignore.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/names.h"
#include "tools/files/wire.h"

struct level {
	int fd;
	struct names names;
	struct ignore *ignore;
	enum { LEVEL_READ, LEVEL_SORT, LEVEL_WALK } phase;
	size_t next;   /* entry to be visited */
	size_t prefix; /* bytes of tree->prefix that lead here */
};

struct list_tree {
	char path[LIMIT_PATH_BYTES];   /* as typed */
	char prefix[LIMIT_PATH_BYTES]; /* "a/b/" in front of the names of the present level, from the
					  workspace */
	size_t begin;                  /* bytes of it that lead to the directory asked for */
	struct ignore *above;          /* the rules of directories above that */
	struct place place;
	const struct reach *reach;
	uint32_t depth, flags;
	bool hidden, ignored;
	uint64_t offset, limit, bytes; /* bytes: of text that may still be shown */
	uint64_t total, hidden_count, ignored_count, count, next;
	size_t allowance; /* entries that may still be visited */
	struct buffer entries;
	int levels;
	struct level level[LIMIT_LIST_DEPTH];
};

static void tree_free(struct list_tree *tree)
{
	if (!tree)
		return;
	while (tree->levels > 0) {
		struct level *level = &tree->level[--tree->levels];

		names_deinit(&level->names);
		ignore_release(level->ignore);
		close_fd(&level->fd);
	}
	ignore_release(tree->above);
	buffer_deinit(&tree->entries);
	free(tree);
}

static void cleanup_tree(struct list_tree **tree)
{
	tree_free(*tree);
}

static void push(struct list_tree *tree, int fd)
{
	struct level *level = &tree->level[tree->levels++];

	*level = (struct level){.fd = fd, .prefix = strlen(tree->prefix)};
	names_init(&level->names);
}

static void pop(struct list_tree *tree)
{
	struct level *level = &tree->level[--tree->levels];

	names_deinit(&level->names);
	ignore_release(level->ignore);
	close_fd(&level->fd);
}

static int decode(struct list_tree *tree, const void *payload, size_t length)
{
	struct frame_reader reader;
	uint32_t flags;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, tree->path, sizeof tree->path);
	tree->depth = frame_get_u32(&reader);
	flags = frame_get_u32(&reader);
	tree->offset = frame_get_u64(&reader);
	tree->limit = frame_get_u64(&reader);
	tree->bytes = frame_get_u64(&reader);
	tree->hidden = flags & FILES_HIDDEN;
	tree->ignored = flags & FILES_IGNORED;
	return frame_done(&reader) < 0 || tree->depth == 0 || tree->depth > LIMIT_LIST_DEPTH ||
			       tree->limit == 0 || tree->limit > LIMIT_LIST_ENTRIES_MAX ||
			       (flags & ~(FILES_HIDDEN | FILES_IGNORED))
		       ? -EPROTO
		       : 0;
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	_cleanup_(cleanup_tree) struct list_tree *tree = calloc(1, sizeof *tree);
	int result, fd;

	if (!tree)
		return refuse_errno(refusal, ENOMEM, "list", "the directory");
	buffer_init(&tree->entries, LIMIT_LIST_RESULT_BYTES);
	result = decode(tree, payload, length);
	if (result < 0)
		return result;
	tree->reach = &files->reach;
	tree->allowance = LIMIT_LIST_VISITED;
	result = reach_find(tree->reach, tree->path, "list", &tree->place, refusal);
	if (result == 0 && tree->reach->hides)
		result = reach_judge_read(tree->reach, &tree->place, "list", refusal);
	if (result < 0)
		return result;
	fd = reach_open(tree->reach, &tree->place, O_RDONLY | O_DIRECTORY, "list", refusal);
	if (fd == -ENOTDIR)
		return refuse(refusal, ENOTDIR,
			      "cannot list `%.600s`: it is not a directory; read_file reads it", tree->path);
	if (fd < 0)
		return fd;
	result = tree->ignored ? 0
			       : ignore_above(tree->reach->everywhere, tree->place.root->fd,
					      tree->place.below, tree->prefix, &tree->above);
	if (result < 0) {
		close(fd);
		return refuse_errno(refusal, result, "list", tree->path);
	}
	tree->begin = (size_t)result;
	push(tree, fd);
	job->list = (struct list_job){.tree = steal_pointer(tree)};
	return 0;
}

/* Adds an entry to the result. 0; 1 when it is full (the entry is where the next call goes on); -errno. */
static int emit(struct list_tree *tree, const struct level *level, const char *name,
		const struct stat *status)
{
	size_t before = tree->entries.end, way = level->prefix - tree->begin, used = way + strlen(name);
	char path[LIMIT_PATH_BYTES + 256], target[LIMIT_PATH_BYTES] = "";
	enum files_type type = files_type_of(status->st_mode);
	int result;

	if (type == FILES_LINK) {
		ssize_t length = readlinkat(level->fd, name, target, sizeof target - 1);

		target[length > 0 ? length : 0] = '\0';
	}
	memcpy(path, tree->prefix + tree->begin, way);
	memcpy(path + way, name, strlen(name) + 1);
	used += strlen(target) + 32; /* size and time, about */
	if (used > tree->bytes && tree->count > 0)
		return 1;
	if ((result = frame_put_text(&tree->entries, path)) < 0 ||
	    (result = frame_put_u32(&tree->entries, type)) < 0 ||
	    (result = frame_put_u64(&tree->entries, (uint64_t)status->st_size)) < 0 ||
	    (result = frame_put_u64(&tree->entries, (uint64_t)status->st_mtim.tv_sec)) < 0 ||
	    (result = frame_put_text(&tree->entries, target)) < 0) {
		tree->entries.end = before;
		return result == -EMSGSIZE ? 1 : result;
	}
	tree->bytes -= used < tree->bytes ? used : tree->bytes;
	tree->count++;
	return 0;
}

/* Goes down into directory `name`, where that is asked for and may be. */
static void descend(struct list_tree *tree, const struct level *level, const char *name)
{
	size_t length = strlen(name);
	int fd;

	if ((uint32_t)tree->levels >= tree->depth || level->prefix + length + 2 > sizeof tree->prefix)
		return;
	fd = reach_open_below(level->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return; /* not ours to read: it stands in the list, closed */
	memcpy(tree->prefix + level->prefix, name, length);
	memcpy(tree->prefix + level->prefix + length, "/", 2);
	push(tree, fd);
}

static bool is_ignored(const struct list_tree *tree, const struct level *level, const char *name,
		       bool directory)
{
	char path[LIMIT_PATH_BYTES + 256];
	size_t length = strlen(name);

	if (!level->ignore)
		return false;
	memcpy(path, tree->prefix, level->prefix);
	memcpy(path + level->prefix, name, length + 1);
	return ignore_names(level->ignore, path, level->prefix + length, path + level->prefix, directory);
}

/* The names are read: the rules that they are under. 0 or -ENOMEM. */
static int enter_rules(struct list_tree *tree, struct level *level)
{
	struct ignore *above = tree->levels > 1 ? level[-1].ignore : tree->above;

	return tree->ignored
		       ? 0
		       : ignore_enter(above, level->fd, level->prefix, level->names.has, &level->ignore);
}

/* The next entry of the present level. 0 or -errno. */
static int visit(struct list_tree *tree, struct level *level)
{
	size_t index = level->next++;
	const char *name = names_get(&level->names, index);
	unsigned char type = names_type(&level->names, index);
	bool wanted = tree->total >= tree->offset && tree->count < tree->limit && !tree->next;
	struct stat status = {.st_mode = type == DT_DIR ? S_IFDIR : 0};
	struct refusal refusal;
	int result = 0;

	if (tree->reach->hides &&
	    reach_judge(tree->reach, &tree->place, level->fd, name, false, &refusal) < 0)
		return 0;
	if ((wanted || type == DT_UNKNOWN) &&
	    fstatat(level->fd, name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return 0; /* gone meanwhile */
	if (is_ignored(tree, level, name, S_ISDIR(status.st_mode))) {
		tree->ignored_count++;
		return 0;
	}
	if (wanted)
		result = emit(tree, level, name, &status);
	else if (tree->total >= tree->offset && !tree->next)
		result = 1;
	if (result > 0)
		tree->next = tree->total;
	tree->total++;
	if (result >= 0 && S_ISDIR(status.st_mode))
		descend(tree, level, name);
	return result < 0 ? result : 0;
}

/* Some more of the tree. 1 when all is visited, 0, or -errno. */
static int advance(struct list_tree *tree)
{
	for (int budget = LIMIT_LIST_STEP; budget > 0 && tree->levels > 0;) {
		struct level *level = &tree->level[tree->levels - 1];
		int result = 0;

		switch (level->phase) {
		case LEVEL_READ:
			result = names_read(&level->names, level->fd, tree->hidden, &tree->allowance);
			if (result == -ENOSPC) {
				tree->flags |= FILES_LIST_AT_LEAST;
				result = 1;
			}
			if (result > 0) {
				level->phase = LEVEL_SORT;
				result = enter_rules(tree, level);
			}
			budget -= LIMIT_LIST_STEP / 4;
			break;
		case LEVEL_SORT:
			result = names_sort(&level->names);
			if (result > 0) {
				level->phase = LEVEL_WALK;
				tree->hidden_count += level->names.hidden;
			}
			budget -= LIMIT_LIST_STEP / 4;
			break;
		case LEVEL_WALK:
			if (level->next < level->names.count)
				result = visit(tree, level);
			else
				pop(tree);
			budget--;
			break;
		}
		if (result < 0)
			return result;
	}
	return tree->levels == 0;
}

/* The whole RESULT (wire.h) in job->list.result. */
static int compose(struct job *job)
{
	const struct list_tree *tree = job->list.tree;
	struct buffer *result = &job->list.result;
	int code;

	buffer_init(result, LIMIT_LIST_RESULT_BYTES + LIMIT_PATH_BYTES + 256);
	if ((code = frame_put_text(result, tree->path)) < 0 ||
	    (code = frame_put_u64(result, tree->total)) < 0 ||
	    (code = frame_put_u64(result, tree->offset)) < 0 ||
	    (code = frame_put_u64(result, tree->next)) < 0 ||
	    (code = frame_put_u64(result, tree->hidden_count)) < 0 ||
	    (code = frame_put_u64(result, tree->ignored_count)) < 0 ||
	    (code = frame_put_u32(result, tree->flags)) < 0 ||
	    (code = frame_put_u32(result, (uint32_t)tree->count)) < 0)
		return code;
	return buffer_append(result, buffer_data(&tree->entries), buffer_length(&tree->entries));
}

static enum job_state step(struct files *files, struct job *job)
{
	struct list_job *list = &job->list;
	struct refusal refusal;
	int result;

	if (!list->composed) {
		result = advance(list->tree);
		if (result == 0)
			return JOB_AGAIN;
		if (result > 0) {
			list->composed = true;
			result = compose(job);
		}
		if (result < 0) {
			refuse_errno(&refusal, result, "list", list->tree->path);
			return reply_refusal(files, job, &refusal);
		}
	}
	return reply_long(files, job, &list->result);
}

static void end(struct files *files, struct job *job)
{
	tree_free(steal_pointer(job->list.tree));
	if (job->list.composed)
		buffer_deinit(&job->list.result);
}

const struct operation list_operation = {
	.type = FILES_LIST,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
