/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move_file and copy_file. Up to the name everything may fail, and what was copied is cleared away again;
 * with it a copy is done. A move that had to copy removes the source last: if that fails both are there, and
 * it says so. A cancelled one is answered at once and cleared away behind that, in steps.
 */
#include "tools/files/executor/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/wire.h"

#define NO_CALL UINT32_MAX /* of a job that has been answered: no frame is about it any more */

static void transfer_free(struct files *files, struct transfer *transfer)
{
	if (!transfer)
		return;
	copy_deinit(&transfer->copy, files);
	removal_deinit(&transfer->removal);
	close_fd(&transfer->source.directory);
	close_fd(&transfer->destination.directory);
	close_fd(&transfer->journal.fd); /* what could not be cleared away is for the next one */
	free(transfer->source.path);
	free(transfer->destination.path);
	free(transfer);
}

/* The copy has its own name, or is gone. */
static void forget_temporary(struct transfer *transfer)
{
	transfer->temporary[0] = '\0';
	journal_remove(&transfer->journal);
}

/* Some of what was copied goes. 1: all of it is gone, 0, or -errno. */
static int clear_some(struct transfer *transfer)
{
	int result = removal_step(&transfer->removal);

	if (result != 1 && result != -ENOENT)
		return result;
	forget_temporary(transfer);
	return 1;
}

/* The executor ends in the middle of it: cleared away as well as it still can be. */
static void end(struct files *files, struct job *job)
{
	struct transfer *transfer = steal_pointer(job->transfer.transfer);

	if (transfer->temporary[0]) {
		copy_deinit(&transfer->copy, files);
		removal_deinit(&transfer->removal);
		removal_init(&transfer->removal, transfer->destination.directory, transfer->temporary, true);
		while (clear_some(transfer) == 0)
			;
	}
	transfer_free(files, transfer);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct transfer *transfer = calloc(1, sizeof *transfer);
	struct frame_reader reader;
	uint32_t flags;
	int result;

	if (!transfer)
		return refuse_errno(refusal, ENOMEM, "move", "the file");
	frame_read(&reader, payload, length);
	transfer->source.directory = transfer->destination.directory = -1;
	copy_init(&transfer->copy, -1, "", -1, "", 0);
	removal_init(&transfer->removal, -1, "", false);
	journal_init(&transfer->journal);
	transfer->source.path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1);
	transfer->destination.path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1);
	flags = frame_get_u32(&reader);
	transfer->overwrite = flags & FILES_OVERWRITE;
	transfer->move = job->operation->type == FILES_MOVE;
	result = frame_done(&reader) < 0 || (flags & ~FILES_OVERWRITE) ? -EPROTO : 0;
	if (result == 0)
		result = transfer_check(&files->reach, transfer, refusal);
	if (result < 0) {
		transfer_free(files, transfer);
		return result;
	}
	transfer->phase = transfer->move ? TRANSFER_RENAME : TRANSFER_COPY;
	job->transfer.transfer = transfer;
	return 0;
}

/* Gives `name` of `directory` the destination's name. 0 or -errno: -EEXIST when it is not to replace anything
 * and something is there. */
