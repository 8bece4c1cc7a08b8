/* SPDX-License-Identifier: Apache-2.0 */
/* Journals: their names, their lock, their records; and how one change is taken back. */
#include "tools/files/executor/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "tools/files/executor/reach.h"

#define TEMPORARY_PREFIX ".sallyport-"
#define HEX_DIGITS       16

bool temporary_is(const char *name)
{
	size_t prefix = strlen(TEMPORARY_PREFIX);

	return strncmp(name, TEMPORARY_PREFIX, prefix) == 0 && strlen(name) == prefix + HEX_DIGITS &&
	       strspn(name + prefix, "0123456789abcdef") == HEX_DIGITS;
}

static int random_name(char *name, size_t size, const char *prefix)
{
	uint64_t random;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		return -EIO;
	snprintf(name, size, "%s%016" PRIx64, prefix, random);
	return 0;
}

int temporary_name(char name[TEMPORARY_BYTES])
{
	return random_name(name, TEMPORARY_BYTES, TEMPORARY_PREFIX);
}

void journal_init(struct journal *journal)
{
	*journal = (struct journal){.root = -1, .fd = -1};
}

int journal_open(struct journal *journal, const struct reach_root *root)
{
	_cleanup_fd_ int fd = -1;
	struct stat status;
	int result = random_name(journal->name, sizeof journal->name, JOURNAL_PREFIX);

	if (result < 0)
		return result;
	fd = reach_create(root->fd, journal->name, 0600);
	if (fd < 0)
		return fd;
	/* a server that starts right now may have taken it for one that was left behind: then it is empty and
	 * gone
	 */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0 || status.st_nlink == 0)
		result = -EAGAIN;
	else if (write(fd, JOURNAL_MAGIC, strlen(JOURNAL_MAGIC)) != (ssize_t)strlen(JOURNAL_MAGIC))
		result = -ENOSPC;
	if (result < 0) {
		unlinkat(root->fd, journal->name, 0);
		return result;
	}
	journal->root = root->fd;
	journal->fd = steal_fd(&fd);
	return 0;
}

int journal_path(const struct reach_root *root, const char *below, const char *name,
		 char path[LIMIT_PATH_BYTES])
{
	const char *slash = strrchr(below, '/');
	int above = slash ? (int)(slash + 1 - below) : 0;
	int length = name ? snprintf(path, LIMIT_PATH_BYTES, "%s/%.*s%s", root->path, above, below, name)
			  : snprintf(path, LIMIT_PATH_BYTES, "%s/%s", root->path, below);

	return length < LIMIT_PATH_BYTES ? 0 : -ENAMETOOLONG;
}

int journal_note(struct journal *journal, const struct reach_root *root, const char *below, const char *name)
{
	struct buffer records;
	char path[LIMIT_PATH_BYTES];
	int result = journal_path(root, below, name, path);

	if (result == 0)
		result = journal_open(journal, root);
	if (result < 0)
		return result;
	buffer_init(&records, LIMIT_JOURNAL_BYTES);
	result = journal_put_path(&records, JOURNAL_TEMPORARY, path);
	if (result == 0)
		result = journal_add(journal, &records);
	buffer_deinit(&records);
	if (result < 0)
		journal_remove(journal);
	return result;
}

int journal_add(struct journal *journal, const struct buffer *records)
{
	ssize_t written = write(journal->fd, buffer_data(records), buffer_length(records));

	if (written < 0)
		return -errno;
	return (size_t)written == buffer_length(records) ? 0 : -ENOSPC;
}

void journal_remove(struct journal *journal)
{
	if (journal->fd < 0)
		return;
	unlinkat(journal->root, journal->name, 0);
	close_fd(&journal->fd);
}

/* ---- records ---- */

/* The length of a record, once its payload stands behind `at`. */
static int finish(struct buffer *records, size_t at, int result)
{
	if (result < 0)
		return result;
	frame_set_u32(buffer_data(records) + at, (uint32_t)(buffer_length(records) - at - sizeof(uint32_t)));
	return 0;
}

int journal_put_mark(struct buffer *records, enum journal_kind kind)
{
	size_t at = buffer_length(records);
	int result = frame_put_u32(records, 0);

	if (result == 0)
		result = frame_put_u32(records, kind);
	return finish(records, at, result);
}

