/* SPDX-License-Identifier: Apache-2.0 */
/* Replies into the ring, written in place. Why a final reply always fits: job.h. */
#include <errno.h>
#include <string.h>

#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/reply.h"

static void *reserve(struct files *files, size_t length)
{
	bool lied;
	void *at = ring_reserve(&files->rings.out, (uint32_t)length, &lied);

	if (!at)
		files->lied = true; /* there was room when the step began, and room only grows */
	return at;
}

bool reply_fits(const struct files *files)
{
	return ring_room(&files->rings.out) >= LIMIT_FILES_REPLY_BYTES;
}

void reply_send(struct files *files, const struct job *job, uint16_t type, uint16_t flags, size_t length)
{
	struct frame_header header = {
		.length = (uint32_t)length, .type = type, .flags = flags, .call = job->call};

	ring_commit(&files->rings.out, &header);
}

/* A buffer over ring memory: its maximum is its size, so it never grows into an allocation. */
static bool payload_in_ring(struct files *files, struct buffer *payload)
{
	void *at = reserve(files, LIMIT_FILES_REPLY_BYTES);

	*payload =
		(struct buffer){.bytes = at, .size = LIMIT_FILES_REPLY_BYTES, .max = LIMIT_FILES_REPLY_BYTES};
	return at != NULL;
}

enum job_state reply_refusal(struct files *files, const struct job *job, const struct refusal *refusal)
{
	struct buffer payload;
	struct frame_header header = {.type = refusal->denied ? REPLY_DENIED : REPLY_FAILURE,
				      .flags = job->part ? FRAME_PART : 0,
				      .call = job->call,
				      .value = refusal->denied ? 0 : (uint32_t)refusal->error};

	if (!payload_in_ring(files, &payload))
		return JOB_DONE;
	if (refusal_write(refusal, &payload) < 0)
		payload.end = 0; /* cannot be: a refusal is smaller than the reserve */
	header.length = (uint32_t)payload.end;
	ring_hold(&files->rings.out, &header); /* job.h: seen once the job has tidied up */
	return JOB_DONE;
}

bool reply_receiving(struct files *files, struct job *job, uint64_t bytes)
{
	struct buffer payload = {.size = sizeof bytes, .max = sizeof bytes};
	size_t length;

	payload.bytes = (char *)reply_room(files, job, sizeof bytes, sizeof bytes, &length);
	if (!payload.bytes)
		return false;
	frame_put_u64(&payload, bytes);
	reply_send(files, job, REPLY_RECEIVING, 0, length);
	return true;
}

bool reply_result(struct files *files, struct buffer *payload)
{
	return payload_in_ring(files, payload);
}

void reply_put_path(struct buffer *payload, const char *path)
{
	size_t room = payload->max - payload->end, length = strlen(path);

	frame_put_bytes(payload, path, room < 4 ? 0 : length < room - 4 ? length : room - 4);
}

void reply_put_pair(struct buffer *payload, const char *source, const char *destination)
{
	size_t room = payload->max - payload->end - 8, second = strlen(destination), first = strlen(source);

	second = second < room ? second : room;
	first = first < room - second ? first : room - second;
	frame_put_bytes(payload, source, first);
	frame_put_bytes(payload, destination, second);
}

enum job_state reply_result_end(struct files *files, const struct job *job, const struct buffer *payload)
{
	reply_send(files, job, REPLY_RESULT, job->part ? FRAME_PART : 0, payload->end);
	return JOB_DONE;
}

uint8_t *reply_room(struct files *files, struct job *job, size_t least, size_t most, size_t *length)
{
	size_t room = ring_room(&files->rings.out), spare = LIMIT_FILES_REPLY_BYTES + FRAME_HEADER_BYTES + 8;

	*length = room > spare ? room - spare : 0;
	if (*length > most)
		*length = most;
	if (*length < least) {
		job->wanted = (uint32_t)(least + spare);
		return NULL;
	}
	return reserve(files, *length);
}

enum job_state reply_long(struct files *files, struct job *job, struct buffer *whole)
{
	size_t left = buffer_length(whole), length;
	size_t least = left < LIMIT_FILES_PIECE_BYTES ? left : LIMIT_FILES_PIECE_BYTES;
	uint8_t *at = reply_room(files, job, least, left, &length);

	if (!at)
		return files->lied ? JOB_DONE : JOB_ROOM;
	memcpy(at, buffer_data(whole), length);
	buffer_consume(whole, length);
	reply_send(files, job, REPLY_RESULT, length < left ? FRAME_MORE : 0, length);
	return length < left ? JOB_AGAIN : JOB_DONE;
}
