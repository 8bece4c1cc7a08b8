/* SPDX-License-Identifier: Apache-2.0 */
/* Several files at once: the order of changes.h. What is taken back is what the journal says, as after a
 * crash. */
#include "tools/files/executor/changes_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/job.h"

void changes_init(struct changes *changes)
{
	*changes = (struct changes){.slot = -1, .root = -1};
	journal_init(&changes->journal);
	buffer_init(&changes->records, LIMIT_JOURNAL_BYTES);
}

int changes_reserve(struct changes *changes, size_t count)
{
	changes->list = calloc(count + 1, sizeof *changes->list);
	if (!changes->list)
		return -ENOMEM;
	changes->count = count;
	for (size_t i = 0; i < count; i++) {
		stage_init(&changes->list[i].stage);
		changes->list[i].like = -1;
	}
	return 0;
}

bool changes_final(const struct changes *changes)
{
	return changes->phase >= CHANGES_DONE || (changes->count == 1 && changes->phase > CHANGES_NAME);
}

void changes_release(struct files *files, struct changes *changes)
{
	sync_abandon(&files->sync, changes->slot);
	if (buffer_length(&changes->records) > 0 && changes->phase < CHANGES_OVER)
		journal_replay(files, buffer_data(&changes->records), buffer_length(&changes->records));
	journal_remove(&changes->journal);
	for (size_t i = 0; i < changes->count; i++) {
		stage_release(files, &changes->list[i].stage);
		close_fd(&changes->list[i].like);
	}
	free(steal_pointer(changes->list));
	changes->count = 0;
	close_fd(&changes->root);
	buffer_deinit(&changes->records);
}

/* ---- contents ---- */

static int set_mode(struct change *change)
{
	struct stat made;

	if (!change->mode)
		return 0;
	if (fstat(change->stage.temporary, &made) < 0)
		return -errno;
	/* who may read may run, as git has it */
	mode_t mode = change->executable ? made.st_mode | (made.st_mode & 0444) >> 2 : made.st_mode & ~0111u;

	return fchmod(change->stage.temporary, mode & 07777) < 0 ? -errno : 0;
}

static int begin(struct files *files, struct change *change, struct refusal *refusal)
{
	struct stage *stage = &change->stage;
	int result = 0;

	if (change->late) {
		char *path = steal_pointer(stage->path);

		result = stage_find(files, stage, path, true, refusal);
		free(path);
		if (result == 0 && stage->status.st_nlink)
			result = refuse(refusal, EEXIST,
					"`%.600s` was made by somebody else meanwhile. Nothing was written",
					stage->path);
	}
	if (result < 0)
		return result;
	result = change->like >= 0 ? stage_create_like(stage, steal_fd(&change->like), refusal)
				   : stage_create(stage, refusal);
	if (result == 0 && (result = set_mode(change)) < 0)
		result = refuse_errno(refusal, result, "write", stage->path);
	return result;
}

static int make(struct files *files, struct changes *changes, struct refusal *refusal)
{
	struct change *change = &changes->list[changes->at];
	struct stage *stage = &change->stage;
	size_t left;
	int result = 0;

	if (!change->remove) {
		if (stage->temporary < 0)
			result = begin(files, change, refusal);
		if (result < 0)
			return result;
		left = change->length - (size_t)stage->size;
		if (left > LIMIT_FILES_SLICE_BYTES)
			left = LIMIT_FILES_SLICE_BYTES;
		if (left > 0 && (result = stage_put(stage, change->content + stage->size, left)) < 0)
			return refuse_errno(refusal, result, "write", stage->path);
		if (stage->size < change->length)
			return CHANGES_AGAIN;
	}
	if (++changes->at == changes->count) {
		changes->phase = CHANGES_SYNC;
		changes->at = 0;
	}
	return CHANGES_AGAIN;
}

/* Of all from `at` on, some at a time. */
static int synchronise(struct files *files, struct changes *changes, struct refusal *refusal)
{
	bool waits = false;

	for (size_t i = changes->at; i < changes->count && i < changes->at + LIMIT_CHANGES_SYNCS; i++) {
		struct change *change = &changes->list[i];
		int result =
			change->remove || change->synced ? 0 : stage_sync(files, &change->stage, refusal);

		if (result < 0)
			return result;
		waits |= result == STAGE_WAITS;
		change->synced = result == 0;
	}
	while (changes->at < changes->count && changes->list[changes->at].synced)
		changes->at++;
	if (changes->at < changes->count)
		return waits ? CHANGES_WAITS : CHANGES_AGAIN;
	changes->phase = changes->count == 1 ? CHANGES_NAME : CHANGES_SEAL;
	changes->at = 0;
	return CHANGES_AGAIN;
}

/* ---- names ---- */

/* Something of the journal's onto the disk, then the next phase. */
static int save(struct files *files, struct changes *changes, int fd, struct refusal *refusal)
{
	int error;

	if (!sync_run(&files->sync, &changes->slot, fd, &error))
		return CHANGES_WAITS;
	if (error < 0 && error != -EINVAL && error != -EROFS)
		return changes_fail(changes, error, refusal);
	changes->phase++;
	return CHANGES_AGAIN;
}

