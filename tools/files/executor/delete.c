/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delete_file: one entry, or with `recursive` all that is in a directory. Judged as a whole first: a
 * protected path somewhere below, or a workspace, and nothing is touched. A link is removed, not what it
 * leads to.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/rule.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/near.h"
#include "tools/files/executor/removal.h"
#include "tools/files/wire.h"

/* Without `recursive` only an empty one goes, at once. */
static int remove_empty(struct delete_job *delete, const char *name, struct refusal *refusal)
{
	if (unlinkat(delete->directory, name, AT_REMOVEDIR) == 0) {
		delete->removal->count = 1;
		delete->removal->tree.begun = true; /* nothing is left to walk through */
		return 0;
	}
	if (errno == ENOTEMPTY || errno == EEXIST)
		return refuse(
			refusal, ENOTEMPTY,
			"cannot delete `%.600s`: the directory is not empty; recursive: true deletes all "
			"that is in it",
			delete->path);
	return refuse_errno(refusal, errno, "delete", delete->path);
}

/* The workspace itself has no name in one; said before anything else, since it is what was meant. */
static int refuse_nameless(const struct place *place, const char *path, struct refusal *refusal)
{
	_cleanup_fd_ int fd = reach_open_below(place->root->fd, place->below, O_PATH);
	struct stat status;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_ino == place->root->inode &&
	    status.st_dev == place->root->device)
		return refuse_denied(refusal, "delete", path, RULE_WORKSPACE, "what is in the workspace");
	return refuse(refusal, EINVAL, "cannot delete `%.600s`: give the name of what is to be deleted",
		      path);
}

static int prepare(struct files *files, struct delete_job *delete, bool recursive, struct refusal *refusal)
{
	const struct reach *reach = &files->reach;
	struct place place;
	struct stat status;
	char name[256];
	int result = reach_find(reach, delete->path, "delete", &place, refusal);

	if (result < 0)
		return result;
	delete->directory = reach_entry(reach, &place, false, "delete", name, refusal);
	if (delete->directory == -EISDIR)
		return refuse_nameless(&place, delete->path, refusal);
	if (delete->directory < 0)
		return delete->directory;
	result = reach_judge(reach, &place, delete->directory, name, true, refusal);
	if (result == 0)
		result = reach_judge_tree(reach, &place, delete->directory, name, true, refusal);
	if (result < 0)
		return result;
	if (fstatat(delete->directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? near_refuse(&place, "delete", refusal)
				       : refuse_errno(refusal, errno, "delete", delete->path);
	removal_init(delete->removal, delete->directory, name, false);
	return S_ISDIR(status.st_mode) && !recursive ? remove_empty(delete, name, refusal) : 0;
}

static void end(struct files *files, struct job *job)
{
	struct delete_job *delete = &job->delete;

	if (delete->removal)
		removal_deinit(delete->removal);
	free(steal_pointer(delete->removal));
	free(steal_pointer(delete->path));
	close_fd(&delete->directory);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct delete_job *delete = &job->delete;
	struct frame_reader reader;
	uint32_t flags;
	int result;

	frame_read(&reader, payload, length);
	*delete = (struct delete_job){.directory = -1};
	delete->path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1);
	flags = frame_get_u32(&reader);
	result = frame_done(&reader) < 0 || (flags & ~FILES_RECURSIVE) ? -EPROTO : 0;
	if (result == 0) {
		delete->removal = calloc(1, sizeof *delete->removal);
		result = delete->removal ? prepare(files, delete, flags & FILES_RECURSIVE, refusal)
					 : refuse_errno(refusal, ENOMEM, "delete", delete->path);
	}
	if (result < 0)
		end(files, job);
	return result;
}

/* It ends half-way: says where, and that the rest is there no more. */
static enum job_state fail(struct files *files, struct job *job, int error)
{
	const struct removal *removal = job->delete.removal;
	struct refusal why, refusal;
	char where[600];

	tree_path(&removal->tree, where, sizeof where);
	refuse_errno(&why, error, "delete", where);
	refuse(&refusal, why.error,
	       "%.800s. %" PRIu64 " entries were deleted before that, with %" PRIu64 " bytes", why.text,
	       removal->count, removal->bytes);
	return reply_refusal(files, job, removal->count ? &refusal : &why);
}

static enum job_state step(struct files *files, struct job *job)
{
	struct removal *removal = job->delete.removal;
	int result = removal_step(removal);
	struct buffer payload;

	if (result == 0)
		return JOB_AGAIN;
	if (result < 0)
		return fail(files, job, result);
	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u64(&payload, removal->count);
	frame_put_u64(&payload, removal->bytes);
	reply_put_path(&payload, job->delete.path);
	return reply_result_end(files, job, &payload);
}

const struct operation delete_operation = {
	.type = FILES_DELETE,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
