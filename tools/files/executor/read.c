/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_file. A small text file takes one open, one fstat, one read straight into the ring and one close.
 * Everything longer goes in steps. Trusts neither the request nor the file, which may change while it is
 * read: sizes are hints, only what a read returns counts.
 */
#include "tools/files/executor/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/scan.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

ssize_t read_at(const struct read_job *read, void *to, size_t length, uint64_t position)
{
	size_t got = 0;

	while (got < length) {
		ssize_t more = pread(read->fd, (uint8_t *)to + got, length - got, (off_t)(position + got));

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		got += (size_t)more;
		/* the end is where fstat saw it: no second read to be told so. A size of 0 is none (FUSE) */
		if (more == 0 || (read->size && position + got >= read->size))
			break;
	}
	return (ssize_t)got;
}

enum job_state read_failed(struct files *files, struct job *job, int error)
{
	struct refusal refusal;

	refuse_errno(&refusal, error, "read", "the file");
	return reply_refusal(files, job, &refusal);
}

bool read_judge_head(struct files *files, struct job *job, const uint8_t *head, size_t length,
		     enum job_state *state)
{
	struct read_job *read = &job->read;
	struct scan_kind kind = scan_kind(head, length < LIMIT_HEAD_BYTES ? length : LIMIT_HEAD_BYTES);
	struct refusal refusal;

	read->checked = true;
	if (kind.class == SCAN_TEXT)
		return true;
	if (kind.class == SCAN_MEDIA && read->size <= read->media_budget) {
		read->kind = kind.name;
		read->flags = FILES_READ_MEDIA;
		read->phase = READ_MEDIA;
		read->position = 0;
		*state = JOB_AGAIN;
		return false;
	}
	if (kind.class == SCAN_MEDIA && read->size <= LIMIT_MEDIA_BYTES)
		refuse(&refusal, EFBIG,
		       "this is %s of %" PRIu64 " bytes, and with the others that is more than one answer "
		       "may hold; read_file shows it",
		       kind.name, read->size);
	else if (kind.class == SCAN_MEDIA)
		refuse(&refusal, EFBIG,
		       "this is %s of %" PRIu64
		       " bytes, and at most %u are shown; make a smaller copy with run_command",
		       kind.name, read->size, LIMIT_MEDIA_BYTES);
	else
		refuse(&refusal, EINVAL,
		       "this is not text: %" PRIu64 " bytes of %s. Use a program for it (run_command)",
		       read->size, kind.name);
	*state = reply_refusal(files, job, &refusal);
	return false;
}

/* Opens what is to be read; refuses what is no regular file. */
static int open_file(struct files *files, struct job *job, const char *path, struct refusal *refusal)
{
	_cleanup_fd_ int fd = -1;
	struct place place;
	struct stat *status = &job->read.status;
	int result = reach_find(&files->reach, path, "read", &place, refusal);

	if (result == 0 && files->reach.hides)
		result = reach_judge_read(&files->reach, &place, "read", refusal);
	if (result < 0)
		return result;
	fd = reach_open(&files->reach, &place, O_RDONLY, "read", refusal);
	if (fd < 0)
		return fd;
	if (fstat(fd, status) < 0)
		return refuse_errno(refusal, errno, "read", path);
	if (S_ISDIR(status->st_mode))
		return refuse(refusal, EISDIR,
			      "cannot read `%.600s`: it is a directory; list_directory shows what is in it",
			      path);
	if (!S_ISREG(status->st_mode))
		return refuse(refusal, EINVAL,
			      "cannot read `%.600s`: it is a %s, and only regular files hold data to read",
			      path, S_ISFIFO(status->st_mode) ? "FIFO" : "device");
	job->read.size = (uint64_t)status->st_size;
	job->read.fd = steal_fd(&fd);
	return 0;
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct read_job *read = &job->read;
	char path[LIMIT_PATH_BYTES];
	struct frame_reader reader;
	uint32_t flags;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, path, sizeof path);
	*read = (struct read_job){.fd = -1, .media_budget = LIMIT_MEDIA_BYTES};
	read->offset = (int64_t)frame_get_u64(&reader);
	read->limit = frame_get_u64(&reader);
	read->budget = frame_get_u64(&reader);
	flags = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || read->offset == 0 || read->limit == 0 ||
	    read->limit > LIMIT_READ_LINES_MAX || read->budget == 0 ||
	    read->budget > LIMIT_RESULT_BYTES_MAX || (flags & ~FILES_NUMBERS))
		return -EPROTO;
	read->numbers = flags & FILES_NUMBERS;
	read->phase = read->offset == 1 ? READ_WINDOW : READ_HEAD;
	read->first = read->offset == 1;
	return open_file(files, job, path, refusal);
}

