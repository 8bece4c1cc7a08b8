/* SPDX-License-Identifier: Apache-2.0 */
/* What the journal of several changes is told: what will be there before anything is, and what will be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/changes_parts.h"
#include "tools/files/executor/job.h"

#define WRITE_JOURNAL "write a journal for several files in"

int changes_fail(const struct changes *changes, int result, struct refusal *refusal)
{
	return refuse_errno(refusal, result, "write", changes->list[0].stage.path);
}

/* Adds what stands in `records` from `from` on to the journal. 0 or a refusal. */
int changes_tell(struct changes *changes, size_t from, int result, struct refusal *refusal)
{
	struct buffer added = changes->records;

	added.start += from;
	if (result == 0)
		result = journal_add(&changes->journal, &added);
	if (result == 0)
		return 0;
	changes->records.end = changes->records.start + from; /* the journal has no more than that, whole */
	return refuse_errno(refusal, result, WRITE_JOURNAL, changes->list[0].stage.root->path);
}

/* "WORKSPACE/DIRECTORY/name" of something beside where `place` leads by its text. */
static int put_beside(struct buffer *records, const struct place *place, const char *name)
{
	char path[LIMIT_PATH_BYTES];
	int result = journal_path(place->root, place->below, name, path);

	return result < 0 ? result : journal_put_path(records, JOURNAL_TEMPORARY, path);
}

/* Directories that will be made on the way, deepest first. */
static int note_directories(struct changes *changes, struct place *place)
{
	char path[LIMIT_PATH_BYTES];
	int result = 0;

	for (char *slash; result == 0 && (slash = strrchr(place->below, '/'));) {
		*slash = '\0';
		_cleanup_fd_ int there =
			reach_open_below(place->root->fd, place->below, O_PATH | O_DIRECTORY);
		int length = snprintf(path, sizeof path, "%s/%s", place->root->path, place->below);

		if (there != -ENOENT)
			break;
		result = length < (int)sizeof path
				 ? journal_put_path(&changes->records, JOURNAL_DIRECTORY, path)
				 : -ENAMETOOLONG;
	}
	return result;
}

/* What will be there besides: the temporary name of a new file, directories on its way; and the second name
 * that an old one will have. */
static int note(struct files *files, struct changes *changes, struct change *change, struct refusal *refusal)
{
	struct stage *stage = &change->stage;
	struct place place;
	int result = reach_find(&files->reach, stage->path, "write", &place, refusal);

	if (result < 0)
		return result;
	if (stage->below) { /* links followed */
		place.root = stage->root;
		snprintf(place.below, sizeof place.below, "%s", stage->below);
	}
	stage->journaled = true;
	if (stage->status.st_nlink)
		result = temporary_name(change->backup);
	if (result == 0 && !change->remove && (result = temporary_name(stage->temporary_name)) == 0)
		result = put_beside(&changes->records, &place, stage->temporary_name);
	if (result == 0 && change->late)
		result = note_directories(changes, &place);
	return result < 0 ? changes_fail(changes, result, refusal) : 0;
}

/* The workspace that the journal stands in: of the first file. */
static int open_journal(struct files *files, struct changes *changes, struct refusal *refusal)
{
	struct place place;
	int result = reach_find(&files->reach, changes->list[0].stage.path, "write", &place, refusal);

	if (result < 0)
		return result;
	snprintf(place.below, sizeof place.below, ".");
	result = reach_judge(&files->reach, &place, place.root->fd, JOURNAL_PREFIX, true, refusal);
	if (result < 0)
		return result;
	result = journal_open(&changes->journal, place.root);
	changes->list[0].stage.root = place.root;
	if (result == -ENOSPC || result == -EDQUOT)
		return refuse_errno(refusal, result, WRITE_JOURNAL, place.root->path);
	return result < 0 ? refuse(refusal, -result,
				   "several files are changed all or none, and that needs a journal in "
				   "`%.600s`, "
				   "which cannot be made there (%s); patch one file at a time",
				   place.root->path, err_name(result))
			  : 0;
}

int changes_prepare(struct files *files, struct changes *changes, struct refusal *refusal)
{
	size_t from = strlen(JOURNAL_MAGIC);
	int result;

	changes->phase = CHANGES_MAKE;
	if (changes->count == 1)
		return CHANGES_AGAIN;
	result = open_journal(files, changes, refusal);
	if (result == 0 && buffer_append_text(&changes->records, JOURNAL_MAGIC) < 0)
		result = changes_fail(changes, -ENOMEM, refusal);
	for (size_t i = 0; result == 0 && i < changes->count; i++)
		result = note(files, changes, &changes->list[i], refusal);
	if (result == 0)
		result = changes_tell(changes, from, 0, refusal);
	return result < 0 ? result : CHANGES_AGAIN;
}

int changes_seal(struct changes *changes, struct refusal *refusal)
{
	size_t from = buffer_length(&changes->records);
	int result = 0;

	for (size_t i = 0; result == 0 && i < changes->count; i++) {
		struct change *change = &changes->list[i];
		char path[LIMIT_PATH_BYTES];
		struct stat made;

		if (fstat(change->stage.directory, &made) < 0)
			result = -errno;
		change->device = made.st_dev;
		change->inode = made.st_ino;
		if (!change->remove && fstat(change->stage.temporary, &made) < 0)
			result = -errno;
		if (result == 0)
			result = journal_path(change->stage.root, change->stage.below, NULL, path);
		if (result == 0)
			result = journal_put_change(&changes->records, path, change->backup,
						    change->remove ? NULL : &made);
	}
	if (result == 0)
		result = journal_put_mark(&changes->records, JOURNAL_BEGIN);
	changes->phase = CHANGES_SEALED;
	return (result = changes_tell(changes, from, result, refusal)) < 0 ? result : CHANGES_AGAIN;
}
