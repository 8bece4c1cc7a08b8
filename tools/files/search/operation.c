/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search_files: finds or begins the search that is asked for, waits for its threads without holding up
 * others, and answers with one page of it. The call is a job like others; what goes on when it is answered is
 * the search (searches.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/limits.h"
#include "tools/files/executor/scan.h"
#include "tools/files/quote.h"
#include "tools/files/search/searches.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

extern const struct operation search_operation;

/* FILES_SEARCH, decoded. */
struct question {
	char pattern[LIMIT_SEARCH_PATTERN_BYTES + 1], path[LIMIT_PATH_BYTES],
		glob[LIMIT_SEARCH_GLOB_BYTES + 1];
	uint32_t flags, mode, context;
	size_t length; /* of its bytes in the payload */
	uint64_t limit, offset, bytes;
	uint64_t answer_by;
};

struct call {
	struct search_entry *entry; /* NULL: answered */
	uint64_t limit, offset, bytes;
	uint32_t flags; /* FILES_SEARCH_* of the result */
	uint64_t shown;
	struct lines_facts facts;
	uint64_t hidden, ignored;
	bool composed;
	struct buffer text; /* once composed */
};

static int decode(struct question *question, const void *payload, size_t length)
{
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, question->pattern, sizeof question->pattern);
	frame_get_text(&reader, question->path, sizeof question->path);
	frame_get_text(&reader, question->glob, sizeof question->glob);
	question->flags = frame_get_u32(&reader);
	question->mode = frame_get_u32(&reader);
	question->context = frame_get_u32(&reader);
	question->length = (size_t)(reader.at - (const uint8_t *)payload);
	question->limit = frame_get_u64(&reader);
	question->offset = frame_get_u64(&reader);
	question->bytes = frame_get_u64(&reader);
	question->answer_by = frame_get_u64(&reader);
	return frame_done(&reader) < 0 || (question->flags & ~FILES_SEARCH_FLAGS) ||
			       question->mode >= FILES_SEARCH_MODES ||
			       question->context > LIMIT_SEARCH_CONTEXT || question->limit == 0 ||
			       question->limit > LIMIT_SEARCH_RESULTS_MAX ||
			       question->bytes > LIMIT_RESULT_BYTES_MAX || !question->pattern[0] ||
			       question->answer_by > (uint64_t)clock_ms() + LIMIT_ANSWER_WITHIN_MAX_MS
		       ? -EPROTO
		       : 0;
}

/* ---- a new search ---- */

static unsigned pattern_flags(uint32_t flags)
{
	return (flags & FILES_SEARCH_LITERAL ? PATTERN_LITERAL : 0) |
	       (flags & FILES_SEARCH_IGNORE_CASE ? PATTERN_FOLD : 0) |
	       (flags & FILES_SEARCH_MULTILINE ? PATTERN_MULTILINE : 0);
}

/* What stands in front of each path shown, so that it can be typed again. */
static char *make_prefix(const char *path, bool single)
{
	size_t length = strlen(path);
	char *prefix;

	if (!single && (strcmp(path, ".") == 0 || length == 0))
		return strdup("");
	prefix = malloc(length + 2);
	if (!prefix)
		return NULL;
	memcpy(prefix, path, length + 1);
	if (!single && path[length - 1] != '/')
		memcpy(prefix + length, "/", 2);
	return prefix;
}

/* Opens where to search: a tree, or a single file. 0 or a refusal. */
static int open_place(struct files *files, struct search *search, const struct question *question,
		      struct refusal *refusal)
{
	unsigned flags = question->flags & FILES_SEARCH_IGNORED ? WALK_HIDDEN | WALK_IGNORED : 0;
	char room[LIMIT_PATH_BYTES];
	const char *path = quote_read(question->path, room);
	_cleanup_fd_ int fd = -1;
	struct stat status;
	struct place place;
	int result = reach_find(&files->reach, path, "search", &place, refusal);

