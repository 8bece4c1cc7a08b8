/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary file that is complete becomes the file: onto the disk, renamed over what is there and nothing
 * else, and the directory onto the disk. The price: other hard links keep the old content.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/stage.h"

int stage_sync(struct files *files, struct stage *stage, struct refusal *refusal)
{
	int error;

	/* it may end with a hole */
	if (stage->sparse && ftruncate(stage->temporary, (off_t)stage->size) < 0)
		return refuse_errno(refusal, errno, "write", stage->path);
	if (!sync_run(&files->sync, &stage->slot, stage->temporary, &error))
		return STAGE_WAITS;
	return error < 0 ? refuse_errno(refusal, error, "write", stage->path) : 0;
}

bool stage_unchanged(const struct stage *stage, struct refusal *refusal)
{
	const struct stat *old = &stage->status;
	struct stat now;
	bool there = fstatat(stage->directory, stage->name, &now, AT_SYMLINK_NOFOLLOW) == 0;

	if (!stage->watched ||
	    (there && now.st_ino == old->st_ino && now.st_dev == old->st_dev && now.st_size == old->st_size &&
	     now.st_mtim.tv_sec == old->st_mtim.tv_sec && now.st_mtim.tv_nsec == old->st_mtim.tv_nsec))
		return true;
	refuse(refusal, EAGAIN,
	       "`%.600s` was changed by somebody else meanwhile. Nothing was written; read it again",
	       stage->path);
	return false;
}

/* Gives the temporary file its name where there must be none yet. 0 or -errno. */
static int name_new(struct stage *stage)
{
	if (!stage->named)
		return reach_name(stage->temporary, stage->directory, stage->name);
	if (renameat2(stage->directory, stage->temporary_name, stage->directory, stage->name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* a file system that cannot: a second link does not replace either */
	if (linkat(stage->directory, stage->temporary_name, stage->directory, stage->name, 0) < 0)
		return -errno;
	unlinkat(stage->directory, stage->temporary_name, 0);
	return 0;
}

static int name_over(struct stage *stage)
{
	int result = 0;

	if (!stage->named) { /* no call replaces a name by a file without one */
		stage_note_name(stage);
		result = reach_name(stage->temporary, stage->directory, stage->temporary_name);
		stage->named = result == 0;
	}
	if (result == 0 &&
	    renameat2(stage->directory, stage->temporary_name, stage->directory, stage->name, 0) < 0)
		result = -errno;
	return result;
}

int stage_name(struct stage *stage, struct refusal *refusal)
{
	int result;

	if (!stage_unchanged(stage, refusal))
		return -EAGAIN;
	result = stage->status.st_nlink ? name_over(stage) : name_new(stage);
	if (result == -EEXIST)
		return refuse(refusal, EEXIST,
			      "`%.600s` was made by somebody else meanwhile. Nothing was written",
			      stage->path);
	if (result < 0)
		return refuse_errno(refusal, result, "write", stage->path);
	stage->named = false;
	journal_remove(&stage->journal);
	return 0;
}

int stage_save(struct files *files, struct stage *stage, struct refusal *refusal)
{
	int error;

	if (stage->opened_directory < 0)
		stage->opened_directory = reach_open_below(stage->directory, ".", O_RDONLY | O_DIRECTORY);
	/* a directory that may be written and not read cannot be saved by itself */
	if (stage->opened_directory < 0)
		return 0;
	if (!sync_run(&files->sync, &stage->slot, stage->opened_directory, &error))
		return STAGE_WAITS;
	/* not every file system can; where the disk fails, say so although the file stands */
	if (error < 0 && error != -EINVAL && error != -EROFS)
		return refuse(refusal, -error,
			      "`%.600s` was written, but the disk failed while its directory was saved (%s)",
			      stage->path, err_name(error));
	return 0;
}

int stage_commit(struct files *files, struct stage *stage, struct refusal *refusal)
{
	int result = 0;

	switch (stage->commit) {
	case STAGE_SYNC:
		result = stage_sync(files, stage, refusal);
		break;
	case STAGE_NAME:
		result = stage_name(stage, refusal);
		break;
	case STAGE_SAVE:
		result = stage_save(files, stage, refusal);
		break;
	case STAGE_SAVED:
		return 0;
	}
	stage->commit += result == 0;
	return result;
}
