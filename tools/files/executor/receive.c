/* SPDX-License-Identifier: Apache-2.0 */
/*
 * download_file's side of the files: what comes out of a pipe becomes a file, complete or not at all
 * (stage.h). Who fills the pipe is a process that strangers talk to, so nothing is taken for true: how many
 * bytes there may be, how many there are, that it ends.
 *
 * It takes as long as the network does. The path is judged at once, so that nothing is fetched for nothing,
 * and again when all is there, since by then another tree may stand in its place; only that end has a turn
 * (turns.h), so nobody waits for a network. Until then there is a temporary file and nothing else:
 * directories that are missing are made at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/wire.h"

enum receive_phase {
	RECEIVE_READY,  /* says that it may be written */
	RECEIVE_BYTES,  /* the pipe */
	RECEIVE_SETTLE, /* onto the disk; finds its place anew */
	RECEIVE_TURN,   /* waits for who writes the same path; then looks what is there */
	RECEIVE_COMMIT, /* under its name (stage_commit) */
	RECEIVE_RESULT, /* tells */
};

struct receive {
	enum receive_phase phase;
	struct stage
		stage; /* of the temporary file: beside its place, or where its first directory will be */
	struct stage target;         /* its place, once all is there; then the temporary file is this one's */
	char path[LIMIT_PATH_BYTES]; /* as typed */
	int pipe;
	bool overwrite;
	char expected[2 * FILES_SHA256_BYTES + 1]; /* SHA-256 in hexadecimal; "": any */
	uint64_t most;
	bool ended; /* the pipe */
	bool told;  /* by FILES_RECEIVED, how many there are: */
	uint64_t bytes;
	uint64_t saving; /* bytes that are on the disk, or on their way */
	int64_t spoken;  /* milliseconds: when it last said how far it is: */
	uint64_t said;
	bool settled; /* nothing is on its way to the disk any more */
};

#define RECEIVE_ROOM 2 /* beside STAGE_WAITS: waits for room in the ring */

static void receive_free(struct files *files, struct receive *receive)
{
	if (!receive)
		return;
	stage_release(files, &receive->stage);
	stage_release(files, &receive->target);
	close_fd(&receive->pipe);
	free(receive);
}

static void end(struct files *files, struct job *job)
{
	receive_free(files, steal_pointer(job->receive.receive));
}

/* ---- the beginning ---- */

static int decode(struct receive *receive, const void *payload, size_t length)
{
	struct frame_reader reader;
	uint32_t flags;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, receive->path, sizeof receive->path);
	flags = frame_get_u32(&reader);
	frame_get_text(&reader, receive->expected, sizeof receive->expected);
	receive->most = frame_get_u64(&reader);
	receive->overwrite = flags & FILES_OVERWRITE;
	return flags & ~FILES_OVERWRITE ? -EPROTO : frame_done(&reader);
}

/* The directory in which the first that is missing will be made. */
static int find_late(struct files *files, struct receive *receive, struct refusal *refusal)
{
	struct stage *stage = &receive->stage;
	struct place place;
	int result = stage_foretell(files, receive->path, &place, refusal);

	while (result == 0 && stage->directory < 0) {
		char above[LIMIT_PATH_BYTES], *slash = strrchr(place.below, '/');

		snprintf(above, sizeof above, "%.*s", slash ? (int)(slash - place.below) : 1,
			 slash ? place.below : ".");
		stage->directory = reach_open_below(place.root->fd, above, O_PATH | O_DIRECTORY);
		if (stage->directory < 0 && (stage->directory != -ENOENT || !slash))
			result = refuse_errno(refusal, stage->directory, "write", stage->path);
		else if (stage->directory < 0)
			*slash = '\0';
	}
	if (result < 0)
		return result;
	stage->root = place.root;
	stage->below = strdup(place.below);
	return stage->below ? 0 : refuse_errno(refusal, ENOMEM, "write", stage->path);
}

static int find(struct files *files, struct receive *receive, struct refusal *refusal)
{
	struct stage *stage = &receive->stage;
	int result = stage_find(files, stage, receive->path, false, refusal);

	if (result == -ENOENT && !refusal->denied)
		return find_late(files, receive, refusal);
	if (result < 0)
		return result;
	if (S_ISREG(stage->status.st_mode) && stage->status.st_nlink && !receive->overwrite)
		return refuse(refusal, EEXIST,
			      "`%.600s` exists already (%lld bytes); overwrite: true replaces it",
			      stage->path, (long long)stage->status.st_size);
	return stage_check(stage, refusal);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct receive *receive = calloc(1, sizeof *receive);
	int result;

	if (!receive)
		return refuse_errno(refusal, ENOMEM, "write", "the file");
	stage_init(&receive->stage);
	stage_init(&receive->target);
	receive->pipe = steal_fd(&job->descriptor);
	result = decode(receive, payload, length);
	if (result == 0)
		result = find(files, receive, refusal);
	if (result == 0)
		result = stage_create(&receive->stage, refusal);
	if (result < 0)
		receive_free(files, receive);
	else
		job->receive.receive = receive;
	return result;
}

