/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_file: complete or not at all (stage.h). Appending copies the old content first, for the same promise.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

/* Fields of the request; the content stays where job->request keeps it. */
static int decode(struct job *job, const void *payload, size_t length, char *path)
{
	struct write_job *write = &job->write;
	struct frame_reader reader;
	char expected[2 * FILES_SHA256_BYTES + 1];

	frame_read(&reader, payload, length);
	frame_get_text(&reader, path, LIMIT_PATH_BYTES);
	write->flags = frame_get_u32(&reader);
	frame_get_text(&reader, expected, sizeof expected);
	write->content = frame_get_bytes(&reader, &write->content_length);
	write->expected = expected[0];
	if (frame_done(&reader) < 0 || (write->flags & ~(FILES_CREATE_ONLY | FILES_APPEND)))
		return -EPROTO;
	return write->expected ? stage_read_sha256(expected, write->expected_sha256) : 0;
}

/* Does what is there suit what was asked for? */
static int check_old(const struct write_job *write, struct refusal *refusal)
{
	const struct stage *stage = &write->stage;

	if (!stage->status.st_nlink)
		return write->expected
			       ? refuse(refusal, ENOENT,
					"`%.600s` does not exist, so it cannot have the expected sha256",
					stage->path)
			       : 0;
	if (S_ISREG(stage->status.st_mode) && write->flags & FILES_CREATE_ONLY)
		return refuse(refusal, EEXIST,
			      "`%.600s` exists already (%lld bytes), and create_only asks for a new file",
			      stage->path, (long long)stage->status.st_size);
	return stage_check(stage, refusal);
}

/* Once nobody else writes the same path. */
static int turn_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	struct stage *stage = &write->stage;
	int result = stage_turn(files, stage, refusal);

	if (result != 0)
		return result;
	result = check_old(write, refusal);
	if (result == 0 && stage->status.st_nlink && (write->expected || write->flags & FILES_APPEND))
		result = stage_open_old(stage, refusal);
	write->phase = stage->old >= 0 ? WRITE_OLD : WRITE_DATA;
	return result == 0 ? stage_create(stage, refusal) : result;
}

static void end(struct files *files, struct job *job)
{
	stage_release(files, &job->write.stage);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct write_job *write = &job->write;
	char path[LIMIT_PATH_BYTES];
	int result;

	memset(write, 0, sizeof *write);
	stage_init(&write->stage);
	if (payload != buffer_data(&job->request)) { /* it came in one piece: private, but not for long */
		result = buffer_append(&job->request, payload, length);
		if (result < 0)
			return refuse_errno(refusal, result, "write", "the file");
	}
	result = decode(job, buffer_data(&job->request), length, path);
	if (result < 0)
		return result;
	result = stage_find(files, &write->stage, path, !write->expected, refusal);
	sha256_init(&write->old_hash);
	if (result < 0)
		end(files, job);
	return result;
}

static int compare_old(struct write_job *write, struct refusal *refusal)
{
	uint8_t sha256[SHA256_DIGEST_SIZE];

	if (!write->expected)
		return 0;
	sha256_digest(&write->old_hash, sizeof sha256, sha256);
	return stage_expect(&write->stage, sha256, write->expected_sha256, refusal);
}

/* A slice of the old content: hashed for expected_sha256, copied for append. */
static int old_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += LIMIT_FRAME_BYTES) {
		ssize_t got =
			pread(write->stage.old, files->scratch, LIMIT_FRAME_BYTES, (off_t)write->position);
		int result = got < 0 ? -errno : 0;

		if (result == 0 && got > 0 && (write->flags & FILES_APPEND))
			result = stage_put(&write->stage, files->scratch, (size_t)got);
		if (result < 0)
			return refuse_errno(refusal, result, "write", write->stage.path);
		if (got == 0) {
			write->phase = WRITE_DATA;
			write->position = 0;
			return compare_old(write, refusal);
		}
		if (write->expected)
			sha256_update(&write->old_hash, (size_t)got, files->scratch);
		write->position += (uint64_t)got;
	}
	return 0;
}

static int data_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	size_t left = write->content_length - (size_t)write->position;
	size_t length = left < LIMIT_FILES_SLICE_BYTES ? left : LIMIT_FILES_SLICE_BYTES;
	int result = length ? stage_put(&write->stage, write->content + write->position, length) : 0;

	if (result < 0)
		return refuse_errno(refusal, result, "write", write->stage.path);
	write->position += length;
	if (length == left)
		write->phase = WRITE_COMMIT;
	return 0;
}

static enum job_state tell(struct files *files, struct job *job)
{
	struct write_job *write = &job->write;
	struct stage *stage = &write->stage;
	uint8_t sha256[SHA256_DIGEST_SIZE];
	struct buffer payload;

	sha256_digest(&stage->hash, sizeof sha256, sha256);
	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u64(&payload, stage->size);
	frame_put_bytes(&payload, sha256, sizeof sha256);
	frame_put_u32(&payload, !stage->status.st_nlink       ? FILES_CREATED
				: write->flags & FILES_APPEND ? FILES_APPENDED
							      : FILES_REPLACED);
	frame_put_u32(&payload, stage->status.st_nlink ? (uint32_t)stage->status.st_nlink - 1 : 0);
	/* last, since it alone may be long: cut where the reply ends, which is far behind any
	 * sensible path
	 */
	stage->path[strnlen(stage->path, LIMIT_FILES_REPLY_BYTES - 256)] = '\0';
	frame_put_text(&payload, stage->path);
	return reply_result_end(files, job, &payload);
}

static int commit_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	int result = stage_commit(files, &write->stage, refusal);

	if (write->stage.commit == STAGE_SAVED)
		write->phase = WRITE_RESULT;
	return result;
}

static int (*const phases[])(struct files *, struct write_job *, struct refusal *) = {
	[WRITE_TURN] = turn_slice,
	[WRITE_OLD] = old_slice,
	[WRITE_DATA] = data_slice,
	[WRITE_COMMIT] = commit_slice,
};

static enum job_state step(struct files *files, struct job *job)
{
	struct write_job *write = &job->write;
	struct refusal refusal;

	int result = phases[write->phase](files, write, &refusal);

	if (result < 0)
		return reply_refusal(files, job, &refusal);
	job->done = write->stage.commit > STAGE_NAME;
	if (write->phase == WRITE_RESULT)
		return tell(files, job);
	return result == STAGE_WAITS ? JOB_WAIT : JOB_AGAIN;
}

const struct operation write_operation = {
	.type = FILES_WRITE,
	.request_bytes = LIMIT_MESSAGE_BYTES + LIMIT_PATH_BYTES + 256,
	.start = start,
	.step = step,
	.end = end,
};
