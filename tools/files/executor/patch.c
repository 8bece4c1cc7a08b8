/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_patch: the whole patch is read and fitted in memory, each file against what it is by then (a patch
 * may name one twice); then all that has changed is committed at once (changes.h). Nobody else of ours writes
 * meanwhile.
 */
#include "tools/files/executor/patch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/changes.h"
#include "tools/files/executor/fit.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/near.h"
#include "tools/files/executor/patch_target.h"
#include "tools/files/executor/text.h"
#include "tools/files/wire.h"

enum patch_phase { PATCH_TURN, PATCH_FILES, PATCH_COMMIT, PATCH_RESULT };

struct patch_work {
	enum patch_phase phase;
	uint32_t flags; /* FILES_DRY_RUN */
	struct patch patch;
	struct changes changes;
	struct targets targets;
	size_t at;
	int turn;
	struct buffer result;
	bool composed;
};

/* ---- one file of the patch ---- */

static int check_there(const struct patch_file *file, const struct target *source, struct refusal *refusal)
{
	struct place place = {.root = source->stage.root};

	if (source->exists || (file->original && source->stage.status.st_nlink))
		return 0;
	if (source->changed || !source->stage.below)
		return refuse(refusal, ENOENT,
			      "line %u of the patch: `%.600s` is not there any more at this point",
			      file->line, file->old_path);
	snprintf(place.below, sizeof place.below, "%s", source->stage.below);
	return near_refuse(&place, "patch", refusal);
}

static int check_free(const struct patch_file *file, const struct target *target, struct refusal *refusal)
{
	if (!target->exists)
		return 0;
	return refuse(
		refusal, EEXIST,
		"line %u of the patch: `%.600s` exists already, and the patch %s it. Nothing was written",
		file->line, file->new_path,
		file->rename ? "renames another to"
		: file->copy ? "copies another to"
			     : "makes");
}

static void note(struct patch_work *work, const struct patch_file *file, const struct fit_notes *notes)
{
	uint32_t outcome = file->action == PATCH_ADD      ? FILES_PATCH_CREATED
			   : file->action == PATCH_DELETE ? FILES_PATCH_DELETED
			   : file->rename                 ? FILES_PATCH_RENAMED
			   : file->copy                   ? FILES_PATCH_COPIED
							  : FILES_PATCH_UPDATED;

	frame_put_text(&work->result, file->new_path);
	frame_put_text(&work->result, file->rename || file->copy ? file->old_path : "");
	frame_put_u32(&work->result, outcome);
	frame_put_u64(&work->result, notes->added);
	frame_put_u64(&work->result, notes->removed);
	frame_put_u32(&work->result, notes->moved);
	frame_put_u64(&work->result, (uint64_t)notes->offset);
}

/* Is the file renamed away or deleted further down, as where two swap their names? */
static bool is_vacated(const struct patch_work *work, const struct target *target)
{
	for (size_t i = work->at + 1; i < work->patch.file_count; i++) {
		const struct patch_file *later = &work->patch.files[i];

		if (later->original && later->rename && strcmp(later->old_path, target->stage.path) == 0)
			return true;
	}
	return false;
}

/* Nothing, or a byte-order mark alone, which no line of a patch need say. */
static bool is_empty(const struct buffer *content)
{
	struct text text;

	if (buffer_length(content) > 3)
		return false;
	text_recognise(&text, (const uint8_t *)buffer_data(content), buffer_length(content));
	return buffer_length(content) == text.mark;
}

/* The content that the hunks make of the source. 0 or a refusal. */
static int fit(struct patch_work *work, const struct patch_file *file, const struct target *source,
	       struct buffer *content, struct refusal *refusal)
{
	const struct buffer *from = file->original && source->changed ? &source->was : &source->now;
	struct fit_notes notes = {0};
	int result = 0;

	if (!file->whole)
		result = fit_apply(&work->patch, file, file->old_path, (const uint8_t *)buffer_data(from),
				   buffer_length(from), content, &notes, refusal);
	if (result == 0 && file->action == PATCH_DELETE && !is_empty(content))
		result = refuse(refusal, ESTALE,
				"line %u of the patch: `%.600s` is to be deleted, but holds more than the "
				"patch says. "
				"Nothing was written",
				file->line, file->old_path);
	if (result == 0 && (work->targets.bytes += buffer_length(content)) > LIMIT_PATCH_BYTES)
		result = refuse(refusal, EFBIG, "the patch is about more than %u bytes; split it",
				LIMIT_PATCH_BYTES);
	if (result == 0)
		note(work, file, &notes);
	return result;
}

