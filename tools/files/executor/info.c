/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get_file_info: what fstat says, and for a regular file what its content is, looked through in slices: all
 * of it for the hash, as much as LIMIT_INFO_TEXT_BYTES of text for lines and encoding. A link at the end is
 * followed as far as it may be; its target is told beside what it leads to.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/scan.h"
#include "tools/files/executor/text.h"
#include "tools/files/wire.h"

struct info {
	char *path;         /* as typed */
	int fd;             /* for reading; -1: nothing to read */
	bool hashing, text; /* text: some of it is still to be looked at */
	uint32_t flags;     /* FILES_INFO_* */
	struct stat status;
	char target[LIMIT_PATH_BYTES];
	const char *kind, *guess; /* guess: of an encoding that text.h has no name for */
	uint64_t position;
	struct text_scan scan;
	struct sha256_ctx hash;
};

static void info_free(struct info *info)
{
	if (!info)
		return;
	close_fd(&info->fd);
	free(info->path);
	free(info);
}

/* What the entry itself is, when it is a link. */
static void read_target(const struct reach *reach, struct info *info, struct place place)
{
	struct refusal ignored;
	char name[256];
	_cleanup_fd_ int directory = reach_entry(reach, &place, false, "look at", name, &ignored);
	ssize_t length =
		directory < 0 ? -1 : readlinkat(directory, name, info->target, sizeof info->target - 1);

	info->target[length > 0 ? length : 0] = '\0';
	if (directory >= 0 && length > 0)
		fstatat(directory, name, &info->status, AT_SYMLINK_NOFOLLOW);
}

/* Opens the content; without the right to read it the rest is still told. */
static int open_content(const struct reach *reach, struct info *info, struct place *place,
			struct refusal *refusal)
{
	if (!S_ISREG(info->status.st_mode))
		return 0;
	info->fd = reach_open(reach, place, O_RDONLY, "read", refusal);
	if (info->fd < 0)
		info->flags |= FILES_INFO_UNREADABLE;
	else if (fstat(info->fd, &info->status) < 0 || !S_ISREG(info->status.st_mode))
		return refuse(refusal, EAGAIN, "`%.600s` was replaced meanwhile; try again", info->path);
	if (info->hashing && info->fd < 0)
		return info->fd;
	if (info->hashing && (uint64_t)info->status.st_size > LIMIT_INFO_HASH_BYTES)
		return refuse(refusal, EFBIG,
			      "`%.600s` has %lld bytes, and at most %llu are hashed; sha256sum does it "
			      "(run_command)",
			      info->path, (long long)info->status.st_size, LIMIT_INFO_HASH_BYTES);
	return 0;
}

static int look(const struct reach *reach, struct info *info, struct refusal *refusal)
{
	struct place place;
	int result = reach_find(reach, info->path, "look at", &place, refusal);

	if (result == 0 && reach->hides)
		result = reach_judge_read(reach, &place, "look at", refusal);
	if (result < 0)
		return result;
	read_target(reach, info, place);
	_cleanup_fd_ int fd = reach_open(reach, &place, O_PATH, "look at", refusal);
	if (fd < 0 && info->target[0]) { /* a link that leads to nothing we may look at */
		info->flags |= FILES_INFO_UNREADABLE;
		return 0;
	}
	if (fd < 0)
		return fd;
	if (fstat(fd, &info->status) < 0)
		return refuse_errno(refusal, errno, "look at", info->path);
	return open_content(reach, info, &place, refusal);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct info *info = calloc(1, sizeof *info);
	struct frame_reader reader;
	uint32_t flags;
	int result;

	if (!info)
		return refuse_errno(refusal, ENOMEM, "look at", "the file");
	frame_read(&reader, payload, length);
	info->fd = -1;
	info->path = frame_take_text(&reader, LIMIT_PATH_BYTES - 1);
	flags = frame_get_u32(&reader);
	info->hashing = flags & FILES_HASH;
	sha256_init(&info->hash);
	result = frame_done(&reader) < 0 || (flags & ~FILES_HASH) ? -EPROTO : 0;
	if (result == 0)
		result = look(&files->reach, info, refusal);
	if (result < 0)
		info_free(info);
	else
		job->info.info = info;
	return result;
}

/* The first bytes: text, media, or what else. */
static void judge_head(struct info *info, const uint8_t *bytes, size_t length)
{
	struct scan_kind kind = scan_kind(bytes, length < LIMIT_HEAD_BYTES ? length : LIMIT_HEAD_BYTES);

	info->text = length > 0 && (kind.class == SCAN_TEXT || text_is_utf16(bytes, length));
	info->kind = info->text || kind.class == SCAN_TEXT ? "text/plain" : kind.name;
	if (info->text)
		info->flags |= FILES_INFO_TEXT;
	text_scan_begin(&info->scan);
}

