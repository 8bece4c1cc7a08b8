/* SPDX-License-Identifier: Apache-2.0 */
/* create_directory: made with all that is missing on the way, or there already. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/wire.h"

static int make(struct files *files, struct make_job *make, struct refusal *refusal)
{
	struct place place;
	int result = reach_find(&files->reach, make->path, "make directory", &place, refusal);

	if (result == 0 && files->reach.hides)
		result = reach_judge_read(&files->reach, &place, "make directory", refusal);
	if (result < 0)
		return result;
	_cleanup_fd_ int there =
		reach_open(&files->reach, &place, O_PATH | O_DIRECTORY, "make directory", refusal);
	if (there >= 0)
		return 0;
	if (there == -ENOTDIR)
		return refuse(refusal, EEXIST,
			      "cannot make directory `%.600s`: a file stands there, or on the way",
			      make->path);
	if (there != -ENOENT)
		return there;
	make->made = true;
	return reach_make(&files->reach, &place, refusal);
}

static void end(struct files *files, struct job *job)
{
	free(steal_pointer(job->make.path));
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct frame_reader reader;
	int result;

	frame_read(&reader, payload, length);
	job->make = (struct make_job){.path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1)};
	result = frame_done(&reader);
	if (result == 0)
		result = make(files, &job->make, refusal);
	if (result < 0)
		end(files, job);
	return result;
}

static enum job_state step(struct files *files, struct job *job)
{
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload, job->make.made);
	reply_put_path(&payload, job->make.path);
	return reply_result_end(files, job, &payload);
}

const struct operation make_operation = {
	.type = FILES_MAKE,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
