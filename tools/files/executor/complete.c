/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion of paths: which names of a directory begin with what was typed, or, where that is in no
 * workspace, which workspaces do. What may not be read is not named, and nothing is refused: who completes
 * learns of what there is, and never of what there is not.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/hides.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/names.h"
#include "tools/files/wire.h"

struct completion {
	char path[LIMIT_PATH_BYTES];  /* as typed, up to the last slash; "" with FILES_COMPLETE_WHOLE */
	char begin[LIMIT_PATH_BYTES]; /* and what stands behind that */
	struct place place;
	int fd; /* the directory; -1: nothing to read */
	struct hides hides;
	struct stat status;
	struct names names;
	size_t allowance;
	enum { COMPLETE_READ, COMPLETE_SORT, COMPLETE_TELL, COMPLETE_SEND } phase;
	uint32_t flags;
	struct buffer result;
};

static void completion_free(struct completion *completion)
{
	if (!completion)
		return;
	close_fd(&completion->fd);
	hides_deinit(&completion->hides);
	names_deinit(&completion->names);
	buffer_deinit(&completion->result);
	free(completion);
}

static void cleanup_completion(struct completion **completion)
{
	completion_free(*completion);
}

/* Where it is read. False: nowhere that may be. */
static bool open_directory(const struct reach *reach, struct completion *completion)
{
	struct refusal ignored;

	if (reach->hides && reach_judge_read(reach, &completion->place, "read", &ignored) < 0)
		return false;
	completion->fd = reach_open(reach, &completion->place, O_RDONLY | O_DIRECTORY, "read", &ignored);
	/* links are followed: judged is where they have led */
	return completion->fd >= 0 && fstat(completion->fd, &completion->status) == 0;
}

static int begin_result(struct completion *completion, uint64_t total, uint32_t count)
{
	int result = frame_put_u32(&completion->result, completion->flags);

	if (result == 0)
		result = frame_put_u64(&completion->result, total);
	return result < 0 ? result : frame_put_u32(&completion->result, count);
}

static int put_name(struct completion *completion, const char *name, bool directory)
{
	char text[LIMIT_PATH_BYTES + 1];

	snprintf(text, sizeof text, "%s%s", name, directory ? "/" : "");
	return frame_put_text(&completion->result, text);
}

/* The workspaces whose paths begin with what was typed: they are few. 0 or -ENOMEM. */
static int tell_workspaces(const struct reach *reach, struct completion *completion)
{
	size_t length = strlen(completion->begin);
	uint32_t found[LIMIT_COMPLETIONS], count = 0;
	uint64_t total = 0;
	int result;

	for (size_t i = 0; i < reach->count; i++)
		if (reach->roots[i].fd >= 0 &&
		    strncmp(reach->roots[i].path, completion->begin, length) == 0 &&
		    ++total <= LIMIT_COMPLETIONS)
			found[count++] = (uint32_t)i;
	completion->phase = COMPLETE_SEND;
	completion->flags = FILES_COMPLETE_WHOLE;
	result = begin_result(completion, total, count);
	for (uint32_t i = 0; i < count && result == 0; i++)
		result = put_name(completion, reach->roots[found[i]].path, true);
	return result;
}

static int begin(struct files *files, struct completion *completion)
{
	char *slash = strrchr(completion->path, '/');
	struct refusal ignored;

	snprintf(completion->begin, sizeof completion->begin, "%s", slash ? slash + 1 : completion->path);
	if (slash)
		slash[1] = '\0';
	if (!slash || reach_find(&files->reach, completion->path, "read", &completion->place, &ignored) < 0) {
		/* `begin` is the end of what was typed, which then is whole again */
		if (slash)
			memcpy(slash + 1, completion->begin, strlen(completion->begin) + 1);
		memcpy(completion->begin, completion->path, sizeof completion->begin);
		return tell_workspaces(&files->reach, completion);
	}
	if (hides_init(&completion->hides, &files->reach) < 0)
		return -ENOMEM;
	if (open_directory(&files->reach, completion))
		return 0;
	completion->phase = COMPLETE_SEND;
	return begin_result(completion, 0, 0);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	_cleanup_(cleanup_completion) struct completion *completion = calloc(1, sizeof *completion);
	struct frame_reader reader;

	if (!completion)
		return refuse_errno(refusal, ENOMEM, "complete", "the path");
	completion->fd = -1;
	completion->allowance = LIMIT_LIST_VISITED;
	names_init(&completion->names);
	buffer_init(&completion->result, LIMIT_LIST_RESULT_BYTES);
	frame_read(&reader, payload, length);
	frame_get_text(&reader, completion->path, sizeof completion->path);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	if (begin(files, completion) < 0)
		return refuse_errno(refusal, ENOMEM, "complete", "the path");
	job->other = steal_pointer(completion);
	return 0;
}

/* Is the entry one that a path goes on behind? Links are looked through as far as they stay inside. */
static bool is_directory(const struct completion *completion, const char *name, unsigned char type)
{
	char below[2 * LIMIT_PATH_BYTES];
	_cleanup_fd_ int fd = -1;

	if (type != DT_LNK && type != DT_UNKNOWN)
		return type == DT_DIR;
	snprintf(below, sizeof below, "%s/%s", completion->place.below, name);
	fd = reach_open_below(completion->place.root->fd, below, O_PATH | O_DIRECTORY);
	return fd >= 0;
}

static bool is_meant(const struct completion *completion, const char *name)
{
	return strncmp(name, completion->begin, strlen(completion->begin)) == 0 &&
	       !(completion->hides.count && hides_name(&completion->hides, &completion->status, name));
}

static int tell_names(struct completion *completion)
{
	const struct names *names = &completion->names;
	uint64_t total = 0;
	uint32_t count;
	int result;

	for (size_t i = 0; i < names->count; i++)
		total += is_meant(completion, names_get(names, i));
	count = total < LIMIT_COMPLETIONS ? (uint32_t)total : LIMIT_COMPLETIONS;
	result = begin_result(completion, total, count);
	for (size_t i = 0; i < names->count && count && result == 0; i++) {
		const char *name = names_get(names, i);

		if (!is_meant(completion, name))
			continue;
		result = put_name(completion, name, is_directory(completion, name, names_type(names, i)));
		count--;
	}
	return result;
}

/* 0; -ENOMEM. A directory that can be read no further is told as far as it was. */
static int go_on(struct completion *completion)
{
	int result;

	if (completion->phase == COMPLETE_READ) {
		result = names_read(&completion->names, completion->fd, completion->begin[0] == '.',
				    &completion->allowance);
		if (result == -ENOMEM)
			return result;
		if (result < 0)
			completion->flags |= FILES_COMPLETE_AT_LEAST;
		if (result)
			completion->phase = COMPLETE_SORT;
		return 0;
	}
	if (completion->phase == COMPLETE_SORT) {
		result = names_sort(&completion->names);
		if (result == 1)
			completion->phase = COMPLETE_TELL;
		return result < 0 ? result : 0;
	}
	completion->phase = COMPLETE_SEND;
	return tell_names(completion);
}

static enum job_state step(struct files *files, struct job *job)
{
	struct completion *completion = job->other;
	struct refusal refusal;

	if (completion->phase == COMPLETE_SEND)
		return reply_long(files, job, &completion->result);
	if (go_on(completion) == 0)
		return JOB_AGAIN;
	refuse_errno(&refusal, ENOMEM, "complete", "the path");
	return reply_refusal(files, job, &refusal);
}

static void end(struct files *files, struct job *job)
{
	completion_free(job->other);
}

const struct operation complete_operation = {
	.type = FILES_COMPLETE,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