/* What has become of the source goes where the file of the patch says. */
static void settle(const struct patch_file *file, struct target *source, struct target *target,
		   struct buffer *content)
{
	target_hold(target, file->action == PATCH_DELETE ? NULL : content);
	if (target != source) {
		target->like = source->like ? source->like : source;
		target->mode = source->mode;
		target->executable = source->executable;
		target->moved_in = true;
		if (file->rename && !source->moved_in)
			target_hold(source, NULL);
	}
	if (file->mode) {
		target->mode = true;
		target->executable = file->executable;
	}
}

/* Where the file of the patch goes: found, free, or read because it will be somebody else's. 0,
 * CHANGES_AGAIN, or a refusal. */
static int find_target(struct files *files, struct patch_work *work, const struct patch_file *file,
		       struct target *source, struct target **target, struct refusal *refusal)
{
	*target = source;
	if (!file->rename && !file->copy)
		return 0;
	*target = target_find(files, &work->targets, file->new_path, false, refusal);
	if (!*target)
		return -ENOENT;
	if (*target == source || !(*target)->exists)
		return 0;
	if (!is_vacated(work, *target))
		return check_free(file, *target, refusal);
	return (*target)->loaded ? 0 : target_load(&work->targets, *target, refusal);
}

static int file_slice(struct files *files, struct patch_work *work, struct refusal *refusal)
{
	const struct patch_file *file = &work->patch.files[work->at];
	bool wanted = file->action != PATCH_ADD;
	struct target *source = target_find(files, &work->targets, file->old_path, wanted, refusal), *target;
	struct buffer content;
	int result;

	if (!source)
		return -ENOENT;
	result = wanted ? check_there(file, source, refusal) : check_free(file, source, refusal);
	if (result == 0 && wanted && !source->loaded)
		result = target_load(&work->targets, source, refusal);
	if (result == 0)
		result = find_target(files, work, file, source, &target, refusal);
	if (result != 0)
		return result;
	buffer_init(&content, LIMIT_PATCH_FILE_BYTES);
	result = fit(work, file, source, &content, refusal);
	if (result == 0)
		settle(file, source, target, &content);
	if (result < 0 || file->action == PATCH_DELETE)
		buffer_deinit(&content);
	work->at++;
	return result < 0 ? result : CHANGES_AGAIN;
}

/* ---- all together ---- */

/* Differs what will be from what is? */
static bool differs(const struct target *target)
{
	bool existed = !target->late && target->stage.status.st_nlink;

	return target->changed && (existed || target->exists);
}

