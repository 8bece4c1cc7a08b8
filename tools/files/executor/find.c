/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find_files: a walk, and which of its paths a glob takes. By name the page asked for is what comes by; by
 * time or size the best so many are kept in a heap. What is not done in time is answered with what there is,
 * and kept: the same call with the offset that was told goes on from there.
 */
#include "tools/files/executor/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/limits.h"
#include "tools/files/executor/glob.h"
#include "tools/files/executor/ranking.h"
#include "tools/files/executor/walk.h"
#include "tools/files/wire.h"

struct request {
	char path[LIMIT_PATH_BYTES], pattern[LIMIT_GLOB_BYTES + 1];
	uint32_t flags, type, sort;
	uint64_t offset, limit, bytes, answer_by;
};

struct find {
	struct request asked;
	struct walk *walk;
	struct glob *glob;
	struct ranking ranking; /* not by name */
	char prefix[LIMIT_PATH_BYTES + 1];
	uint64_t matched;  /* so far */
	bool ended;        /* the walk is at its end */
	int64_t used_last; /* monotonic milliseconds */
};

/* One call: what it adds to a find that may be older. */
struct find_call {
	struct find *find;
	int64_t deadline;
	bool composed, full;
	uint64_t count, bytes; /* of paths in `entries` */
	struct buffer entries, result;
};

static void find_free(struct find *find)
{
	if (!find)
		return;
	walk_free(find->walk);
	glob_free(find->glob);
	ranking_deinit(&find->ranking);
	free(find);
}

void find_forget(struct files *files)
{
	find_free(steal_pointer(files->unfinished));
}

/* ---- beginning ---- */

static int decode(struct request *asked, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, asked->path, sizeof asked->path);
	frame_get_text(&reader, asked->pattern, sizeof asked->pattern);
	asked->flags = frame_get_u32(&reader);
	asked->type = frame_get_u32(&reader);
	asked->sort = frame_get_u32(&reader);
	asked->offset = frame_get_u64(&reader);
	asked->limit = frame_get_u64(&reader);
	asked->bytes = frame_get_u64(&reader);
	asked->answer_by = frame_get_u64(&reader);
	return frame_done(&reader) < 0 || asked->flags & ~FILES_IGNORED || asked->type >= FILES_TYPES ||
			       asked->sort >= FILES_SORTS || asked->limit == 0 ||
			       asked->limit > LIMIT_FIND_PATHS_MAX || asked->offset > INT32_MAX ||
			       asked->answer_by > (uint64_t)clock_ms() + LIMIT_ANSWER_WITHIN_MAX_MS
		       ? -EPROTO
		       : 0;
}

/* Is what was not done the beginning of what is asked now? By time or size, the same page of it. */
static bool continues(const struct find *find, const struct request *asked)
{
	if (strcmp(find->asked.path, asked->path) != 0 || strcmp(find->asked.pattern, asked->pattern) != 0 ||
	    find->asked.flags != asked->flags || find->asked.type != asked->type ||
	    find->asked.sort != asked->sort || clock_ms() - find->used_last > LIMIT_FIND_KEPT_MS)
		return false;
	return asked->sort == FILES_BY_NAME
		       ? find->matched <= asked->offset
		       : find->asked.offset == asked->offset && find->asked.limit == asked->limit;
}

static int begin_walk(struct files *files, struct find *find, struct refusal *refusal)
{
	const char *path = find->asked.path;
	unsigned flags = find->asked.flags & FILES_IGNORED ? WALK_IGNORED | WALK_HIDDEN : 0;
	struct place place;
	int result = reach_find(&files->reach, path, "list", &place, refusal), fd;

	if (result == 0 && files->reach.hides)
		result = reach_judge_read(&files->reach, &place, "list", refusal);
	if (result < 0)
		return result;
	fd = reach_open(&files->reach, &place, O_RDONLY | O_DIRECTORY, "list", refusal);
	if (fd == -ENOTDIR)
		return refuse(refusal, ENOTDIR,
			      "cannot look below `%.600s`: it is not a directory; give the one that it is in",
			      path);
	if (fd < 0)
		return fd;
	/* a pattern that names hidden things means them */
	if (glob_names_hidden(find->glob))
		flags |= WALK_HIDDEN;
	if (glob_names_git(find->glob))
		flags |= WALK_GIT;
	result = walk_new(&find->walk, &files->reach, &place, fd, flags);
	return result < 0 ? refuse_errno(refusal, result, "list", path) : 0;
}

