/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One file's new content up to its last byte: where it goes and whether it may, the temporary file with the
 * old file's owner, mode and attributes (attributes.h), what is put into it. stage_commit.c gives it its
 * name.
 */
#include "tools/files/executor/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/attributes.h"
#include "tools/files/executor/job.h"
#include "tools/files/quote.h"

#define BLOCK 4096 /* the least hole that file systems have */

void stage_init(struct stage *stage)
{
	memset(stage, 0, sizeof *stage);
	stage->directory = stage->old = stage->temporary = stage->opened_directory = stage->slot = -1;
	stage->turn = -1;
	journal_init(&stage->journal);
	sha256_init(&stage->hash);
}

void stage_release(struct files *files, struct stage *stage)
{
	sync_abandon(&files->sync, stage->slot);
	if (stage->named)
		unlinkat(stage->directory, stage->temporary_name, 0);
	journal_remove(&stage->journal);
	close_fd(&stage->temporary);
	close_fd(&stage->old);
	close_fd(&stage->directory);
	close_fd(&stage->opened_directory);
	free(steal_pointer(stage->path));
	free(steal_pointer(stage->below));
	turns_give(&files->turns, stage->turn);
	stage->slot = stage->turn = -1;
	stage->named = false;
}

/* What is there? */
static int look(struct stage *stage, struct refusal *refusal)
{
	if (fstatat(stage->directory, stage->name, &stage->status, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	stage->status.st_nlink = 0;
	return errno == ENOENT ? 0 : refuse_errno(refusal, errno, "write", stage->path);
}

int stage_find(struct files *files, struct stage *stage, const char *path, bool make, struct refusal *refusal)
{
	char typed[LIMIT_PATH_BYTES], room[QUOTE_BYTES];
	struct place place;
	int result;

	stage->path = strdup(quote_show(quote_read(path, typed), room));
	if (!stage->path)
		return refuse_errno(refusal, ENOMEM, "write", path);
	result = reach_find(&files->reach, path, "write", &place, refusal);
	if (result < 0)
		return result;
	if (!place.root->write)
		return reach_judge(&files->reach, &place, place.root->fd, "", true, refusal);
	stage->directory = reach_parent(&files->reach, &place, make, "write", stage->name, refusal);
	if (stage->directory < 0)
		return stage->directory;
	stage->root = place.root;
	stage->below = strdup(place.below);
	if (!stage->below)
		return refuse_errno(refusal, ENOMEM, "write", path);
	result = reach_judge(&files->reach, &place, stage->directory, stage->name, true, refusal);
	if (result < 0)
		return result;
	return look(stage, refusal);
}

int stage_foretell(const struct files *files, const char *path, struct place *place, struct refusal *refusal)
{
	int result = reach_find(&files->reach, path, "write", place, refusal);
	struct place above;

	/* "a" when "a/b" is to be made: judged as the last of them, too */
	if (result == 0)
		result = reach_judge(&files->reach, place, place->root->fd, "", true, refusal);
	if (result < 0 || !strrchr(place->below, '/'))
		return result;
	above = *place;
	*strrchr(above.below, '/') = '\0';
	return reach_judge_parents(&files->reach, &above, refusal);
}

int stage_turn(struct files *files, struct stage *stage, struct refusal *refusal)
{
	struct stat status;

	if (stage->turn < 0) {
		if (fstat(stage->directory, &status) < 0)
			return refuse_errno(refusal, errno, "write", stage->path);
		stage->turn = turns_take(&files->turns, turn_key(status.st_dev, status.st_ino, stage->name));
		if (stage->turn < 0)
			return refuse_errno(refusal, EMFILE, "write", stage->path);
		if (turns_ready(&files->turns, stage->turn))
			return 0; /* what stage_find has seen is still true */
	}
	return turns_ready(&files->turns, stage->turn) ? look(stage, refusal) : STAGE_WAITS;
}

int stage_check(const struct stage *stage, struct refusal *refusal)
{
	_cleanup_fd_ int writable = -1;

	if (!stage->status.st_nlink)
		return 0;
	if (S_ISDIR(stage->status.st_mode))
		return refuse_errno(refusal, EISDIR, "write", stage->path);
	if (!S_ISREG(stage->status.st_mode))
		return refuse(refusal, EINVAL, "cannot write `%.600s`: it is no regular file", stage->path);
	/* a rename would not ask: whoever made the file read-only means it */
	writable = reach_open_below(stage->directory, stage->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	if (writable < 0 && writable != -ETXTBSY)
		return refuse_errno(refusal, writable, "write", stage->path);
	return 0;
}

int stage_open_old(struct stage *stage, struct refusal *refusal)
{
	stage->old = reach_open_below(stage->directory, stage->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	stage->watched = true;
	return stage->old < 0 ? refuse_errno(refusal, stage->old, "read", stage->path) : 0;
}

int stage_read_sha256(const char *digits, uint8_t sha256[SHA256_DIGEST_SIZE])
{
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++) {
		unsigned value;

		if (sscanf(digits + 2 * i, "%2x", &value) != 1)
			return -EPROTO;
		sha256[i] = (uint8_t)value;
	}
	return 0;
}

int stage_expect(const struct stage *stage, const uint8_t found[SHA256_DIGEST_SIZE],
		 const uint8_t expected[SHA256_DIGEST_SIZE], struct refusal *refusal)
{
	char hex[2 * SHA256_DIGEST_SIZE + 1];

	if (memcmp(found, expected, SHA256_DIGEST_SIZE) == 0)
		return 0;
	for (size_t i = 0; i < SHA256_DIGEST_SIZE; i++)
		snprintf(hex + 2 * i, 3, "%02x", found[i]);
	return refuse(refusal, ESTALE,
		      "`%.400s` is not as expected: its sha256 is %s. Nothing was written; read it again",
		      stage->path, hex);
}

/* Owner, group and mode of the old file. */
static int keep_owner(struct stage *stage, const struct stat *old, struct refusal *refusal)
{
	struct stat made;

	if (fstat(stage->temporary, &made) < 0)
		return refuse_errno(refusal, errno, "write", stage->path);
	if ((made.st_uid != old->st_uid || made.st_gid != old->st_gid) &&
	    fchown(stage->temporary, old->st_uid, old->st_gid) < 0)
		return refuse(refusal, errno,
			      "cannot write `%.600s`: it belongs to user %u, group %u, and replacing it "
			      "would change "
			      "that; change its owner first, or write another file",
			      stage->path, old->st_uid, old->st_gid);
	if (fchmod(stage->temporary, old->st_mode & 07777) < 0)
		return refuse_errno(refusal, errno, "write", stage->path);
	return 0;
}

void stage_note_name(struct stage *stage)
{
	if (!stage->journaled)
		journal_note(&stage->journal, stage->root, stage->below, stage->temporary_name);
}

static int make_temporary(struct stage *stage, mode_t mode)
{
	int result = stage->temporary_name[0] ? 0 : temporary_name(stage->temporary_name);

	if (result < 0)
		return result;
	stage->temporary = reach_create_unnamed(stage->directory, mode);
	if (stage->temporary != -EOPNOTSUPP)
		return stage->temporary;
	stage_note_name(stage);
	stage->temporary = reach_create(stage->directory, stage->temporary_name, mode);
	stage->named = stage->temporary >= 0;
	return stage->temporary;
}

/* Owner, mode and attributes of the old file, open for reading. */
static int be_like(struct stage *stage, int old, struct refusal *refusal)
{
	char attribute[256];
	struct stat status;
	int result;

	if (fstat(old, &status) < 0)
		return refuse_errno(refusal, errno, "write", stage->path);
	/* only where the old one is: a hole costs a call, and a file of zeros is meant */
	stage->sparse = status.st_blocks * 512 < status.st_size;
	result = keep_owner(stage, &status, refusal);
	if (result < 0)
		return result;
	result = attributes_copy(old, stage->temporary, attribute);
	if (result < 0)
		return refuse(refusal, -result,
			      "cannot write `%.600s`: its attribute %s could not be kept (%s); remove the "
			      "attribute first, or write another file",
			      stage->path, attribute, err_name(result));
	return 0;
}

/* The same of what is there, if anything is. */
static int be_like_old(struct stage *stage, struct refusal *refusal)
{
	_cleanup_fd_ int old = -1;

	if (!stage->status.st_nlink)
		return 0;
	old = reach_open_below(stage->directory, stage->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (old == -EACCES) /* writable and not readable: then its attributes are as hidden as its content */
		return keep_owner(stage, &stage->status, refusal);
	return old < 0 ? refuse_errno(refusal, old, "write", stage->path) : be_like(stage, old, refusal);
}

int stage_create_like(struct stage *stage, int like, struct refusal *refusal)
{
	_cleanup_fd_ int old = like;
	int result = make_temporary(stage, old >= 0 ? 0600 : 0666);

	if (result < 0)
		return refuse_errno(refusal, result, "write", stage->path);
	return old < 0 ? 0 : be_like(stage, old, refusal);
}

int stage_create(struct stage *stage, struct refusal *refusal)
{
	int result = make_temporary(stage, stage->status.st_nlink ? 0600 : 0666);

	return result < 0 ? refuse_errno(refusal, result, "write", stage->path) : be_like_old(stage, refusal);
}

int stage_adopt(struct stage *stage, struct stage *from, struct refusal *refusal)
{
	memcpy(stage->temporary_name, from->temporary_name, sizeof stage->temporary_name);
	if (from->named) {
		stage_note_name(stage);
		if (renameat2(from->directory, from->temporary_name, stage->directory, from->temporary_name,
			      0) < 0)
			return refuse_errno(refusal, errno, "write", stage->path);
	}
	stage->named = from->named;
	from->named = false;
	stage->temporary = steal_fd(&from->temporary);
	stage->size = from->size;
	stage->hash = from->hash;
	stage->sparse = from->sparse;
	return be_like_old(stage, refusal);
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

/* Whole blocks that are zero (*hole), or bytes up to the next such. */
static size_t run(const uint8_t *bytes, size_t length, uint64_t offset, bool *hole)
{
	static const uint8_t zeros[BLOCK];
	size_t at = 0;

	for (*hole = false; at < length;) {
		size_t step = BLOCK - (size_t)((offset + at) % BLOCK);
		bool zero = step == BLOCK && length - at >= BLOCK && memcmp(bytes + at, zeros, BLOCK) == 0;

		if (at > 0 && zero != *hole)
			return at;
		*hole = zero;
		at += step < length - at ? step : length - at;
	}
	return length;
}

int stage_put(struct stage *stage, const void *bytes, size_t length)
{
	const uint8_t *at = bytes;
	int result = 0;

	sha256_update(&stage->hash, length, at);
	while (length > 0 && result == 0) {
		bool hole = false;
		size_t part = stage->sparse ? run(at, length, stage->size, &hole) : length;

		if (hole)
			result = lseek(stage->temporary, (off_t)part, SEEK_CUR) < 0 ? -errno : 0;
		else
			result = write_all(stage->temporary, at, part);
		stage->size += part;
		at += part;
		length -= part;
	}
	return result;
}
