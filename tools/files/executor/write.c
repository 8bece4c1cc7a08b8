/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_file: complete or not at all. The content goes into a temporary file beside the target, which is
 * synchronised, given the old file's owner and mode, and renamed over it; then the directory is synchronised.
 * Appending copies the old content first, for the same promise. The price: other hard links keep the old
 * content (told in the result), and extended attributes are not carried over.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/commit.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

static int parse_hex(const char *text, uint8_t sha256[FILES_SHA256_BYTES])
{
	for (size_t i = 0; i < FILES_SHA256_BYTES; i++) {
		unsigned value;

		if (sscanf(text + 2 * i, "%2x", &value) != 1)
			return -EPROTO;
		sha256[i] = (uint8_t)value;
	}
	return 0;
}

/* Fields of the request; the content stays where job->request keeps it. */
static int decode(struct job *job, const void *payload, size_t length, char *path)
{
	struct write_job *write = &job->write;
	struct frame_reader reader;
	char expected[2 * FILES_SHA256_BYTES + 1];

	frame_read(&reader, payload, length);
	frame_get_text(&reader, path, LIMIT_PATH_BYTES);
	write->flags = frame_get_u32(&reader);
	frame_get_text(&reader, expected, sizeof expected);
	write->content = frame_get_bytes(&reader, &write->content_length);
	write->expected = expected[0];
	if (frame_done(&reader) < 0 || (write->flags & ~(FILES_CREATE_ONLY | FILES_APPEND)))
		return -EPROTO;
	return write->expected ? parse_hex(expected, write->expected_sha256) : 0;
}