static int give_name(const struct transfer *transfer, int directory, const char *name)
{
	const struct transfer_end *destination = &transfer->destination;
	struct stat status;

	if (transfer->overwrite && destination->status.st_nlink)
		return renameat(directory, name, destination->directory, destination->name) < 0 ? -errno : 0;
	if (renameat2(directory, name, destination->directory, destination->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* a file system that cannot: a second link does not replace either, and a directory that was made
	 * meanwhile is only replaced when it is empty */
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode)) {
		if (faccessat(destination->directory, destination->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return -EEXIST;
		return renameat(directory, name, destination->directory, destination->name) < 0 ? -errno : 0;
	}
	if (linkat(directory, name, destination->directory, destination->name, 0) < 0)
		return -errno;
	return unlinkat(directory, name, 0) < 0 ? -errno : 0;
}

static int refuse_name(const struct transfer *transfer, int error, struct refusal *refusal)
{
	if (error == -EEXIST || error == -ENOTEMPTY)
		return refuse(refusal, EEXIST,
			      "`%.600s` was made by somebody else meanwhile. Nothing was changed",
			      transfer->destination.path);
	return refuse_errno(refusal, error, transfer->move ? "move" : "copy", transfer->source.path);
}

static int try_rename(struct transfer *transfer, struct refusal *refusal)
{
	int result = give_name(transfer, transfer->source.directory, transfer->source.name);

	transfer->phase = result == -EXDEV ? TRANSFER_COPY : TRANSFER_RESULT;
	transfer->renamed = result == 0;
	return result < 0 && result != -EXDEV ? refuse_name(transfer, result, refusal) : 0;
}

static int begin_copy(struct transfer *transfer, struct refusal *refusal)
{
	bool single = !S_ISDIR(transfer->source.status.st_mode);
	int result = temporary_name(transfer->temporary);

	if (result < 0)
		return refuse_errno(refusal, result, "copy", transfer->source.path);
	journal_note(&transfer->journal, transfer->destination.place.root, transfer->destination.place.below,
		     transfer->temporary);
	/* of many files each one's way to the disk would be waited for; where the source goes that must be */
	copy_init(&transfer->copy, transfer->source.directory, transfer->source.name,
		  transfer->destination.directory, transfer->temporary,
		  (single || transfer->move ? COPY_SYNC : 0) | (transfer->move ? COPY_OWNER : 0));
	return 0;
}

/* Why the copy failed, and where. */
static int refuse_copy(const struct transfer *transfer, int error, struct refusal *refusal)
{
	const struct copy *copy = &transfer->copy;
	char where[600];

	tree_path(&copy->tree, where, sizeof where);
	if (copy->special)
		return refuse(
			refusal, EINVAL,
			"cannot copy `%.600s`: it is %s, and only files, directories and links are copied. "
			"Nothing was changed",
			where, copy->special);
	if (error == -ESTALE)
		return refuse(
			refusal, ESTALE,
			"`%.600s` was moved or replaced by somebody else meanwhile. Nothing was changed; try "
			"again",
			where);
	if (error == -ENOSPC || error == -EDQUOT) /* of the other side */
		return refuse_errno(refusal, error, "write", transfer->destination.path);
	return refuse_errno(refusal, error, "copy", where);
}

static int copy_some(struct files *files, struct transfer *transfer, struct refusal *refusal)
{
	int result;

	if (!transfer->temporary[0]) {
		result = begin_copy(transfer, refusal);
		if (result < 0)
			return result;
	}
	result = copy_step(&transfer->copy, files);
	if (result < 0)
		return refuse_copy(transfer, result, refusal);
	if (result == COPY_DONE)
		transfer->phase = TRANSFER_NAME;
	return result == COPY_WAITS;
}

static int name_copy(struct files *files, struct transfer *transfer, struct refusal *refusal)
{
	int result = give_name(transfer, transfer->destination.directory, transfer->temporary);

	if (result < 0)
		return refuse_name(transfer, result, refusal);
	forget_temporary(transfer);
	transfer->phase = transfer->move ? TRANSFER_REMOVE : TRANSFER_RESULT;
	if (transfer->move)
		removal_init(&transfer->removal, transfer->source.directory, transfer->source.name, false);
	return 0;
}

static int remove_source(struct transfer *transfer, struct refusal *refusal)
{
	int result = removal_step(&transfer->removal);
	struct refusal why;
	char where[600];

	if (result == 1)
		transfer->phase = TRANSFER_RESULT;
	if (result >= 0)
		return 0;
	tree_path(&transfer->removal.tree, where, sizeof where);
	refuse_errno(&why, result, "delete", where);
	return refuse(
		refusal, -result,
		"`%.250s` was copied whole to `%.250s`, on another file system, but what was moved could "
		"not be removed: %.400s",
		transfer->source.path, transfer->destination.path, why.text);
}

static int perform(struct files *files, struct transfer *transfer, struct refusal *refusal)
{
	switch (transfer->phase) {
	case TRANSFER_RENAME:
		return try_rename(transfer, refusal);
	case TRANSFER_COPY:
		return copy_some(files, transfer, refusal);
	case TRANSFER_NAME:
		return name_copy(files, transfer, refusal);
	case TRANSFER_REMOVE:
		return remove_source(transfer, refusal);
	default:
		return 0;
	}
}

static enum job_state tell(struct files *files, struct job *job)
{
	const struct transfer *transfer = job->transfer.transfer;
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload,
		      transfer->destination.status.st_nlink ? FILES_TRANSFER_REPLACED : FILES_TRANSFER_MADE);
	frame_put_u32(&payload, (transfer->move && !transfer->renamed ? FILES_TRANSFER_COPIED : 0) |
					(transfer->copy.lost ? FILES_TRANSFER_LOST : 0));
	frame_put_u64(&payload, transfer->copy.count);
	frame_put_u64(&payload, transfer->copy.bytes);
	reply_put_pair(&payload, transfer->source.path, transfer->destination.path);
	return reply_result_end(files, job, &payload);
}

/* It failed, or was cancelled: what was copied goes first, unless somebody waits for the word. */
static enum job_state begin_clearing(struct files *files, struct job *job)
{
	struct transfer *transfer = job->transfer.transfer;

	if (!transfer->temporary[0])
		return reply_refusal(files, job, &transfer->refusal);
	copy_deinit(&transfer->copy, files);
	removal_init(&transfer->removal, transfer->destination.directory, transfer->temporary, true);
	transfer->phase = TRANSFER_CLEAR;
	if (job->cancelled) {
		reply_refusal(files, job, &transfer->refusal);
		job->call = NO_CALL;
		transfer->told = true;
	}
	return JOB_AGAIN;
}

static enum job_state clear(struct files *files, struct job *job)
{
	struct transfer *transfer = job->transfer.transfer;

	if (clear_some(transfer) == 0)
		return JOB_AGAIN;
	return transfer->told ? JOB_DONE : reply_refusal(files, job, &transfer->refusal);
}

static enum job_state step(struct files *files, struct job *job)
{
	struct transfer *transfer = job->transfer.transfer;
	int result;

	job->done = true; /* a cancel is ours to handle: there is something to clear away */
	if (transfer->phase == TRANSFER_CLEAR)
		return clear(files, job);
	if (job->cancelled && transfer->phase < TRANSFER_REMOVE) {
		refuse(&transfer->refusal, ECANCELED, "cancelled");
		return begin_clearing(files, job);
	}
	result = perform(files, transfer, &transfer->refusal);
	if (result < 0)
		return begin_clearing(files, job);
	if (transfer->phase == TRANSFER_RESULT)
		return tell(files, job);
	return result > 0 ? JOB_WAIT : JOB_AGAIN;
}

#define TRANSFER_OPERATION(number)                                                                           \
	{                                                                                                    \
		.type = number, .request_bytes = 2 * LIMIT_PATH_BYTES + 64, .start = start, .step = step,    \
		.end = end                                                                                   \
	}

const struct operation move_operation = TRANSFER_OPERATION(FILES_MOVE);
const struct operation copy_operation = TRANSFER_OPERATION(FILES_COPY);
