/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_access for paths: would it pass, by which rule? The same judgement that the tools ask, without
 * doing anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/rule.h"
#include "tools/files/executor/job.h"
#include "tools/files/wire.h"

struct verdict {
	bool allowed;
	enum files_type type;
	char rule[128], resolved[1024], detail[768], remedy[256];
};

static void deny(struct verdict *verdict, const struct refusal *refusal)
{
	verdict->allowed = false;
	if (refusal->denied) {
		snprintf(verdict->rule, sizeof verdict->rule, "%s", refusal->rule);
		snprintf(verdict->detail, sizeof verdict->detail, "Allowed: %s.", refusal->allowed);
		snprintf(verdict->remedy, sizeof verdict->remedy, "%s", refusal->remedy);
	} else {
		snprintf(verdict->rule, sizeof verdict->rule, RULE_FILE);
		snprintf(verdict->detail, sizeof verdict->detail, "%s", refusal->text);
	}
}

/* What stands at the place, and may this process do it by the file's own mode? */
static int look(const struct reach *reach, struct place *place, enum files_access access,
		struct verdict *verdict, struct refusal *refusal)
{
	static const int modes[] = {
		[FILES_ACCESS_READ] = R_OK, [FILES_ACCESS_WRITE] = W_OK, [FILES_ACCESS_EXECUTE] = X_OK};
	static const char *const verbs[] = {[FILES_ACCESS_READ] = "read",
					    [FILES_ACCESS_WRITE] = "write",
					    [FILES_ACCESS_EXECUTE] = "execute"};
	_cleanup_fd_ int fd = reach_open(reach, place, O_PATH, verbs[access], refusal);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return refuse_errno(refusal, errno, verbs[access], place->below);
	verdict->type = files_type_of(status.st_mode);
	if (verdict->type != FILES_FILE && verdict->type != FILES_DIRECTORY)
		return refuse(refusal, EINVAL, "it is no regular file, and only those are opened");
	if (faccessat(place->root->fd, place->below, modes[access], AT_EACCESS) < 0)
		return refuse_errno(refusal, errno, verbs[access], place->below);
	return 0;
}

/* Writing also makes what is missing, so absence is no obstacle. */
static int judge_write(const struct reach *reach, struct place *place, struct verdict *verdict,
		       struct refusal *refusal)
{
	_cleanup_fd_ int directory = -1;
	char name[256];
	int result;

	if (!place->root->write)
		return reach_judge(reach, place, place->root->fd, "", true, refusal);
	directory = reach_parent(reach, place, false, "write", name, refusal);
	if (directory == -ENOENT)
		return reach_judge_parents(reach, place, refusal);
	if (directory == -EISDIR)
		return look(reach, place, FILES_ACCESS_WRITE, verdict, refusal);
	result = directory < 0 ? directory : reach_judge(reach, place, directory, name, true, refusal);
	if (result < 0)
		return result;
	result = look(reach, place, FILES_ACCESS_WRITE, verdict, refusal);
	if (result < 0 && result != -ENOENT)
		return result;
	/* what is there is replaced by a file that is made beside it */
	return faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) < 0
		       ? refuse_errno(refusal, errno, "write", place->below)
		       : 0;
}

static void judge(const struct reach *reach, const char *path, enum files_access access,
		  struct verdict *verdict)
{
	char absolute[2 * LIMIT_PATH_BYTES];
	struct refusal refusal = {0};
	struct place place;
	int result =
		reach_find(reach, path, access == FILES_ACCESS_WRITE ? "write" : "read", &place, &refusal);
	bool found = result == 0;

	verdict->allowed = true;
	snprintf(verdict->rule, sizeof verdict->rule, RULE_WORKSPACE);
	if (result == 0 && reach->hides)
		result = reach_judge_read(reach, &place, "read", &refusal);
	if (result == 0)
		result = access == FILES_ACCESS_WRITE ? judge_write(reach, &place, verdict, &refusal)
						      : look(reach, &place, access, verdict, &refusal);
	if (found && !(result < 0 && refusal.denied && strcmp(refusal.rule, RULE_WORKSPACE) == 0)) {
		reach_absolute(&place, absolute, sizeof absolute);
		snprintf(verdict->resolved, sizeof verdict->resolved, "%.1000s", absolute);
	}
	if (result < 0)
		deny(verdict, &refusal);
	else
		snprintf(verdict->detail, sizeof verdict->detail, "It lies in the workspace `%.500s`%s.",
			 place.root->path, verdict->type == FILES_NONE ? " and does not exist yet" : "");
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct frame_reader reader;
	char path[LIMIT_PATH_BYTES];
	uint32_t access;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, path, sizeof path);
	access = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || access < FILES_ACCESS_READ || access > FILES_ACCESS_EXECUTE)
		return -EPROTO;
	job->explain.verdict = calloc(1, sizeof *job->explain.verdict);
	if (!job->explain.verdict)
		return refuse_errno(refusal, ENOMEM, "look at", path);
	if (*path)
		judge(&files->reach, path, (enum files_access)access, job->explain.verdict);
	return 0;
}

static enum job_state step(struct files *files, struct job *job)
{
	const struct verdict *verdict = job->explain.verdict;
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload, verdict->allowed);
	frame_put_text(&payload, verdict->rule);
	frame_put_text(&payload, "files");
	frame_put_text(&payload, verdict->resolved);
	frame_put_u32(&payload, verdict->type);
	frame_put_text(&payload, verdict->detail);
	frame_put_text(&payload, verdict->remedy);
	return reply_result_end(files, job, &payload);
}

static void end(struct files *files, struct job *job)
{
	free(steal_pointer(job->explain.verdict));
}

const struct operation explain_operation = {
	.type = FILES_EXPLAIN,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
