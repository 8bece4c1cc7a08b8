/* SPDX-License-Identifier: Apache-2.0 */
/* The files that a patch names, each once, however it spells them. */
#include "tools/files/executor/patch_target.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "tools/files/executor/changes.h"
#include "tools/files/executor/job.h"

static void target_free(struct files *files, struct target *target)
{
	if (!target)
		return;
	stage_release(files, &target->stage);
	buffer_deinit(&target->now);
	buffer_deinit(&target->was);
	free(target);
}

static bool same_place(const struct stage *left, const struct stage *right)
{
	struct stat one, two;

	return strcmp(left->name, right->name) == 0 && fstat(left->directory, &one) == 0 &&
	       fstat(right->directory, &two) == 0 && one.st_ino == two.st_ino && one.st_dev == two.st_dev;
}

/* Where a file would go whose directory does not exist yet. 0 or a refusal. */
static int find_late(struct files *files, struct target *target, const char *path, struct refusal *refusal)
{
	struct place place;
	int result = stage_foretell(files, path, &place, refusal);

	target->late = result == 0;
	return result;
}

struct target *target_find(struct files *files, struct targets *targets, const char *path, bool wanted,
			   struct refusal *refusal)
{
	struct target *target;
	int result;

	for (size_t i = 0; i < targets->count; i++)
		if (strcmp(targets->list[i]->stage.path, path) == 0)
			return targets->list[i];
	target = calloc(1, sizeof *target);
	if (!target) {
		refuse_errno(refusal, ENOMEM, "patch", path);
		return NULL;
	}
	stage_init(&target->stage);
	buffer_init(&target->now, LIMIT_PATCH_FILE_BYTES);
	buffer_init(&target->was, LIMIT_PATCH_FILE_BYTES);
	result = stage_find(files, &target->stage, path, false, refusal);
	if (result == -ENOENT && !refusal->denied && !wanted)
		result = find_late(files, target, path, refusal);
	else if (result == 0)
		result = stage_check(&target->stage, refusal);
	if (result < 0) {
		target_free(files, target);
		return NULL;
	}
	for (size_t i = 0; !target->late && i < targets->count; i++)
		if (!targets->list[i]->late && same_place(&targets->list[i]->stage, &target->stage)) {
			target_free(files, target);
			return targets->list[i];
		}
	target->exists = !target->late && target->stage.status.st_nlink;
	target->loaded = !target->exists;
	targets->list[targets->count++] = target;
	return target;
}

int target_load(struct targets *targets, struct target *target, struct refusal *refusal)
{
	struct stage *stage = &target->stage;
	size_t size = (size_t)stage->status.st_size, length = buffer_length(&target->now);
	ssize_t got;

	if (stage->old < 0) {
		if (size > LIMIT_PATCH_FILE_BYTES || (targets->bytes += size) > LIMIT_PATCH_BYTES)
			return refuse(refusal, EFBIG,
				      "cannot patch `%.600s`: it has %zu bytes, and a patch takes files of "
				      "%u bytes "
				      "at most, all together %u",
				      stage->path, size, LIMIT_PATCH_FILE_BYTES, LIMIT_PATCH_BYTES);
		if (stage_open_old(stage, refusal) < 0)
			return -EIO;
		if (buffer_reserve(&target->now, size) < 0)
			return refuse_errno(refusal, ENOMEM, "patch", stage->path);
	}
	size -= length;
	got = pread(stage->old, target->now.bytes + length,
		    size < LIMIT_FILES_SLICE_BYTES ? size : LIMIT_FILES_SLICE_BYTES, (off_t)length);
	if (got < 0)
		return refuse_errno(refusal, errno, "read", stage->path);
	target->now.end += (size_t)got;
	if (got > 0 && (size_t)got < size)
		return CHANGES_AGAIN;
	if ((size_t)got < size)
		return refuse(refusal, EAGAIN, "`%.600s` became shorter while it was read; try again",
			      stage->path);
	close_fd(&stage->old);
	target->loaded = true;
	return 0;
}

void target_hold(struct target *target, struct buffer *content)
{
	if (!target->changed)
		target->was = target->now;
	else
		buffer_deinit(&target->now);
	buffer_init(&target->now, LIMIT_PATCH_FILE_BYTES);
	if (content)
		target->now = *content;
	target->exists = content;
	target->loaded = target->changed = true;
}

void targets_release(struct files *files, struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		target_free(files, targets->list[i]);
	targets->count = 0;
}