/* Text that does not begin at the first byte: is it text at all? */
static enum job_state head(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	ssize_t got = read_at(read, files->scratch, LIMIT_HEAD_BYTES, 0);
	enum job_state state;

	if (got < 0)
		return read_failed(files, job, (int)got);
	if (!read_judge_head(files, job, files->scratch, (size_t)got, &state))
		return state;
	read->phase = read->offset < 0 ? READ_BACKWARD : READ_FORWARD;
	read->scan = read->offset < 0 ? read->size : 0;
	return JOB_AGAIN;
}

/* A piece of an image or audio; the first one begins with the media type (tools/reply.h). */
static enum job_state media(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	size_t prefix = read->position == 0 ? 4 + strlen(read->kind) : 0;
	size_t most = (size_t)(read->size - read->position) + prefix, length;
	size_t least = most < LIMIT_FILES_PIECE_BYTES ? most : LIMIT_FILES_PIECE_BYTES;
	uint8_t *at = reply_room(files, job, least, most, &length);
	ssize_t got;

	if (!at)
		return files->lied ? JOB_DONE : JOB_ROOM;
	if (prefix) {
		frame_set_u32(at, (uint32_t)(prefix - 4));
		memcpy(at + 4, read->kind, prefix - 4);
	}
	got = read_at(read, at + prefix, length - prefix, read->position);
	if (got < 0)
		return read_failed(files, job, (int)got);
	read->position += (uint64_t)got;
	if ((size_t)got < length - prefix)
		read->size = read->position; /* it has shrunk */
	bool last = read->position >= read->size;

	reply_send(files, job, REPLY_MEDIA, last ? 0 : FRAME_MORE, prefix + (size_t)got);
	if (last)
		read->phase = READ_RESULT;
	return JOB_AGAIN;
}

/* Where to go on: the line behind the last one shown, counted as the caller counts; 0 when nothing is
 * missing. */
static int64_t next_offset(const struct read_job *read)
{
	if (!read->more)
		return 0;
	if (read->first)
		return (int64_t)(read->first + read->lines);
	/* from the end: what is shown is gone from the count; the last line cannot be followed by one */
	return read->offset + (int64_t)read->lines < 0 ? read->offset + (int64_t)read->lines : 0;
}

/* The hash of the whole file as it was shown, or NULL if not all was shown, or if it changed meanwhile. */
static const uint8_t *whole_hash(struct files *files, struct read_job *read,
				 uint8_t sha256[SHA256_DIGEST_SIZE])
{
	struct stat now;

	if (read->more || (read->flags & FILES_READ_LINE_CUT) || !(read->hashing || read->known))
		return NULL;
	if (read->known) /* its slot may have gone to another file since */
		return fstat(read->fd, &now) == 0 && hashes_same(&now, &read->status)
			       ? hashes_find(files->hashes, &now)
			       : NULL;
	sha256_digest(&read->hash, SHA256_DIGEST_SIZE, sha256);
	if (hashes_settled(&read->status) && fstat(read->fd, &now) == 0 && hashes_same(&now, &read->status))
		hashes_keep(files->hashes, &now, sha256);
	return sha256;
}

static enum job_state result(struct files *files, struct job *job)
{
	struct read_job *read = &job->read;
	uint8_t digest[SHA256_DIGEST_SIZE];
	const uint8_t *sha256 = whole_hash(files, read, digest);
	struct buffer payload;

	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u32(&payload, read->flags);
	frame_put_u64(&payload, read->size);
	frame_put_u64(&payload, read->first);
	frame_put_u64(&payload, read->lines);
	frame_put_u64(&payload, (uint64_t)next_offset(read));
	frame_put_u64(&payload, read->position);
	frame_put_text(&payload, read->kind);
	frame_put_bytes(&payload, sha256, sha256 ? SHA256_DIGEST_SIZE : 0);
	return reply_result_end(files, job, &payload);
}

static enum job_state (*const phases[])(struct files *, struct job *) = {
	[READ_HEAD] = head,        [READ_FORWARD] = read_forward, [READ_BACKWARD] = read_backward,
	[READ_COUNT] = read_count, [READ_WINDOW] = read_window,   [READ_LOOK] = read_look,
	[READ_REST] = read_rest,   [READ_MEDIA] = media,          [READ_RESULT] = result,
};

static enum job_state step(struct files *files, struct job *job)
{
	enum job_state state = phases[job->read.phase](files, job);

	/* the facts are small and go with the last piece, so that a small file is one step */
	if (state == JOB_AGAIN && job->read.phase == READ_RESULT)
		return result(files, job);
	return state;
}

static void end(struct files *files, struct job *job)
{
	close_fd(&job->read.fd);
}

const struct operation read_operation = {
	.type = FILES_READ,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