/* ---- the bytes ---- */

static int say_ready(struct files *files, struct job *job, struct refusal *refusal)
{
	struct receive *receive = job->receive.receive;

	if (!reply_receiving(files, job, 0))
		return RECEIVE_ROOM;
	receive->spoken = clock_ms();
	receive->phase = RECEIVE_BYTES;
	return 0;
}

/* Not more often than anybody is told, and only where there is room at once. */
static void say_how_far(struct files *files, struct job *job)
{
	struct receive *receive = job->receive.receive;
	int64_t now = clock_ms(), due = receive->spoken + LIMIT_RECEIVE_TELL_MS;

	if (receive->stage.size == receive->said)
		return;
	if (now >= due && reply_receiving(files, job, receive->stage.size)) {
		receive->spoken = now;
		receive->said = receive->stage.size;
	} else if (!files->due || due < files->due) {
		files->due = due;
	}
}

/* What is on its way to the disk has arrived, or nothing is. 0, STAGE_WAITS or a refusal. */
static int saved(struct files *files, struct stage *stage, struct refusal *refusal)
{
	int error = 0;

	if (stage->slot >= 0 && !sync_run(&files->sync, &stage->slot, stage->temporary, &error))
		return STAGE_WAITS;
	return error < 0 ? refuse_errno(refusal, error, "write", stage->path) : 0;
}

/* Sends the next piece to the disk, when the one before is there. 0, STAGE_WAITS or a refusal. */
static int save(struct files *files, struct receive *receive, struct refusal *refusal)
{
	struct stage *stage = &receive->stage;
	int result, error;

	if (stage->size - receive->saving < LIMIT_RECEIVE_UNSAVED_BYTES)
		return 0;
	result = saved(files, stage, refusal);
	if (result != 0)
		return result;
	receive->saving = stage->size;
	if (sync_run(&files->sync, &stage->slot, stage->temporary, &error) && error < 0)
		return refuse_errno(refusal, error, "write", stage->path);
	return 0;
}

static int put(struct receive *receive, const uint8_t *bytes, size_t length, struct refusal *refusal)
{
	struct stage *stage = &receive->stage;
	int result;

	if (length > receive->most - stage->size)
		return refuse(refusal, EFBIG,
			      "cannot write `%.600s`: more than %" PRIu64
			      " bytes came, the most that a download may have (limits.downloadBytes). "
			      "Nothing was written",
			      stage->path, receive->most);
	result = stage_put(stage, bytes, length);
	return result < 0 ? refuse_errno(refusal, result, "write", stage->path) : 0;
}

/* Are they the bytes that were meant? */
static int check_bytes(struct receive *receive, struct refusal *refusal)
{
	struct sha256_ctx hash = receive->stage.hash;
	char found[2 * SHA256_DIGEST_SIZE + 1];
	uint8_t sha256[SHA256_DIGEST_SIZE];

	receive->phase = RECEIVE_SETTLE;
	if (receive->stage.size != receive->bytes)
		return refuse(refusal, EPROTO,
			      "cannot write `%.600s`: %" PRIu64 " bytes came, and %" PRIu64
			      " were sent. Nothing was written; try again",
			      receive->stage.path, receive->stage.size, receive->bytes);
	sha256_digest(&hash, sizeof sha256, sha256);
	for (size_t i = 0; i < sizeof sha256; i++)
		snprintf(found + 2 * i, 3, "%02x", sha256[i]);
	if (!receive->expected[0] || strcasecmp(found, receive->expected) == 0)
		return 0;
	return refuse(refusal, ESTALE,
		      "what was downloaded for `%.600s` is not what was expected: its sha256 is %s, and "
		      "expected_sha256 is %s. Nothing was written",
		      receive->stage.path, found, receive->expected);
}

/* Nothing is in the pipe at the moment, or for ever. */
static int wait_for_more(struct files *files, struct receive *receive, struct refusal *refusal)
{
	if (receive->ended)
		return receive->told ? check_bytes(receive, refusal) : STAGE_WAITS;
	if (receive->told)
		return refuse(refusal, EPROTO,
			      "cannot write `%.600s`: the pipe that its content came through was not closed. "
			      "Nothing was written; try again",
			      receive->stage.path);
	if (files->inlet_count == LIMIT_FILES_BEGUN)
		return 0;
	files->inlets[files->inlet_count++] = receive->pipe;
	return STAGE_WAITS;
}

