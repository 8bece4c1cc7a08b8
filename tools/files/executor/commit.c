/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a write: content onto the disk, its name, the directory onto the disk. Up to the name everything
 * may fail and nothing has happened; with it the write is done.
 */
#include "tools/files/executor/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Has what belongs to `fd` reached the disk? False: not yet; the loop is woken when it has. */
static bool saved(struct files *files, struct write_job *write, int fd, int *error)
{
	if (write->slot < 0) {
		write->slot = sync_begin(&files->sync, fd);
		if (write->slot >= 0)
			return false;
		*error = fsync(fd) < 0 ? -errno : 0;
		return true;
	}
	if (!sync_done(&files->sync, write->slot, error))
		return false;
	write->slot = -1;
	return true;
}

int commit_content(struct files *files, struct write_job *write, struct refusal *refusal)
{
	int error;

	if (!saved(files, write, write->temporary, &error))
		return COMMIT_WAITS;
	write->phase = WRITE_NAME;
	return error < 0 ? refuse_errno(refusal, error, "write", write->path) : 0;
}

/* Is the old file still the one that was hashed or copied? */
static bool unchanged(const struct write_job *write)
{
	struct stat now;

	if (write->old < 0)
		return true;
	return fstatat(write->directory, write->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       now.st_ino == write->status.st_ino && now.st_dev == write->status.st_dev &&
	       now.st_size == write->status.st_size && now.st_mtim.tv_sec == write->status.st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == write->status.st_mtim.tv_nsec;
}

/* Gives the temporary file its name where there must be none yet. 0 or -errno. */
static int name_new(struct write_job *write)
{
	if (renameat2(write->directory, write->temporary_name, write->directory, write->name,
		      RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* a file system that cannot: a second link does not replace either */
	if (linkat(write->directory, write->temporary_name, write->directory, write->name, 0) < 0)
		return -errno;
	unlinkat(write->directory, write->temporary_name, 0);
	return 0;
}

int commit_name(struct files *files, struct write_job *write, struct refusal *refusal)
{
	int result;

	if (!unchanged(write))
		return refuse(
			refusal, EAGAIN,
			"`%.600s` was changed by somebody else meanwhile. Nothing was written; read it again",
			write->path);
	if (write->status.st_nlink)
		result = renameat2(write->directory, write->temporary_name, write->directory, write->name,
				   0) < 0
				 ? -errno
				 : 0;
	else
		result = name_new(write);
	if (result == -EEXIST)
		return refuse(refusal, EEXIST,
			      "`%.600s` was made by somebody else meanwhile. Nothing was written",
			      write->path);
	if (result < 0)
		return refuse_errno(refusal, result, "write", write->path);
	write->temporary_name[0] = '\0';
	write->phase = WRITE_SAVE;
	write->opened_directory = reach_open_below(write->directory, ".", O_RDONLY | O_DIRECTORY);
	/* a directory that may be written and not read cannot be saved by itself */
	if (write->opened_directory < 0)
		write->phase = WRITE_RESULT;
	return 0;
}

int commit_directory(struct files *files, struct write_job *write, struct refusal *refusal)
{
	int error;

	if (!saved(files, write, write->opened_directory, &error))
		return COMMIT_WAITS;
	write->phase = WRITE_RESULT;
	/* not every file system can; where the disk fails, say so although the file stands */
	if (error < 0 && error != -EINVAL && error != -EROFS)
		return refuse(refusal, -error,
			      "`%.600s` was written, but the disk failed while its directory was saved (%s)",
			      write->path, err_name(error));
	return 0;
}