static void look_at_text(struct info *info, const uint8_t *bytes, size_t length)
{
	if (info->position >= LIMIT_INFO_TEXT_BYTES) {
		info->flags |= FILES_INFO_PART;
		info->text = false;
		return;
	}
	text_scan_add(&info->scan, bytes, length);
	if (!info->guess)
		info->guess = scan_encoding(bytes, length);
}

static const char *encoding_name(const struct info *info, const struct text_scan *scan,
				 const struct text *text)
{
	if (text->encoding == TEXT_OTHER && info->guess)
		return info->guess;
	if (text->encoding != TEXT_UTF8)
		return text_encoding_name(text);
	if (text->mark)
		return "UTF-8 with a byte-order mark";
	return scan->single || scan->paired ? "UTF-8" : "ASCII";
}

static enum job_state tell(struct files *files, struct job *job, bool whole)
{
	const struct info *info = job->info.info;
	bool is_text = info->flags & FILES_INFO_TEXT, open_end;
	const struct stat *status = &info->status;
	uint8_t sha256[SHA256_DIGEST_SIZE];
	struct sha256_ctx hash = info->hash;
	struct text_scan scan = info->scan;
	struct text text = {0};
	struct buffer payload;

	if (is_text)
		text_scan_end(&scan, &text);
	open_end = is_text && !(info->flags & FILES_INFO_PART) && !text.last_ends;
	if (!reply_result(files, &payload))
		return JOB_DONE;
	sha256_digest(&hash, sizeof sha256, sha256);
	frame_put_u32(&payload, files_type_of(status->st_mode));
	frame_put_u32(&payload, info->flags | (open_end ? FILES_INFO_OPEN_END : 0));
	frame_put_u64(&payload, (uint64_t)status->st_size);
	frame_put_u64(&payload, (uint64_t)status->st_blocks * 512);
	frame_put_u32(&payload, status->st_mode & 07777);
	frame_put_u32(&payload, status->st_uid);
	frame_put_u32(&payload, status->st_gid);
	frame_put_u32(&payload, (uint32_t)status->st_nlink);
	frame_put_u64(&payload, (uint64_t)status->st_mtim.tv_sec);
	frame_put_u64(&payload, (uint64_t)status->st_atim.tv_sec);
	frame_put_u64(&payload, (uint64_t)status->st_ctim.tv_sec);
	frame_put_u64(&payload, text.lines);
	info->target[0] ? frame_put_bytes(&payload, info->target, strnlen(info->target, 1500))
			: frame_put_text(&payload, "");
	frame_put_text(&payload, info->kind);
	frame_put_text(&payload, is_text ? encoding_name(info, &scan, &text) : "");
	frame_put_text(&payload, is_text ? text_ends_name(&text) : "");
	frame_put_bytes(&payload, sha256, whole && info->hashing ? sizeof sha256 : 0);
	reply_put_path(&payload, info->path);
	return reply_result_end(files, job, &payload);
}

static enum job_state step(struct files *files, struct job *job)
{
	struct info *info = job->info.info;
	struct refusal refusal;

	for (size_t done = 0; info->fd >= 0 && done < LIMIT_FILES_SLICE_BYTES; done += LIMIT_FRAME_BYTES) {
		ssize_t got = pread(info->fd, files->scratch, LIMIT_FRAME_BYTES, (off_t)info->position);

		if (got < 0) {
			refuse_errno(&refusal, errno, "read", info->path);
			return reply_refusal(files, job, &refusal);
		}
		if (info->position == 0)
			judge_head(info, files->scratch, (size_t)got);
		if (got == LIMIT_FRAME_BYTES && info->text)
			got = (ssize_t)scan_whole_characters(files->scratch, (size_t)got);
		if (got > 0 && info->text)
			look_at_text(info, files->scratch, (size_t)got);
		if (got > 0 && info->hashing)
			sha256_update(&info->hash, (size_t)got, files->scratch);
		info->position += (uint64_t)got;
		if (info->hashing && info->position > LIMIT_INFO_HASH_BYTES) {
			refuse(&refusal, EFBIG, "`%.600s` has no end that was reached", info->path);
			return reply_refusal(files, job, &refusal);
		}
		if (got == 0 || (!info->text && !info->hashing))
			return tell(files, job, true);
	}
	return info->fd < 0 ? tell(files, job, false) : JOB_AGAIN;
}

static void end(struct files *files, struct job *job)
{
	info_free(steal_pointer(job->info.info));
}

const struct operation info_operation = {
	.type = FILES_INFO,
	.request_bytes = LIMIT_PATH_BYTES + 64,
	.start = start,
	.step = step,
	.end = end,
};