static int bytes_slice(struct files *files, struct job *job, struct refusal *refusal)
{
	struct receive *receive = job->receive.receive;
	int result = save(files, receive, refusal);

	if (result != 0)
		return result;
	for (size_t done = 0; done < LIMIT_RECEIVE_SLICE_BYTES;) {
		ssize_t got = receive->ended ? 0 : read(receive->pipe, files->scratch, LIMIT_FRAME_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != EAGAIN)
			return refuse_errno(refusal, errno, "write", receive->stage.path);
		receive->ended |= got == 0;
		if (got <= 0) {
			say_how_far(files, job);
			return wait_for_more(files, receive, refusal);
		}
		result = put(receive, files->scratch, (size_t)got, refusal);
		if (result < 0)
			return result;
		done += (size_t)got;
	}
	say_how_far(files, job);
	return 0;
}

static int received(struct job *job, const void *payload, size_t length)
{
	struct receive *receive = job->receive.receive;
	struct frame_reader reader;

	if (receive->phase != RECEIVE_BYTES || receive->told)
		return -EPROTO;
	frame_read(&reader, payload, length);
	receive->bytes = frame_get_u64(&reader);
	receive->told = true;
	return frame_done(&reader);
}

/* ---- the end ---- */

static int settle(struct files *files, struct job *job, struct refusal *refusal)
{
	struct receive *receive = job->receive.receive;
	int result = receive->settled ? 0 : saved(files, &receive->stage, refusal);

	if (result != 0)
		return result;
	receive->settled = true;
	result = stage_sync(files, &receive->stage, refusal); /* here nobody waits for it */
	if (result != 0)
		return result;
	receive->phase = RECEIVE_TURN;
	return stage_find(files, &receive->target, receive->path, true, refusal);
}

static int turn(struct files *files, struct job *job, struct refusal *refusal)
{
	struct receive *receive = job->receive.receive;
	struct stage *target = &receive->target;
	int result = stage_turn(files, target, refusal);

	if (result != 0)
		return result;
	if (S_ISREG(target->status.st_mode) && target->status.st_nlink && !receive->overwrite)
		return refuse(refusal, EEXIST,
			      "`%.600s` was made by somebody else while it was downloaded (%lld bytes), and "
			      "stays. Nothing was written; overwrite: true replaces it",
			      target->path, (long long)target->status.st_size);
	result = stage_check(target, refusal);
	receive->phase = RECEIVE_COMMIT;
	if (result == 0)
		result = stage_adopt(target, &receive->stage, refusal);
	stage_release(files, &receive->stage); /* before anybody is told: it may have a journal */
	stage_init(&receive->stage);
	return result;
}

static int commit(struct files *files, struct job *job, struct refusal *refusal)
{
	struct receive *receive = job->receive.receive;
	int result = stage_commit(files, &receive->target, refusal);

	if (receive->target.commit == STAGE_SAVED)
		receive->phase = RECEIVE_RESULT;
	return result;
}

static enum job_state tell(struct files *files, struct job *job)
{
	struct stage *target = &job->receive.receive->target;
	uint8_t sha256[SHA256_DIGEST_SIZE];
	struct buffer payload;

	sha256_digest(&target->hash, sizeof sha256, sha256);
	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u64(&payload, target->size);
	frame_put_bytes(&payload, sha256, sizeof sha256);
	frame_put_u32(&payload, target->status.st_nlink ? FILES_REPLACED : FILES_CREATED);
	frame_put_u32(&payload, target->status.st_nlink ? (uint32_t)target->status.st_nlink - 1 : 0);
	reply_put_path(&payload, target->path);
	return reply_result_end(files, job, &payload);
}

static int (*const phases[])(struct files *, struct job *, struct refusal *) = {
	[RECEIVE_READY] = say_ready, [RECEIVE_BYTES] = bytes_slice, [RECEIVE_SETTLE] = settle,
	[RECEIVE_TURN] = turn,       [RECEIVE_COMMIT] = commit,
};

static enum job_state step(struct files *files, struct job *job)
{
	struct receive *receive = job->receive.receive;
	struct refusal refusal;
	int result = phases[receive->phase](files, job, &refusal);

	if (result < 0)
		return reply_refusal(files, job, &refusal);
	job->done = receive->target.commit > STAGE_NAME;
	if (receive->phase == RECEIVE_RESULT)
		return tell(files, job);
	return result == STAGE_WAITS ? JOB_WAIT : result == RECEIVE_ROOM ? JOB_ROOM : JOB_AGAIN;
}

const struct operation receive_operation = {
	.type = FILES_RECEIVE,
	.request_bytes = LIMIT_PATH_BYTES + 256,
	.start = start,
	.step = step,
	.end = end,
	.descriptor = true,
	.received = received,
};