static int give(struct target *target, struct change *change, struct refusal *refusal)
{
	change->late = target->late;
	change->remove = !target->exists;
	change->content = (const uint8_t *)buffer_data(&target->now);
	change->length = buffer_length(&target->now);
	change->mode = target->mode;
	change->executable = target->executable;
	if (target->like && !target->stage.status.st_nlink) {
		change->like = reach_open_below(target->like->stage.directory, target->like->stage.name,
						O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		if (change->like == -ENOENT) /* made by the patch itself */
			change->like = -1;
		else if (change->like < 0)
			return refuse_errno(refusal, change->like, "read", target->like->stage.path);
	}
	return 0;
}

static int collect(struct patch_work *work, struct refusal *refusal)
{
	size_t count = 0;
	int result = 0;

	for (size_t i = 0; i < work->targets.count; i++)
		count += differs(work->targets.list[i]);
	if (changes_reserve(&work->changes, count) < 0)
		return refuse(refusal, ENOMEM, "not enough memory for the patch");
	count = 0;
	for (size_t i = 0; result == 0 && i < work->targets.count; i++)
		if (differs(work->targets.list[i]))
			result = give(work->targets.list[i], &work->changes.list[count++], refusal);
	/* only now, since one may be like another */
	count = 0;
	for (size_t i = 0; i < work->targets.count; i++)
		if (differs(work->targets.list[i])) {
			work->changes.list[count++].stage = work->targets.list[i]->stage;
			stage_init(&work->targets.list[i]->stage);
			/* done with: neither found nor judged any more */
		}
	return result;
}

static int commit_slice(struct files *files, struct patch_work *work, struct refusal *refusal)
{
	int result = work->changes.count > 0 ? changes_step(files, &work->changes, refusal) : 0;

	if (result == 0)
		work->phase = PATCH_RESULT;
	return result == 0 ? CHANGES_AGAIN : result;
}

static int turn_slice(struct files *files, struct patch_work *work)
{
	if (!turns_ready(&files->turns, work->turn))
		return CHANGES_WAITS;
	work->phase = PATCH_FILES;
	return CHANGES_AGAIN;
}

static int files_slice(struct files *files, struct patch_work *work, struct refusal *refusal)
{
	int result;

	if (work->at < work->patch.file_count)
		return file_slice(files, work, refusal);
	work->phase = work->flags & FILES_DRY_RUN ? PATCH_RESULT : PATCH_COMMIT;
	result = work->phase == PATCH_COMMIT ? collect(work, refusal) : 0;
	return result < 0 ? result : CHANGES_AGAIN;
}

/* ---- the job ---- */

static void end(struct files *files, struct job *job)
{
	struct patch_work *work = job->patch.work;

	changes_release(files, &work->changes);
	targets_release(files, &work->targets);
	patch_release(&work->patch);
	buffer_deinit(&work->result);
	turns_give(&files->turns, work->turn);
	free(work);
}

/* The request, as job->request keeps it. */
static int decode(struct job *job, struct patch_work *work, const void *payload, size_t length,
		  struct refusal *refusal)
{
	struct frame_reader reader;
	struct err err;
	const char *text;
	size_t text_length;

	frame_read(&reader, payload, length);
	work->flags = frame_get_u32(&reader);
	text = frame_get_bytes(&reader, &text_length);
	if (frame_done(&reader) < 0 || (work->flags & ~FILES_DRY_RUN))
		return -EPROTO;
	if (patch_parse(&work->patch, text_length ? text : "", text_length, &err) < 0)
		return refuse(refusal, EINVAL, "%s", err.text);
	return 0;
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct patch_work *work = calloc(1, sizeof *work);
	int result = work ? 0 : -ENOMEM;

	if (result == 0 && payload != buffer_data(&job->request)) /* it came in one piece */
		result = buffer_append(&job->request, payload, length);
	if (result < 0) {
		free(work);
		return refuse(refusal, -result, "not enough memory for the patch");
	}
	job->patch.work = work;
	changes_init(&work->changes);
	buffer_init(&work->result, LIMIT_PATCH_RESULT_BYTES);
	work->turn = -1;
	result = decode(job, work, buffer_data(&job->request), length, refusal);
	if (result == 0 && (work->turn = turns_take(&files->turns, TURN_ALONE)) < 0)
		result = refuse_errno(refusal, EMFILE, "patch", "the files");
	if (result == 0) {
		frame_put_u32(&work->result, work->flags);
		frame_put_u32(&work->result, (uint32_t)work->patch.file_count);
	} else {
		end(files, job);
	}
	return result;
}

static enum job_state step(struct files *files, struct job *job)
{
	struct patch_work *work = job->patch.work;
	struct refusal refusal = {0};
	int result = 0;

	if (work->phase == PATCH_RESULT)
		return reply_long(files, job, &work->result);
	result = work->phase == PATCH_TURN    ? turn_slice(files, work)
		 : work->phase == PATCH_FILES ? files_slice(files, work, &refusal)
					      : commit_slice(files, work, &refusal);
	if (result < 0)
		return reply_refusal(files, job, &refusal);
	job->done =
		work->phase == PATCH_RESULT || (work->phase == PATCH_COMMIT && changes_final(&work->changes));
	return result == CHANGES_WAITS ? JOB_WAIT : JOB_AGAIN;
}

const struct operation patch_operation = {
	.type = FILES_PATCH,
	.request_bytes = LIMIT_MESSAGE_BYTES + 256,
	.start = start,
	.step = step,
	.end = end,
};
