/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_files: one read_file after the other (read.c), each as a part of the answer. What text may be shown is
 * shared by need: every file gets as much as the smallest of them that does not fit whole, so small files are
 * whole and large ones are cut alike. Sizes are looked at first and may change; nobody is shown more for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

#define SHARE_LEAST 200 /* bytes of text: a line or two, so that a file is recognised */

struct several {
	uint32_t count, at, refused;
	bool begun;      /* the path of file `at` is sent */
	uint64_t media;  /* bytes that images and audio may still have */
	struct job part; /* the read in hand, when its operation is set */
	struct several_file {
		char *path;
		uint64_t size, share;
	} files[LIMIT_READ_FILES];
};

static void several_free(struct files *files, struct several *several)
{
	if (!several)
		return;
	if (several->part.stage == JOB_BEGUN)
		read_operation.end(files, &several->part);
	for (uint32_t i = 0; i < several->count; i++)
		free(several->files[i].path);
	free(several);
}

static int decode(struct several *several, const void *payload, size_t length, uint64_t *bytes)
{
	struct frame_reader reader;
	uint32_t count;

	frame_read(&reader, payload, length);
	*bytes = frame_get_u64(&reader);
	count = frame_get_u32(&reader);
	if (reader.failed || count == 0 || count > LIMIT_READ_FILES || *bytes == 0 ||
	    *bytes > LIMIT_RESULT_BYTES_MAX)
		return -EPROTO;
	for (; several->count < count; several->count++) {
		char *path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1);

		if (!path)
			return -EPROTO;
		several->files[several->count].path = path;
	}
	return frame_done(&reader);
}

/* A hint of how much a file wants; reading it says the truth. */
static uint64_t size_of(const struct reach *reach, const char *path)
{
	struct refusal ignored;
	struct place place;
	struct stat status;

	if (reach_find(reach, path, "read", &place, &ignored) < 0)
		return 0;
	_cleanup_fd_ int fd = reach_open_below(place.root->fd, place.below, O_PATH);
	/* behind an absolute link, or a size of none that is a lie: as much as the others */
	if (fd < 0 || fstat(fd, &status) < 0 || (S_ISREG(status.st_mode) && status.st_size == 0))
		return fd < 0 ? SHARE_LEAST * 20 : SHARE_LEAST;
	return S_ISREG(status.st_mode) ? (uint64_t)status.st_size : SHARE_LEAST;
}

static int by_size(const void *left, const void *right)
{
	uint64_t one = (*(struct several_file *const *)left)->size,
		 two = (*(struct several_file *const *)right)->size;

	return (one > two) - (one < two);
}

/* From the smallest on: each may have an equal part of what is left, and leaves what it does not need. */
static void share(struct several *several, uint64_t bytes)
{
	struct several_file *order[LIMIT_READ_FILES];

	for (uint32_t i = 0; i < several->count; i++)
		order[i] = &several->files[i];
	qsort(order, several->count, sizeof order[0], by_size);
	for (uint32_t i = 0; i < several->count; i++) {
		uint64_t equal = bytes / (several->count - i), wanted = order[i]->size + 1;

		order[i]->share = wanted < equal ? wanted : equal;
		bytes -= order[i]->share;
		if (order[i]->share < SHARE_LEAST)
			order[i]->share = SHARE_LEAST;
	}
}

static void end(struct files *files, struct job *job)
{
	several_free(files, steal_pointer(job->several.several));
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct several *several = calloc(1, sizeof *several);
	uint64_t bytes;
	int result;

	if (!several)
		return refuse_errno(refusal, ENOMEM, "read", "the files");
	job->several.several = several;
	several->media = LIMIT_READ_FILES_MEDIA_BYTES;
	result = decode(several, payload, length, &bytes);
	if (result < 0) {
		end(files, job);
		return result;
	}
	for (uint32_t i = 0; i < several->count; i++)
		several->files[i].size = size_of(&files->reach, several->files[i].path);
	share(several, bytes);
	return 0;
}

/* The path, in front of what is in the file. */
static enum job_state send_path(struct files *files, struct job *job, const char *path)
{
	size_t length = strlen(path) + 1, room;
	uint8_t *at = reply_room(files, job, length, length, &room);

	if (!at)
		return files->lied ? JOB_DONE : JOB_ROOM;
	memcpy(at, path, length - 1);
	at[length - 1] = '\n';
	reply_send(files, job, REPLY_TEXT, 0, length);
	return JOB_AGAIN;
}

/* Begins to read the file at hand, as read_file would. */
static enum job_state begin(struct files *files, struct job *job)
{
	struct several *several = job->several.several;
	const struct several_file *file = &several->files[several->at];
	struct refusal refusal;
	struct buffer request;
	int result;

	several->part = (struct job){.call = job->call, .operation = &read_operation, .part = true};
	buffer_init(&request, read_operation.request_bytes);
	if ((result = frame_put_text(&request, file->path)) == 0 &&
	    (result = frame_put_u64(&request, 1)) == 0 &&
	    (result = frame_put_u64(&request, LIMIT_READ_LINES_MAX)) == 0 &&
	    (result = frame_put_u64(&request, file->share)) == 0)
		result = frame_put_u32(&request, 0);
	if (result < 0)
		refuse_errno(&refusal, result, "read", file->path);
	else
		result = read_operation.start(files, &several->part, buffer_data(&request),
					      buffer_length(&request), &refusal);
	buffer_deinit(&request);
	if (result < 0) {
		several->refused++;
		reply_refusal(files, &several->part, &refusal);
		return JOB_DONE;
	}
	several->part.stage = JOB_BEGUN;
	if (several->part.read.media_budget > several->media)
		several->part.read.media_budget = several->media;
	return JOB_AGAIN;
}

/* The end of one part: what it used is gone. */
static void finish(struct files *files, struct several *several)
{
	if (several->part.stage == JOB_BEGUN) {
		if (several->part.read.flags & FILES_READ_MEDIA)
			several->media -= several->part.read.size < several->media ? several->part.read.size
										   : several->media;
		if (several->part.read.phase != READ_RESULT)
			several->refused++; /* it said why */
		read_operation.end(files, &several->part);
	}
	several->part = (struct job){0};
	several->begun = false;
	several->at++;
}

static enum job_state tell(struct files *files, struct job *job)
{
	const struct several *several = job->several.several;
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload, several->count);
	frame_put_u32(&payload, several->refused);
	return reply_result_end(files, job, &payload);
}

static enum job_state step(struct files *files, struct job *job)
{
	struct several *several = job->several.several;
	enum job_state state;

	if (several->at == several->count)
		return tell(files, job);
	if (!several->begun) {
		state = send_path(files, job, several->files[several->at].path);
		several->begun = state == JOB_AGAIN;
		return state;
	}
	if (!several->part.operation)
		state = begin(files, job);
	else
		state = read_operation.step(files, &several->part);
	job->wanted = several->part.wanted;
	if (files->lied)
		return JOB_DONE;
	if (state != JOB_DONE)
		return state;
	finish(files, several);
	return JOB_AGAIN;
}

const struct operation several_operation = {
	.type = FILES_READ_SEVERAL,
	.request_bytes = LIMIT_READ_FILES * (LIMIT_PATH_BYTES + 4) + 64,
	.start = start,
	.step = step,
	.end = end,
};
