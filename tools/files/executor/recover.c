/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What earlier executors left in the middle of: journals in the roots of workspaces, whose writers are gone.
 * Trusts nothing in them: journal.h says what one can get done.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/journal.h"
#include "tools/files/executor/removal.h"

/* The directory of an absolute path, judged for its last name: an O_PATH descriptor, or -errno. */
static int open_above(const struct files *files, char *path, struct place *place, const char **name)
{
	char *slash = strrchr(path, '/');
	struct refusal ignored;
	struct place above;
	_cleanup_fd_ int directory = -1;
	int result = reach_find(&files->reach, path, "write", place, &ignored);

	*name = slash + 1;
	if (result < 0)
		return result;
	/* a name of its own, in a directory of the workspace */
	if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0 || strlen(*name) > 255 ||
	    strcmp(place->below, ".") == 0)
		return -EPERM;
	above = *place;
	if (strchr(above.below, '/'))
		*strrchr(above.below, '/') = '\0';
	else
		snprintf(above.below, sizeof above.below, ".");
	directory = reach_open(&files->reach, &above, O_PATH | O_DIRECTORY, "write", &ignored);
	if (directory < 0)
		return directory;
	result = reach_judge(&files->reach, place, directory, *name, true, &ignored);
	return result < 0 ? result : steal_fd(&directory);
}

static void save(int directory)
{
	_cleanup_fd_ int opened = reach_open_below(directory, ".", O_RDONLY | O_DIRECTORY);

	if (opened >= 0)
		fsync(opened);
}

/* A temporary file, or the tree that a copy of a directory has become so far. */
static void remove_temporary(const struct files *files, const struct place *place, int directory,
			     const char *name)
{
	struct removal removal;
	struct refusal ignored;

	if (unlinkat(directory, name, 0) == 0 || errno != EISDIR ||
	    reach_judge_tree(&files->reach, place, directory, name, true, &ignored) < 0)
		return;
	removal_init(&removal, directory, name, true);
	while (removal_step(&removal) == 0)
		;
	removal_deinit(&removal);
}

/* Which records count in which round. Directories last, and deepest first (journal.h). */
enum round { CHANGES, TEMPORARIES, DIRECTORIES, ROUNDS };

static void act(const struct files *files, struct journal_record *record, enum round round, bool done)
{
	struct place place;
	const char *name;
	_cleanup_fd_ int directory = open_above(files, record->path, &place, &name);

	if (directory < 0)
		return;
	if (round == CHANGES && done)
		unlinkat(directory, record->backup, 0);
	else if (round == CHANGES)
		journal_undo(directory, name, record);
	else if (round == TEMPORARIES && temporary_is(name))
		remove_temporary(files, &place, directory, name);
	else if (round == DIRECTORIES && !done)
		unlinkat(directory, name, AT_REMOVEDIR);
	save(directory);
}

static bool belongs(const struct journal_record *record, enum round round, bool done)
{
	switch (record->kind) {
	case JOURNAL_CHANGE:
		return round == CHANGES && (!done || record->backup[0]);
	case JOURNAL_TEMPORARY:
		return round == TEMPORARIES;
	case JOURNAL_DIRECTORY:
		return round == DIRECTORIES && !done;
	default:
		return false;
	}
}

/* True when all of it makes sense, with what it says about itself. */
static bool check(struct journal_reader reader, bool *begun, bool *done)
{
	struct journal_record record;
	int result;

	*begun = *done = false;
	while ((result = journal_next(&reader, &record)) > 0) {
		*begun |= record.kind == JOURNAL_BEGIN;
		*done |= record.kind == JOURNAL_DONE;
	}
	return result == 0;
}

bool journal_replay(const struct files *files, const void *content, size_t length)
{
	struct journal_reader reader, again;
	struct journal_record record;
	bool begun, done;

	if (length < strlen(JOURNAL_MAGIC)) /* its writer came no further */
		return memcmp(content, JOURNAL_MAGIC, length) == 0;
	if (!journal_read(&reader, content, length) || !check(reader, &begun, &done))
		return false;
	for (int round = begun ? CHANGES : TEMPORARIES; round < ROUNDS; round++) {
		again = reader;
		while (journal_next(&again, &record) > 0)
			if (belongs(&record, (enum round)round, done))
				act(files, &record, (enum round)round, done);
	}
	return true;
}

/* One that may be ours: opened and locked, or -1. */
static int claim(int root, const char *name, struct stat *status)
{
	_cleanup_fd_ int fd = reach_open_below(root, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 || fstat(fd, status) < 0 || !S_ISREG(status->st_mode) || status->st_uid != geteuid() ||
	    (status->st_mode & 07777) != 0600 || status->st_nlink != 1 ||
	    status->st_size > LIMIT_JOURNAL_BYTES)
		return -1;
	/* its writer lives: it is his. And once more, since he may have been done just before */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, status) < 0 || status->st_nlink != 1 ||
	    status->st_size > LIMIT_JOURNAL_BYTES)
		return -1;
	return steal_fd(&fd);
}

static void recover(const struct files *files, const struct reach_root *root, const char *name)
{
	struct refusal ignored;
	struct place place = {.root = root, .below = "."};
	struct stat status;
	_cleanup_fd_ int fd = -1;
	_cleanup_free_ char *content = NULL;
	ssize_t length;

	if (reach_judge(&files->reach, &place, root->fd, name, true, &ignored) < 0)
		return;
	fd = claim(root->fd, name, &status);
	content = fd >= 0 ? malloc((size_t)status.st_size + 1) : NULL;
	if (!content)
		return;
	length = pread(fd, content, (size_t)status.st_size, 0);
	if (length < 0 || !journal_replay(files, content, (size_t)length))
		return; /* not one of ours, whatever its name: it stays for somebody to look at */
	unlinkat(root->fd, name, 0);
	save(root->fd);
}

static void look(struct files *files, const struct reach_root *root)
{
	_cleanup_fd_ int directory = reach_open_below(root->fd, ".", O_RDONLY | O_DIRECTORY);
	ssize_t got;

	while (directory >= 0 && (got = getdents64(directory, files->scratch, LIMIT_FRAME_BYTES)) > 0)
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const struct dirent64 *)(files->scratch + at);

			if (strncmp(entry->d_name, JOURNAL_PREFIX, strlen(JOURNAL_PREFIX)) == 0)
				recover(files, root, entry->d_name);
			at += entry->d_reclen;
		}
}

void journal_recover(struct files *files)
{
	for (size_t i = 0; i < files->reach.count; i++)
		if (files->reach.roots[i].fd >= 0 && files->reach.roots[i].write)
			look(files, &files->reach.roots[i]);
}