int journal_put_path(struct buffer *records, enum journal_kind kind, const char *path)
{
	size_t at = buffer_length(records);
	int result = journal_put_mark(records, kind);

	if (result == 0)
		result = frame_put_text(records, path);
	return finish(records, at, result);
}

int journal_put_change(struct buffer *records, const char *path, const char *backup, const struct stat *made)
{
	static const struct stat none;
	size_t at = buffer_length(records);
	int result = journal_put_path(records, JOURNAL_CHANGE, path);

	if (result == 0)
		result = frame_put_text(records, backup);
	if (result == 0)
		result = frame_put_u32(records, made != NULL);
	made = made ? made : &none;
	if (result < 0 || (result = frame_put_u64(records, made->st_ino)) < 0 ||
	    (result = frame_put_u64(records, (uint64_t)made->st_size)) < 0 ||
	    (result = frame_put_u64(records, (uint64_t)made->st_mtim.tv_sec)) < 0 ||
	    (result = frame_put_u32(records, (uint32_t)made->st_mtim.tv_nsec)) < 0)
		return result;
	return finish(records, at, 0);
}

bool journal_read(struct journal_reader *reader, const void *content, size_t length)
{
	size_t magic = strlen(JOURNAL_MAGIC);

	if (length < magic || memcmp(content, JOURNAL_MAGIC, magic) != 0)
		return false;
	reader->at = (const uint8_t *)content + magic;
	reader->end = (const uint8_t *)content + length;
	return true;
}

static int decode(struct journal_record *record, const uint8_t *payload, size_t length)
{
	struct frame_reader reader;
	uint32_t kind;

	memset(record, 0, sizeof *record);
	frame_read(&reader, payload, length);
	kind = frame_get_u32(&reader);
	if (kind < JOURNAL_TEMPORARY || kind >= JOURNAL_KINDS)
		return -EPROTO;
	record->kind = (enum journal_kind)kind;
	if (kind <= JOURNAL_CHANGE)
		frame_get_text(&reader, record->path, sizeof record->path);
	if (kind == JOURNAL_CHANGE) {
		frame_get_text(&reader, record->backup, sizeof record->backup);
		record->made = frame_get_u32(&reader) != 0;
		record->inode = frame_get_u64(&reader);
		record->size = frame_get_u64(&reader);
		record->seconds = (int64_t)frame_get_u64(&reader);
		record->nanoseconds = frame_get_u32(&reader);
	}
	if (frame_done(&reader) < 0 || (kind <= JOURNAL_CHANGE && record->path[0] != '/') ||
	    (record->backup[0] && !temporary_is(record->backup)))
		return -EPROTO;
	return 0;
}

int journal_next(struct journal_reader *reader, struct journal_record *record)
{
	struct frame_reader head;
	size_t left = (size_t)(reader->end - reader->at), length;
	int result;

	frame_read(&head, reader->at, left);
	length = frame_get_u32(&head);
	if (head.failed || length > left - sizeof(uint32_t))
		return 0;
	result = decode(record, reader->at + sizeof(uint32_t), length);
	reader->at += sizeof(uint32_t) + length;
	return result < 0 ? result : 1;
}

/* ---- taking back ---- */

static bool is_ours(const struct stat *status, const struct journal_record *record)
{
	return record->made && S_ISREG(status->st_mode) && status->st_ino == record->inode &&
	       (uint64_t)status->st_size == record->size && status->st_mtim.tv_sec == record->seconds &&
	       status->st_mtim.tv_nsec == (long)record->nanoseconds;
}

void journal_undo(int directory, const char *name, const struct journal_record *record)
{
	struct stat status;
	bool there = fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0;

	if (!there && errno != ENOENT)
		return;
	if (!record->backup[0]) {
		if (there && is_ours(&status, record))
			unlinkat(directory, name, 0);
		return;
	}
	if (there && is_ours(&status, record)) /* no backup: it was not made, so this is no change of ours */
		there = renameat2(directory, record->backup, directory, name, 0) == 0 || errno == ENOENT;
	else if (!there && renameat2(directory, record->backup, directory, name, RENAME_NOREPLACE) < 0)
		/* where there is no RENAME_NOREPLACE: a link does not replace either */
		there = errno == EINVAL && linkat(directory, record->backup, directory, name, 0) == 0;
	else
		there = true;
	if (there) /* another link of what stands there now, or of what somebody has replaced since */
		unlinkat(directory, record->backup, 0);
}
