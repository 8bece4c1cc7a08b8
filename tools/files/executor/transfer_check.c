/* SPDX-License-Identifier: Apache-2.0 */
/* May this be moved or copied there? All that can be said before anything is touched is said here. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/near.h"
#include "tools/files/executor/transfer.h"

static const char *verb(const struct transfer *transfer)
{
	return transfer->move ? "move" : "copy";
}

/* The entry itself, which may be a link; *status without links (st_nlink 0) when there is none. */
static int look(struct transfer_end *end, const char *operation, struct refusal *refusal)
{
	if (fstatat(end->directory, end->name, &end->status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	end->status.st_nlink = 0;
	return errno == ENOENT ? 0 : refuse_errno(refusal, errno, operation, end->path);
}

/* A directory may hold what is special, and take it along; by itself nobody needs it elsewhere. */
static int check_type(const struct transfer_end *source, const char *operation, struct refusal *refusal)
{
	mode_t mode = source->status.st_mode;

	if (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode))
		return 0;
	return refuse(refusal, EINVAL,
		      "cannot %s `%.600s`: it is a %s, and only files, directories and links can be",
		      operation, source->path,
		      S_ISFIFO(mode)   ? "FIFO"
		      : S_ISSOCK(mode) ? "socket"
				       : "device");
}

static int check_source(const struct reach *reach, struct transfer *transfer, struct refusal *refusal)
{
	struct transfer_end *source = &transfer->source;
	const char *operation = verb(transfer);
	int result = reach_find(reach, source->path, operation, &source->place, refusal);

	if (result < 0)
		return result;
	source->directory = reach_entry(reach, &source->place, false, operation, source->name, refusal);
	if (source->directory == -EISDIR)
		return refuse(
			refusal, EISDIR,
			"cannot %s `%.600s`: that is a directory without a name of its own (a workspace, "
			"`.` or `..`)",
			operation, source->path);
	if (source->directory < 0)
		return source->directory;
	if (transfer->move || reach->hides)
		result = reach_judge(reach, &source->place, source->directory, source->name, transfer->move,
				     refusal);
	if (result == 0 && (transfer->move || reach->hides))
		result = reach_judge_tree(reach, &source->place, source->directory, source->name,
					  transfer->move, refusal);
	if (result == 0)
		result = look(source, operation, refusal);
	if (result == 0 && source->status.st_nlink == 0)
		result = near_refuse(&source->place, operation, refusal);
	return result == 0 ? check_type(source, operation, refusal) : result;
}

static int check_old(const struct transfer *transfer, struct refusal *refusal)
{
	const struct transfer_end *source = &transfer->source, *destination = &transfer->destination;
	const struct stat *old = &destination->status;

	if (old->st_nlink == 0)
		return 0;
	if (old->st_ino == source->status.st_ino && old->st_dev == source->status.st_dev)
		return refuse(refusal, EEXIST, "cannot %s `%.400s`: `%.400s` is the same file",
			      verb(transfer), source->path, destination->path);
	if (S_ISDIR(old->st_mode))
		return refuse(
			refusal, EISDIR,
			"`%.400s` exists and is a directory, and directories are never replaced; to put "
			"it in there give `%.400s/NAME` as the destination",
			destination->path, destination->path);
	if (!transfer->overwrite)
		return refuse(refusal, EEXIST,
			      "`%.600s` exists already (%lld bytes); overwrite: true replaces it",
			      destination->path, (long long)old->st_size);
	if (S_ISDIR(source->status.st_mode))
		return refuse(refusal, ENOTDIR,
			      "`%.400s` is a file, and `%.400s` a directory: delete the file first",
			      destination->path, source->path);
	if (!S_ISREG(old->st_mode))
		return 0; /* a link or the like: the name alone is replaced */
	/* a rename would not ask: whoever made the file read-only means it */
	_cleanup_fd_ int writable = reach_open_below(destination->directory, destination->name,
						     O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	if (writable < 0 && writable != -ETXTBSY)
		return refuse_errno(refusal, writable, "replace", destination->path);
	return 0;
}

static int check_destination(const struct reach *reach, struct transfer *transfer, struct refusal *refusal)
{
	struct transfer_end *source = &transfer->source, *destination = &transfer->destination;
	struct place *place = &destination->place;
	int result = reach_find(reach, destination->path, "write", place, refusal);

	if (result < 0)
		return result;
	if (!place->root->write)
		return reach_judge(reach, place, place->root->fd, "", true, refusal);
	destination->directory = reach_entry(reach, place, true, "write", destination->name, refusal);
	if (destination->directory == -EISDIR)
		return refuse(refusal, EISDIR,
			      "`%.400s` is a directory; to put it in there give `%.400s/NAME` as the "
			      "destination",
			      destination->path, destination->path);
	if (destination->directory < 0)
		return destination->directory;
	result = reach_judge(reach, place, destination->directory, destination->name, true, refusal);
	if (result == 0)
		result = look(destination, "write", refusal);
	if (result == 0)
		result = check_old(transfer, refusal);
	if (result == 0 && S_ISDIR(source->status.st_mode) &&
	    reach_within(place, destination->directory, source->directory, source->name))
		result = refuse(refusal, EINVAL, "cannot %s `%.400s` into itself (`%.400s`)", verb(transfer),
				source->path, destination->path);
	return result;
}

/* "a/" is "a", also where it is told. */
static void trim(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

int transfer_check(const struct reach *reach, struct transfer *transfer, struct refusal *refusal)
{
	int result;

	trim(transfer->source.path);
	trim(transfer->destination.path);
	result = check_source(reach, transfer, refusal);

	return result < 0 ? result : check_destination(reach, transfer, refusal);
}
