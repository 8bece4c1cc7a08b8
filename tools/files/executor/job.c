/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of jobs: from frames to requests to steps. Frames are the frontend's, which is treated as
 * hostile: what a request may have is bounded alone and in sum, and what makes no sense ends the executor.
 */
#include "tools/files/executor/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/watch.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

static const struct operation *find_operation(const struct files *files, uint16_t type)
{
	for (size_t i = 0; files->operations[i]; i++)
		if (files->operations[i]->type == type)
			return files->operations[i];
	return NULL;
}

void jobs_init(struct jobs *jobs)
{
	*jobs = (struct jobs){.last = &jobs->first};
}

static void release(struct files *files, struct job *job)
{
	if (job->stage == JOB_BEGUN && job->operation->end)
		job->operation->end(files, job);
	close_fd(&job->descriptor);
	buffer_deinit(&job->request);
}

void jobs_deinit(struct jobs *jobs, struct files *files)
{
	while (jobs->first) {
		struct job *job = jobs->first;

		jobs->first = job->next;
		release(files, job);
		free(job);
	}
	free(jobs->spare);
	jobs_init(jobs);
}

bool jobs_ready(struct jobs *jobs)
{
	if (!jobs->spare && jobs->count < LIMIT_CALLS_IN_FLIGHT)
		jobs->spare = malloc(sizeof *jobs->spare);
	return jobs->spare;
}

static void park(struct jobs *jobs)
{
	struct job *job = steal_pointer(jobs->spare);

	job->next = NULL;
	*jobs->last = job;
	jobs->last = &job->next;
	jobs->count++;
}

static void note_hunger(struct jobs *jobs, uint32_t wanted)
{
	if (!jobs->starving || wanted < jobs->starving)
		jobs->starving = wanted;
}

/* The first step of a job whose request is whole. JOB_DONE or what the step says; -EPROTO through *result. */
static enum job_state begin(struct files *files, struct job *job, const void *payload, size_t length,
			    int *result)
{
	struct refusal refusal;

	if (job->cancelled)
		refuse(&refusal, ECANCELED, "cancelled");
	*result = job->cancelled ? -ECANCELED : job->operation->start(files, job, payload, length, &refusal);
	if (*result == -EPROTO)
		return JOB_DONE;
	if (*result < 0) {
		*result = 0;
		return reply_refusal(files, job, &refusal);
	}
	job->stage = JOB_BEGUN;
	return job->operation->step(files, job);
}

static enum job_state step(struct files *files, struct job *job, int *result)
{
	struct refusal refusal;

	if (job->refused)
		return JOB_DONE;
	if (job->stage == JOB_WHOLE)
		return begin(files, job, buffer_data(&job->request), buffer_length(&job->request), result);
	if (job->cancelled && !job->done) {
		refuse(&refusal, ECANCELED, "cancelled");
		return reply_refusal(files, job, &refusal);
	}
	return job->operation->step(files, job);
}

/* One piece of a long request is kept, or the call refused when it is more than may be. */
static void collect(struct jobs *jobs, struct files *files, struct job *job, const void *piece, size_t length)
{
	struct refusal refusal;
	int result = jobs->collected + length > LIMIT_FILES_REQUESTS_BYTES ? -EMSGSIZE : 0;

	if (result == 0)
		result = buffer_append(&job->request, piece, length);
	if (result == 0) {
		jobs->collected += length;
		return;
	}
	jobs->collected -= buffer_length(&job->request);
	buffer_deinit(&job->request);
	job->refused = true;
	if (result == -EMSGSIZE)
		refuse(&refusal, EMSGSIZE,
		       "too much is being written at once; send it when other writes have ended, or in "
		       "smaller "
		       "parts with append");
	else
		refuse_errno(&refusal, result, "take", "the content");
	reply_refusal(files, job, &refusal);
}

/* A piece of a request: the first (the job was just parked), one between, or the last. 0 or -EPROTO. */
static int take_piece(struct jobs *jobs, struct files *files, struct job *job,
		      const struct frame_header *header, const void *piece)
{
	if (job->operation->type != header->type)
		return -EPROTO;
	if (!job->refused)
		collect(jobs, files, job, piece, header->length);
	if (!(header->flags & FRAME_MORE)) {
		/* whole: its turn comes with the parked ones */
		job->stage = JOB_WHOLE;
		jobs->collected -= buffer_length(&job->request);
	}
	return 0;
}