/* `place` for paths below it to follow: "src/" of "src", nothing of ".". */
static void set_prefix(struct find *find)
{
	const char *path = find->asked.path;
	size_t length = strlen(path);

	if (strcmp(path, ".") == 0)
		return;
	memcpy(find->prefix, path, length);
	if (length > 0 && path[length - 1] != '/')
		find->prefix[length] = '/';
}

static int begin(struct files *files, const struct request *asked, struct find **out, struct refusal *refusal)
{
	struct find *find = calloc(1, sizeof *find);
	const char *problem;
	int result;

	if (!find)
		return refuse_errno(refusal, ENOMEM, "list", asked->path);
	find->asked = *asked;
	set_prefix(find);
	ranking_init(&find->ranking, (size_t)(asked->offset + asked->limit));
	result = glob_new(&find->glob, asked->pattern, &problem);
	if (result == -EINVAL)
		refuse(refusal, EINVAL, "pattern `%.300s`: %s", asked->pattern, problem);
	else if (result < 0)
		refuse_errno(refusal, result, "list", asked->path);
	else
		result = begin_walk(files, find, refusal);
	if (result < 0) {
		find_free(find);
		return result;
	}
	*out = find;
	return 0;
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	_cleanup_free_ struct find_call *call = calloc(1, sizeof *call);
	struct request asked = {0};
	int result = decode(&asked, payload, length);

	if (result < 0)
		return result;
	if (!call)
		return refuse_errno(refusal, ENOMEM, "list", asked.path);
	if (asked.sort != FILES_BY_NAME && asked.offset + asked.limit > LIMIT_FIND_RANKED)
		return refuse(refusal, EINVAL,
			      "`offset` and `limit` together are at most %u unless sorted by name; ask for a "
			      "narrower `pattern` or `path`",
			      LIMIT_FIND_RANKED);
	if (files->unfinished && continues(files->unfinished, &asked)) {
		call->find = steal_pointer(files->unfinished);
		call->find->asked = asked;
	} else {
		find_forget(files);
		result = begin(files, &asked, &call->find, refusal);
		if (result < 0)
			return result;
	}
	buffer_init(&call->entries, LIMIT_LIST_RESULT_BYTES);
	buffer_init(&call->result, LIMIT_LIST_RESULT_BYTES + 256);
	call->deadline = (int64_t)asked.answer_by;
	job->other = steal_pointer(call);
	return 0;
}

/* ---- finding ---- */

static bool is_wanted(const struct find *find, const struct walk_entry *entry)
{
	bool directory = entry->type == DT_DIR;

	if (find->asked.type != FILES_NONE && files_type_of(DTTOIF(entry->type)) != find->asked.type)
		return false;
	return glob_matches(find->glob, entry->path, entry->name, directory);
}

/* Adds a path to the page, unless that is full. 0 or -ENOMEM. */
static int put(struct find_call *call, const char *path, bool directory)
{
	const struct find *find = call->find;
	char whole[2 * LIMIT_PATH_BYTES + 2];
	size_t prefix = strlen(find->prefix), length = strlen(path);
	int result;

	memcpy(whole, find->prefix, prefix);
	memcpy(whole + prefix, path, length);
	length += prefix;
	memcpy(whole + length, directory ? "/" : "", directory + 1u);
	call->bytes += length + directory + 1;
	call->full |=
		call->count == find->asked.limit || (call->bytes > find->asked.bytes && call->count > 0);
	if (call->full)
		return 0;
	result = frame_put_text(&call->entries, whole);
	if (result == -EMSGSIZE) {
		call->full = true;
		return 0;
	}
	call->count += result == 0;
	return result;
}