	if (result == 0 && files->reach.hides)
		result = reach_judge_read(&files->reach, &place, "search", refusal);
	if (result < 0)
		return result;
	fd = reach_open(&files->reach, &place, O_RDONLY, "search", refusal);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return refuse_errno(refusal, errno, "search", path);
	if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode))
		return refuse(refusal, EINVAL,
			      "cannot search `%.600s`: it is neither a directory nor a regular file", path);
	search->prefix = make_prefix(path, !S_ISDIR(status.st_mode));
	if (!search->prefix)
		return refuse_errno(refusal, ENOMEM, "search", path);
	if (S_ISREG(status.st_mode)) {
		search->single = steal_fd(&fd);
		return 0;
	}
	result = walk_new(&search->walk, &files->reach, &place, steal_fd(&fd), flags);
	return result < 0 ? refuse_errno(refusal, result, "search", path) : 0;
}

static int prepare(struct files *files, struct search *search, const struct question *question,
		   struct refusal *refusal)
{
	const char *problem = NULL;
	int result = pattern_init(&search->pattern, question->pattern, strlen(question->pattern),
				  pattern_flags(question->flags), refusal);

	if (result == 0 && question->glob[0]) {
		result = glob_new(&search->glob, question->glob, &problem);
		if (result < 0)
			return refuse(refusal, -result, "glob: %s", problem ? problem : "out of memory");
	}
	search->mode = (enum lines_mode)question->mode;
	search->context = question->context;
	return result < 0 ? result : open_place(files, search, question, refusal);
}

static int begin_search(struct files *files, struct search_entry *entry, const struct question *question,
			const void *payload, struct refusal *refusal)
{
	struct searches *searches = files->context;
	int result;

	entry->search = search_new(searches->background.done);
	if (!entry->search || buffer_append(&entry->question, payload, question->length) < 0)
		result = refuse_errno(refusal, ENOMEM, "search", question->path);
	else
		result = prepare(files, entry->search, question, refusal);
	if (result == 0) {
		search_want(entry->search, question->offset, (size_t)question->limit + 1, question->bytes);
		result = search_start(entry->search, searches->threads);
		if (result < 0)
			refuse_errno(refusal, result, "search", question->path);
	}
	if (result < 0)
		searches_drop(entry);
	return result;
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	_cleanup_free_ struct question *question = malloc(sizeof *question);
	struct search_entry *entry;
	struct call *call;
	int result;

	if (!question)
		return refuse_errno(refusal, ENOMEM, "search", "the workspace");
	result = decode(question, payload, length);
	if (result < 0)
		return result;
	entry = searches_find(files->context, payload, question->length, question->offset);
	if (!entry)
		return refuse(refusal, EBUSY, "%d searches run already; wait for one of them to be answered",
			      LIMIT_SEARCHES);
	call = calloc(1, sizeof *call);
	if (!call)
		return refuse_errno(refusal, ENOMEM, "search", question->path);
	if (entry->search)
		search_want(entry->search, question->offset, (size_t)question->limit + 1, question->bytes);
	else
		result = begin_search(files, entry, question, payload, refusal);
	if (result < 0) {
		free(call);
		return result;
	}
	*call = (struct call){.entry = entry,
			      .limit = question->limit,
			      .offset = question->offset,
			      .bytes = question->bytes,
			      .text = {.max = LIMIT_RESULT_BYTES_MAX + LIMIT_FRAME_BYTES}};
	entry->waited = true;
	entry->due = (int64_t)question->answer_by;
	job->other = call;
	return 0;
}

/* ---- a page ---- */

/* Copies what fits. 0 or -errno. With the search's lock held. */
static int compose(struct call *call, const struct search *search)
{
	size_t at = 0;

	for (; call->shown < call->limit && call->shown < search->results.count; call->shown++) {
		const char *text;
		size_t length, next;
		uint32_t flags;
		bool apart;
		int result;

		next = sheet_read(&search->results, at, &text, &length, &flags);
		apart = search->context && (flags & SHEET_GAP) && call->shown > 0;
		if (call->shown > 0 && buffer_length(&call->text) + length + 3 > call->bytes)
			break;
		if (apart && (result = buffer_append(&call->text, "--\n", 3)) < 0)
			return result;
		result = buffer_append(&call->text, text, length);
		if (result < 0)
			return result;
		at = next;
	}
	return 0;
}