/*
 * The descriptor of a request that brings one: it was sent before the request, and requests are taken in the
 * order in which they come, so it is the next. 0, -EPROTO, or -ENOMEM.
 */
static int take_descriptor(struct files *files, struct job *job)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	_cleanup_(frame_descriptors_close) struct frame_descriptors descriptors;
	struct frame_header header;
	int result = frame_receive(files->socket, &header, &payload, &descriptors, MSG_DONTWAIT);

	if (result == 0 && header.call == job->call && header.type == job->operation->type)
		job->descriptor = frame_descriptors_take(&descriptors, 0);
	return job->descriptor < 0 ? -EPROTO : 0;
}

static int take_request(struct jobs *jobs, struct files *files, const struct frame_header *header,
			const void *payload)
{
	struct job *job = jobs->spare;
	enum job_state state;
	int result = 0;

	memset(job, 0, offsetof(struct job, read));
	job->call = header->call;
	job->descriptor = -1;
	job->operation = find_operation(files, header->type);
	if (!job->operation || (job->operation->descriptor && take_descriptor(files, job) < 0))
		return -EPROTO;
	buffer_init(&job->request, job->operation->request_bytes);
	if ((header->flags & FRAME_MORE) || jobs->count >= LIMIT_FILES_BEGUN) {
		park(jobs);
		return take_piece(jobs, files, job, header, payload);
	}
	job->stage = JOB_WHOLE;
	state = begin(files, job, payload, header->length, &result);
	if (state == JOB_DONE) {
		release(files, job); /* the memory serves the next one */
		return result;
	}
	if (state == JOB_ROOM)
		note_hunger(jobs, job->wanted);
	park(jobs);
	return 0;
}

static struct job *find(struct jobs *jobs, uint32_t call)
{
	struct job *job = jobs->first;

	while (job && job->call != call)
		job = job->next;
	return job;
}

int jobs_take(struct jobs *jobs, struct files *files, const struct frame_header *header, const void *payload)
{
	struct job *job;
	int result = files->watches ? watches_take(files, header, payload) : 0;

	if (result)
		return result < 0 ? result : 0;
	job = jobs->first ? find(jobs, header->call) : NULL;
	if (header->type == REPLY_CANCEL) {
		if (job)
			job->cancelled = true; /* none: the answer and the cancelling crossed */
		return 0;
	}
	if (header->type == FILES_RECEIVED && !job)
		return 0; /* it failed, which has crossed this */
	if (header->type == FILES_RECEIVED)
		return job->stage == JOB_BEGUN && job->operation->received
			       ? job->operation->received(job, payload, header->length)
			       : -EPROTO;
	if (!job)
		return take_request(jobs, files, header, payload);
	/* a second request by the number of one in flight is nothing that a frontend does */
	return job->stage == JOB_COLLECTING ? take_piece(jobs, files, job, header, payload) : -EPROTO;
}

int jobs_step(struct jobs *jobs, struct files *files)
{
	struct job **link = &jobs->first;
	int busy = 0, result = 0;

	size_t begun = 0;

	jobs->starving = 0;
	files->inlet_count = 0;
	files->due = 0;
	while (*link && !files->lied) {
		struct job *job = *link;
		enum job_state state;

		/* each that has begun may hold descriptors */
		if (job->stage == JOB_COLLECTING || (job->stage == JOB_WHOLE && begun >= LIMIT_FILES_BEGUN)) {
			link = &job->next;
			continue;
		}
		if (!reply_fits(files)) {
			note_hunger(jobs, LIMIT_FILES_REPLY_BYTES);
			break;
		}
		state = step(files, job, &result);
		if (result < 0)
			return result;
		if (state == JOB_DONE) {
			*link = job->next;
			if (jobs->last == &job->next)
				jobs->last = link;
			jobs->count--;
			release(files, job);
			free(job);
			continue;
		}
		begun++;
		busy |= state == JOB_AGAIN;
		if (state == JOB_ROOM)
			note_hunger(jobs, job->wanted);
		link = &job->next;
	}
	busy |= files->turns.moved;
	files->turns.moved = false;
	return busy;
}