static int sealed(struct files *files, struct changes *changes, struct refusal *refusal)
{
	return save(files, changes, changes->journal.fd, refusal);
}

static int save_root(struct files *files, struct changes *changes, struct refusal *refusal)
{
	if (changes->root < 0)
		changes->root = reach_open_below(changes->journal.root, ".", O_RDONLY | O_DIRECTORY);
	if (changes->root >= 0)
		return save(files, changes, changes->root, refusal);
	changes->phase++; /* as in stage_save */
	return CHANGES_AGAIN;
}

static int back_up(struct changes *changes, struct refusal *refusal)
{
	for (size_t i = 0; i < changes->count; i++)
		if (!stage_unchanged(&changes->list[i].stage, refusal))
			return -EAGAIN;
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->list[i];
		struct stage *stage = &change->stage;

		if (!change->backup[0])
			continue;
		if (linkat(stage->directory, stage->name, stage->directory, change->backup, 0) == 0)
			continue;
		/* no links here, or not of this file: it steps aside, and its name is free for a moment */
		if (renameat2(stage->directory, stage->name, stage->directory, change->backup, 0) < 0)
			return refuse_errno(refusal, errno, "write", stage->path);
		change->moved = true;
	}
	changes->phase = CHANGES_BACKED;
	return CHANGES_AGAIN;
}

/* Has an earlier change the same directory? */
static bool same_directory(const struct changes *changes, size_t at)
{
	const struct change *own = &changes->list[at];

	for (size_t i = 0; i < at; i++)
		if (changes->list[i].inode == own->inode && changes->list[i].device == own->device)
			return true;
	return false;
}

/* All directories onto the disk, one after the other. */
static int save_directories(struct files *files, struct changes *changes, struct refusal *refusal)
{
	while (changes->at < changes->count) {
		struct stage *stage = &changes->list[changes->at].stage;
		int result = stage->slot < 0 && same_directory(changes, changes->at)
				     ? 0
				     : stage_save(files, stage, refusal);

		if (result < 0)
			return result;
		if (result == STAGE_WAITS)
			return CHANGES_WAITS;
		close_fd(&stage->opened_directory);
		changes->at++;
	}
	changes->at = 0;
	changes->phase++;
	return CHANGES_AGAIN;
}

static int name_one(struct change *change, struct refusal *refusal)
{
	struct stage *stage = &change->stage;

	if (change->moved) { /* its old file has stepped aside already */
		stage->status.st_nlink = 0;
		stage->watched = false;
		return change->remove ? 0 : stage_name(stage, refusal);
	}
	if (!change->remove)
		return stage_name(stage, refusal);
	if (!stage_unchanged(stage, refusal))
		return -EAGAIN;
	return unlinkat(stage->directory, stage->name, 0) < 0
		       ? refuse_errno(refusal, errno, "delete", stage->path)
		       : 0;
}

static int name_all(struct changes *changes, struct refusal *refusal)
{
	for (size_t i = 0; i < changes->count; i++) {
		int result = name_one(&changes->list[i], refusal);

		if (result < 0)
			return result;
	}
	changes->phase = CHANGES_SAVE;
	return CHANGES_AGAIN;
}

static int done(struct changes *changes, struct refusal *refusal)
{
	size_t from = buffer_length(&changes->records);
	int result;

	if (changes->count == 1) {
		changes->phase = CHANGES_OVER;
		return 0;
	}
	result = changes_tell(changes, from, journal_put_mark(&changes->records, JOURNAL_DONE), refusal);
	changes->phase = result < 0 ? CHANGES_SAVE : CHANGES_TIDY;
	return result < 0 ? result : CHANGES_AGAIN;
}

static int tidy(struct files *files, struct changes *changes, struct refusal *refusal)
{
	int error;

	/* whether the disk took it or not: it stands in the journal, so who reads it finishes it */
	if (!sync_run(&files->sync, &changes->slot, changes->journal.fd, &error))
		return CHANGES_WAITS;
	for (size_t i = 0; i < changes->count; i++)
		if (changes->list[i].backup[0])
			unlinkat(changes->list[i].stage.directory, changes->list[i].backup, 0);
	journal_remove(&changes->journal);
	changes->phase = CHANGES_OVER;
	return 0;
}

int changes_step(struct files *files, struct changes *changes, struct refusal *refusal)
{
	switch (changes->phase) {
	case CHANGES_PREPARE:
		return changes_prepare(files, changes, refusal);
	case CHANGES_MAKE:
		return make(files, changes, refusal);
	case CHANGES_SYNC:
		return synchronise(files, changes, refusal);
	case CHANGES_SEAL:
		return changes_seal(changes, refusal);
	case CHANGES_SEALED:
		return sealed(files, changes, refusal);
	case CHANGES_ROOT:
		return save_root(files, changes, refusal);
	case CHANGES_BACKUP:
		return back_up(changes, refusal);
	case CHANGES_BACKED:
	case CHANGES_SAVE:
		return save_directories(files, changes, refusal);
	case CHANGES_NAME:
		return name_all(changes, refusal);
	case CHANGES_DONE:
		return done(changes, refusal);
	case CHANGES_TIDY:
		return tidy(files, changes, refusal);
	case CHANGES_OVER:
		break;
	}
	return 0;
}