/* Takes the page, and decides what becomes of the search. 0 or -errno. */
static int take_page(struct call *call)
{
	struct search_entry *entry = steal_pointer(call->entry);
	struct search *search = entry->search;
	bool ready, over;
	int result, error;

	pthread_mutex_lock(&search->lock);
	ready = search_ready(search);
	result = compose(call, search);
	error = search->results.failed ? -ENOMEM : search->error;
	over = error || (search->finished && call->shown == search->results.count);
	call->flags = error == -E2BIG ? FILES_SEARCH_ENDED | FILES_SEARCH_DONE
		      : over          ? FILES_SEARCH_DONE
		      : ready         ? 0
				      : FILES_SEARCH_LATE;
	call->facts = search->facts;
	if (search->walked && search->walk) {
		call->hidden = walk_facts(search->walk)->hidden;
		call->ignored = walk_facts(search->walk)->ignored;
	}
	pthread_mutex_unlock(&search->lock);
	entry->waited = false;
	entry->late = !ready;
	entry->due = clock_ms() + LIMIT_SEARCH_KEPT_MS;
	if (result == 0 && error != -E2BIG)
		result = error;
	if (over || result < 0)
		searches_drop(entry);
	else if (!ready) /* one page ahead */
		search_want(search, call->offset + call->shown, (size_t)call->limit + 1, (size_t)call->bytes);
	return result;
}

static enum job_state reply_facts(struct files *files, struct job *job, const struct call *call)
{
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload, call->flags);
	frame_put_u64(&payload, call->shown);
	frame_put_u64(&payload, call->offset + call->shown);
	frame_put_u64(&payload, call->facts.files);
	frame_put_u64(&payload, call->facts.binary);
	frame_put_u64(&payload, call->facts.unreadable);
	frame_put_u64(&payload, call->facts.pieces);
	frame_put_u64(&payload, call->facts.holes);
	frame_put_u64(&payload, call->facts.overruns);
	frame_put_u64(&payload, call->hidden);
	frame_put_u64(&payload, call->ignored);
	return reply_result_end(files, job, &payload);
}

/* Sends some of the text. */
static enum job_state send_text(struct files *files, struct job *job, struct call *call)
{
	size_t left = buffer_length(&call->text), length;
	size_t least = left < LIMIT_FILES_PIECE_BYTES ? left : LIMIT_FILES_PIECE_BYTES;
	uint8_t *at = reply_room(files, job, least, left, &length);

	if (!at)
		return files->lied ? JOB_DONE : JOB_ROOM;
	if (length < left)
		length = scan_whole_characters((const uint8_t *)buffer_data(&call->text), length);
	memcpy(at, buffer_data(&call->text), length);
	buffer_consume(&call->text, length);
	reply_send(files, job, REPLY_TEXT, 0, length);
	return JOB_AGAIN;
}

static enum job_state step(struct files *files, struct job *job)
{
	struct call *call = job->other;
	struct refusal refusal;
	bool ready;
	int result;

	if (!call->composed) {
		struct search *search = call->entry->search;

		pthread_mutex_lock(&search->lock);
		ready = search_ready(search);
		pthread_mutex_unlock(&search->lock);
		if (!ready && clock_ms() < call->entry->due)
			return JOB_WAIT;
		call->composed = true;
		result = take_page(call);
		if (result < 0) {
			refuse_errno(&refusal, result, "search", "the workspace");
			return reply_refusal(files, job, &refusal);
		}
	}
	return buffer_length(&call->text) ? send_text(files, job, call) : reply_facts(files, job, call);
}

static void end(struct files *files, struct job *job)
{
	struct call *call = job->other;

	if (call->entry) /* cancelled: nobody will ask on */
		searches_drop(call->entry);
	buffer_deinit(&call->text);
	free(call);
}

const struct operation search_operation = {
	.type = FILES_SEARCH,
	.request_bytes = LIMIT_SEARCH_PATTERN_BYTES + LIMIT_PATH_BYTES + LIMIT_SEARCH_GLOB_BYTES + 128,
	.start = start,
	.step = step,
	.end = end,
};