/* What stands there now: may it be replaced? */
static int check_old(struct write_job *write, struct refusal *refusal)
{
	_cleanup_fd_ int writable = -1;

	if (fstatat(write->directory, write->name, &write->status, AT_SYMLINK_NOFOLLOW) < 0) {
		write->status.st_nlink = 0;
		if (errno != ENOENT)
			return refuse_errno(refusal, errno, "write", write->path);
		return write->expected
			       ? refuse(refusal, ENOENT,
					"`%.600s` does not exist, so it cannot have the expected sha256",
					write->path)
			       : 0;
	}
	if (S_ISDIR(write->status.st_mode))
		return refuse_errno(refusal, EISDIR, "write", write->path);
	if (!S_ISREG(write->status.st_mode))
		return refuse(refusal, EINVAL, "cannot write `%.600s`: it is no regular file", write->path);
	if (write->flags & FILES_CREATE_ONLY)
		return refuse(refusal, EEXIST,
			      "`%.600s` exists already (%lld bytes), and create_only asks for a new file",
			      write->path, (long long)write->status.st_size);
	/* a rename would not ask: whoever made the file read-only means it */
	writable = reach_open_below(write->directory, write->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	if (writable < 0 && writable != -ETXTBSY)
		return refuse_errno(refusal, writable, "write", write->path);
	return 0;
}

/* The temporary file, with owner and mode of the old one. */
static int make_temporary(struct write_job *write, struct refusal *refusal)
{
	bool old = write->status.st_nlink;
	struct stat made;
	uint64_t random;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return refuse_errno(refusal, errno, "write", write->path);
	snprintf(write->temporary_name, sizeof write->temporary_name, ".sallyport-%016" PRIx64, random);
	write->temporary = reach_create(write->directory, write->temporary_name, old ? 0600 : 0666);
	if (write->temporary < 0) {
		write->temporary_name[0] = '\0';
		return refuse_errno(refusal, write->temporary, "write", write->path);
	}
	if (!old)
		return 0;
	if (fstat(write->temporary, &made) < 0)
		return refuse_errno(refusal, errno, "write", write->path);
	if ((made.st_uid != write->status.st_uid || made.st_gid != write->status.st_gid) &&
	    fchown(write->temporary, write->status.st_uid, write->status.st_gid) < 0)
		return refuse(refusal, errno,
			      "cannot write `%.600s`: it belongs to user %u, group %u, and replacing it "
			      "would change "
			      "that; change its owner first, or write another file",
			      write->path, write->status.st_uid, write->status.st_gid);
	if (fchmod(write->temporary, write->status.st_mode & 07777) < 0)
		return refuse_errno(refusal, errno, "write", write->path);
	return 0;
}

static int prepare(struct files *files, struct write_job *write, const char *path, struct refusal *refusal)
{
	struct place place;
	int result = reach_find(&files->reach, path, "write", &place, refusal);

	if (result < 0)
		return result;
	if (!place.root->write)
		return reach_judge(&files->reach, &place, place.root->fd, "", true, refusal);
	write->directory =
		reach_parent(&files->reach, &place, !write->expected, "write", write->name, refusal);
	if (write->directory < 0)
		return write->directory;
	result = reach_judge(&files->reach, &place, write->directory, write->name, true, refusal);
	if (result == 0)
		result = check_old(write, refusal);
	if (result < 0)
		return result;
	if (write->status.st_nlink && (write->expected || write->flags & FILES_APPEND)) {
		write->old =
			reach_open_below(write->directory, write->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (write->old < 0)
			return refuse_errno(refusal, write->old, "read", write->path);
	}
	return make_temporary(write, refusal);
}

static void end(struct files *files, struct job *job)
{
	struct write_job *write = &job->write;

	sync_abandon(&files->sync, write->slot);
	if (write->temporary_name[0])
		unlinkat(write->directory, write->temporary_name, 0);
	close_fd(&write->temporary);
	close_fd(&write->old);
	close_fd(&write->directory);
	close_fd(&write->opened_directory);
	free(steal_pointer(write->path));
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct write_job *write = &job->write;
	char path[LIMIT_PATH_BYTES];
	int result;

	memset(write, 0, sizeof *write);
	write->directory = write->old = write->temporary = write->opened_directory = write->slot = -1;
	if (payload != buffer_data(&job->request)) { /* it came in one piece: private, but not for long */
		result = buffer_append(&job->request, payload, length);
		if (result < 0)
			return refuse_errno(refusal, result, "write", "the file");
	}
	result = decode(job, buffer_data(&job->request), length, path);
	if (result < 0)
		return result;
	write->path = strdup(path);
	result = write->path ? prepare(files, write, path, refusal)
			     : refuse_errno(refusal, ENOMEM, "write", path);
	write->phase = write->old >= 0 ? WRITE_OLD : WRITE_DATA;
	sha256_init(&write->hash);
	sha256_init(&write->old_hash);
	if (result < 0)
		end(files, job);
	return result;
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static int put(struct write_job *write, const uint8_t *bytes, size_t length)
{
	sha256_update(&write->hash, length, bytes);
	write->size += length;
	return write_all(write->temporary, bytes, length);
}

static int compare_old(struct write_job *write, struct refusal *refusal)
{
	uint8_t sha256[SHA256_DIGEST_SIZE];

	if (!write->expected)
		return 0;
	sha256_digest(&write->old_hash, sizeof sha256, sha256);
	if (memcmp(sha256, write->expected_sha256, sizeof sha256) == 0)
		return 0;
	char hex[2 * SHA256_DIGEST_SIZE + 1];

	for (size_t i = 0; i < sizeof sha256; i++)
		snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
	return refuse(refusal, ESTALE,
		      "`%.400s` is not as expected: its sha256 is %s. Nothing was written; read it again",
		      write->path, hex);
}

/* A slice of the old content: hashed for expected_sha256, copied for append. */
static int old_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	for (size_t done = 0; done < LIMIT_FILES_SLICE_BYTES; done += LIMIT_FRAME_BYTES) {
		ssize_t got = pread(write->old, files->scratch, LIMIT_FRAME_BYTES, (off_t)write->position);
		int result = got < 0 ? -errno : 0;

		if (result == 0 && got > 0 && (write->flags & FILES_APPEND))
			result = put(write, files->scratch, (size_t)got);
		if (result < 0)
			return refuse_errno(refusal, result, "write", write->path);
		if (got == 0) {
			write->phase = WRITE_DATA;
			write->position = 0;
			return compare_old(write, refusal);
		}
		if (write->expected)
			sha256_update(&write->old_hash, (size_t)got, files->scratch);
		write->position += (uint64_t)got;
	}
	return 0;
}

static int data_slice(struct files *files, struct write_job *write, struct refusal *refusal)
{
	size_t left = write->content_length - (size_t)write->position;
	size_t length = left < LIMIT_FILES_SLICE_BYTES ? left : LIMIT_FILES_SLICE_BYTES;
	int result = length ? put(write, write->content + write->position, length) : 0;

	if (result < 0)
		return refuse_errno(refusal, result, "write", write->path);
	write->position += length;
	if (length == left)
		write->phase = WRITE_SYNC;
	return 0;
}

static enum job_state tell(struct files *files, struct job *job)
{
	struct write_job *write = &job->write;
	uint8_t sha256[SHA256_DIGEST_SIZE];
	struct buffer payload;

	sha256_digest(&write->hash, sizeof sha256, sha256);
	if (!reply_result(files, &payload))
		return JOB_DONE;
	frame_put_u64(&payload, write->size);
	frame_put_bytes(&payload, sha256, sizeof sha256);
	frame_put_u32(&payload, !write->status.st_nlink       ? FILES_CREATED
				: write->flags & FILES_APPEND ? FILES_APPENDED
							      : FILES_REPLACED);
	frame_put_u32(&payload, write->status.st_nlink ? (uint32_t)write->status.st_nlink - 1 : 0);
	/* last, since it alone may be long: cut where the reply ends, which is far behind any sensible path
	 */
	write->path[strnlen(write->path, LIMIT_FILES_REPLY_BYTES - 256)] = '\0';
	frame_put_text(&payload, write->path);
	return reply_result_end(files, job, &payload);
}

static int (*const phases[])(struct files *, struct write_job *, struct refusal *) = {
	[WRITE_OLD] = old_slice,    [WRITE_DATA] = data_slice,       [WRITE_SYNC] = commit_content,
	[WRITE_NAME] = commit_name, [WRITE_SAVE] = commit_directory,
};

static enum job_state step(struct files *files, struct job *job)
{
	struct write_job *write = &job->write;
	struct refusal refusal;

	int result = phases[write->phase](files, write, &refusal);

	if (result < 0)
		return reply_refusal(files, job, &refusal);
	job->done = write->phase >= WRITE_SAVE;
	if (write->phase == WRITE_RESULT)
		return tell(files, job);
	return result == COMMIT_WAITS ? JOB_WAIT : JOB_AGAIN;
}

const struct operation write_operation = {
	.type = FILES_WRITE,
	.request_bytes = LIMIT_MESSAGE_BYTES + LIMIT_PATH_BYTES + 256,
	.start = start,
	.step = step,
	.end = end,
};