/* An entry that is wanted, by what it is sorted by. 0 or -errno. */
static int rank(struct find *find, const struct walk_entry *entry)
{
	struct stat status;
	int64_t key, minor = 0;

	if (fstatat(entry->directory->fd, entry->name, &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
		find->matched--; /* gone meanwhile */
		return 0;
	}
	key = status.st_size;
	if (find->asked.sort == FILES_BY_MODIFIED) {
		key = status.st_mtim.tv_sec;
		minor = status.st_mtim.tv_nsec;
	}
	return ranking_add(&find->ranking, key, minor, entry->path, entry->type == DT_DIR);
}

static int take(struct find_call *call, const struct walk_entry *entry)
{
	struct find *find = call->find;

	if (entry->type == DT_DIR && !glob_leads_below(find->glob, entry->path))
		walk_skip(find->walk);
	if (!is_wanted(find, entry))
		return 0;
	find->matched++;
	if (find->asked.sort != FILES_BY_NAME)
		return rank(find, entry);
	return find->matched > find->asked.offset ? put(call, entry->path, entry->type == DT_DIR) : 0;
}

/* Some more. 1 when all is found or the time is over, 0, or -errno. */
static int advance(struct find_call *call)
{
	struct find *find = call->find;
	struct walk_entry entry;
	int result = 0;

	for (int i = 0; i < LIMIT_FIND_STEP && result == 0; i++) {
		int step = walk_next(find->walk, &entry);

		if (step < 0)
			return step;
		if (step == WALK_END) {
			find->ended = true;
			return 1;
		}
		if (step == WALK_BUSY)
			break;
		result = take(call, &entry);
	}
	return result < 0 ? result : clock_ms() >= call->deadline;
}

/* ---- answering ---- */

static int put_ranked(struct find_call *call)
{
	const struct request *asked = &call->find->asked;
	size_t count = ranking_sort(&call->find->ranking);
	int result = 0;

	for (size_t i = asked->offset; i < count && result == 0; i++) {
		const struct ranked *ranked = ranking_get(&call->find->ranking, i);

		result = put(call, ranked->path, ranked->directory);
	}
	return result;
}

/* The whole RESULT (wire.h) in call->result. */
static int compose(struct find_call *call)
{
	const struct find *find = call->find;
	const struct walk_facts *facts = walk_facts(find->walk);
	uint64_t shown, next = 0;
	uint32_t flags = (find->ended ? 0 : FILES_FIND_UNFINISHED) | (facts->cut ? FILES_FIND_CUT : 0);
	struct buffer *result = &call->result;
	int code = 0;

	if (find->asked.sort != FILES_BY_NAME)
		code = put_ranked(call);
	shown = find->asked.offset + call->count;
	if (find->asked.sort != FILES_BY_NAME && !find->ended)
		next = find->asked.offset; /* what is found later may come first */
	else if (!find->ended || find->matched > shown)
		next = shown;
	if (find->matched == 0 && strchr(find->asked.pattern, '['))
		flags |= FILES_FIND_SET;
	if (code < 0 || (code = frame_put_u64(result, find->matched)) < 0 ||
	    (code = frame_put_u64(result, find->asked.offset)) < 0 ||
	    (code = frame_put_u64(result, next)) < 0 || (code = frame_put_u64(result, facts->ignored)) < 0 ||
	    (code = frame_put_u64(result, facts->hidden)) < 0 ||
	    (code = frame_put_u64(result, facts->unreadable)) < 0 ||
	    (code = frame_put_u32(result, flags)) < 0 ||
	    (code = frame_put_u32(result, (uint32_t)call->count)) < 0)
		return code;
	return buffer_append(result, buffer_data(&call->entries), buffer_length(&call->entries));
}

static enum job_state step(struct files *files, struct job *job)
{
	struct find_call *call = job->other;
	struct refusal refusal;
	int result;

	if (!call->composed) {
		result = advance(call);
		if (result == 0)
			return JOB_AGAIN;
		if (result > 0)
			result = compose(call);
		if (result == -EMSGSIZE) {
			refuse(&refusal, EMSGSIZE,
			       "cannot sort so many long paths; ask for a smaller `limit`, or sort by name");
			return reply_refusal(files, job, &refusal);
		}
		if (result < 0) {
			refuse_errno(&refusal, result, "list", call->find->asked.path);
			return reply_refusal(files, job, &refusal);
		}
		call->composed = true;
	}
	return reply_long(files, job, &call->result);
}

static void end(struct files *files, struct job *job)
{
	struct find_call *call = job->other;

	/* to be gone on with, unless somebody gave it up */
	if (call->composed && !job->cancelled && !call->find->ended) {
		find_forget(files);
		files->unfinished = steal_pointer(call->find);
		files->unfinished->used_last = clock_ms();
	}
	find_free(call->find);
	buffer_deinit(&call->entries);
	buffer_deinit(&call->result);
	free(call);
}

const struct operation find_operation = {
	.type = FILES_FIND,
	.request_bytes = LIMIT_PATH_BYTES + LIMIT_GLOB_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
