/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit_file: a file read, edited in memory, and written as any is, all or nothing (stage.h). What is not
 * edited is written back byte for byte; what is put in takes the file's encoding and line ends. Trusts
 * neither the request nor the file, which may change while it is read: then nothing is written.
 */
#include "tools/files/executor/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/scan.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

/* ---- the request ---- */

static int decode_items(struct edit *edit, struct frame_reader *reader)
{
	uint32_t count = frame_get_u32(reader);

	if (reader->failed || count == 0 || count > LIMIT_EDITS)
		return -EPROTO;
	edit->items = calloc(count, sizeof *edit->items);
	if (!edit->items)
		return -ENOMEM;
	edit->count = count;
	for (uint32_t i = 0; i < count; i++) {
		struct edit_item *item = &edit->items[i];
		uint32_t all;

		item->old = frame_get_bytes(reader, &item->old_length);
		item->new = frame_get_bytes(reader, &item->new_length);
		all = frame_get_u32(reader);
		if (all > 1)
			return -EPROTO;
		item->all = all;
	}
	return 0;
}

static int decode(struct edit *edit, const void *payload, size_t length, char *path)
{
	char expected[2 * FILES_SHA256_BYTES + 1];
	struct frame_reader reader;
	uint64_t bytes;
	uint32_t flags;
	int result;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, path, LIMIT_PATH_BYTES);
	flags = frame_get_u32(&reader);
	frame_get_text(&reader, expected, sizeof expected);
	bytes = frame_get_u64(&reader);
	edit->dry_run = flags & FILES_DRY_RUN;
	edit->expected = expected[0];
	edit->diff_bytes = (size_t)bytes;
	if (reader.failed || (flags & ~FILES_DRY_RUN) || bytes == 0 || bytes > LIMIT_RESULT_BYTES_MAX)
		return -EPROTO;
	result = decode_items(edit, &reader);
	if (result == 0 && frame_done(&reader) < 0)
		result = -EPROTO;
	return result == 0 && edit->expected ? stage_read_sha256(expected, edit->expected_sha256) : result;
}

static void end(struct files *files, struct job *job)
{
	struct edit *edit = steal_pointer(job->edit.edit);

	files->edited -= edit->held;
	stage_release(files, &edit->stage);
	free(edit->items);
	free(edit->places);
	free(edit->old);
	free(edit->new);
	document_close(&edit->document);
	buffer_deinit(&edit->find);
	buffer_deinit(&edit->put);
	buffer_deinit(&edit->shown);
	buffer_deinit(&edit->result);
	resemble_end(&edit->resemble);
	diff_end(&edit->diff);
	free(edit);
}

static int start(struct files *files, struct job *job, const void *payload, size_t length,
		 struct refusal *refusal)
{
	struct edit *edit = calloc(1, sizeof *edit);
	char path[LIMIT_PATH_BYTES];
	int result = 0;

	if (!edit)
		return refuse_errno(refusal, ENOMEM, "edit", "the file");
	job->edit.edit = edit;
	stage_init(&edit->stage);
	if (payload != buffer_data(&job->request)) /* it came in one piece: private, but not for long */
		result = buffer_append(&job->request, payload, length);
	if (result == 0)
		result = decode(edit, buffer_data(&job->request), length, path);
	if (result < 0 && result != -EPROTO)
		refuse_errno(refusal, result, "edit", "the file");
	if (result == 0)
		result = stage_find(files, &edit->stage, path, false, refusal);
	if (result < 0)
		end(files, job);
	return result;
}

/* ---- the file ---- */

/* There is nothing to edit: what is near? */
static int refuse_missing(struct files *files, const struct edit *edit, struct refusal *refusal)
{
	_cleanup_fd_ int fd = -1;
	struct place place;
	int result = reach_find(&files->reach, edit->stage.path, "edit", &place, refusal);

	if (result < 0)
		return result;
	fd = reach_open(&files->reach, &place, O_PATH, "edit", refusal);
	return fd < 0 ? fd
		      : refuse(refusal, EAGAIN, "`%.600s` was made only now; try again", edit->stage.path);
}

static int turn_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	struct stage *stage = &edit->stage;
	int result = stage_turn(files, stage, refusal);

	if (result != 0)
		return result;
	if (!stage->status.st_nlink)
		return refuse_missing(files, edit, refusal);
	result = stage_check(stage, refusal);
	if (result == 0 && stage->status.st_size > LIMIT_EDIT_BYTES)
		result = refuse(refusal, EFBIG,
				"`%.600s` has %lld bytes; edit_file handles files of up to %u. Nothing was "
				"changed. Use a program for it (run_command with sed or a script)",
				stage->path, (long long)stage->status.st_size, LIMIT_EDIT_BYTES);
	if (result == 0)
		result = edit_hold(files, edit, 4 * (size_t)stage->status.st_size, refusal);
	if (result == 0)
		result = stage_open_old(stage, refusal);
	if (result < 0)
		return result;
	edit->old = malloc((size_t)stage->status.st_size + 1);
	if (!edit->old)
		return refuse_errno(refusal, ENOMEM, "edit", stage->path);
	text_scan_begin(&edit->scan);
	sha256_init(&edit->old_hash);
	edit->phase = EDIT_READ;
	return 0;
}

/* The whole of it is there: is it text, and what was expected? */
static int take_text(struct edit *edit, struct refusal *refusal)
{
	size_t head = edit->old_length < LIMIT_HEAD_BYTES ? edit->old_length : LIMIT_HEAD_BYTES;
	struct scan_kind kind = {.class = SCAN_TEXT};
	uint8_t sha256[SHA256_DIGEST_SIZE];
	int result = 0;

	if (edit->expected) {
		sha256_digest(&edit->old_hash, sizeof sha256, sha256);
		result = stage_expect(&edit->stage, sha256, edit->expected_sha256, refusal);
	}
	if (result < 0)
		return result;
	if (!text_is_utf16(edit->old, head))
		kind = scan_kind(edit->old, head);
	if (kind.class != SCAN_TEXT)
		return refuse(refusal, EINVAL,
			      "`%.600s` is not text: %zu bytes of %s. Nothing was changed. Use a program for "
			      "it (run_command), or write_file with encoding base64",
			      edit->stage.path, edit->old_length, kind.name);
	text_scan_end(&edit->scan, &edit->text);
	if (document_open(&edit->document, &edit->text, edit->old, edit->old_length) < 0)
		return refuse_errno(refusal, ENOMEM, "edit", edit->stage.path);
	edit->phase = EDIT_FIND;
	return 0;
}

static int read_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	size_t size = (size_t)edit->stage.status.st_size, left = size + 1 - edit->old_length;
	size_t most = left < LIMIT_FILES_SLICE_BYTES ? left : LIMIT_FILES_SLICE_BYTES;
	ssize_t got = pread(edit->stage.old, edit->old + edit->old_length, most, (off_t)edit->old_length);

	if (got < 0)
		return errno == EINTR ? 0 : refuse_errno(refusal, errno, "read", edit->stage.path);
	text_scan_add(&edit->scan, edit->old + edit->old_length, (size_t)got);
	if (edit->expected)
		sha256_update(&edit->old_hash, (size_t)got, edit->old + edit->old_length);
	edit->old_length += (size_t)got;
	if (edit->old_length > size)
		return refuse(refusal, EAGAIN,
			      "`%.600s` grew while it was read. Nothing was changed; try again",
			      edit->stage.path);
	return got > 0 ? 0 : take_text(edit, refusal);
}

/* ---- what has changed, and writing it ---- */

static int begin_diff(struct edit *edit, struct refusal *refusal)
{
	struct diff_side old = {.text = &edit->text, .name = edit->stage.path}, new = old;

	if (document_save(&edit->document, &edit->new, &edit->new_length) < 0)
		return refuse_errno(refusal, ENOMEM, "edit", edit->stage.path);
	old.bytes = edit->old;
	old.length = edit->old_length;
	new.bytes = edit->new;
	new.length = edit->new_length;
	buffer_init(&edit->shown, edit->diff_bytes + LIMIT_FRAME_BYTES);
	if (diff_begin(&edit->diff, &old, &new, &edit->shown, edit->diff_bytes) < 0)
		return refuse_errno(refusal, ENOMEM, "edit", edit->stage.path);
	return 0;
}

static bool same(const struct edit *edit)
{
	return edit->old_length == edit->new_length && memcmp(edit->old, edit->new, edit->old_length) == 0;
}

static int diff_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	int result = edit->new ? 0 : begin_diff(edit, refusal);

	if (result < 0)
		return result;
	result = diff_step(&edit->diff);
	if (result < 0)
		return refuse_errno(refusal, result, "compare", edit->stage.path);
	if (result > 0)
		return 0;
	edit->phase = EDIT_DATA;
	edit->write = !edit->dry_run && !same(edit);
	return edit->write ? stage_create(&edit->stage, refusal) : 0;
}

static int data_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	size_t left = edit->new_length - edit->position;
	size_t length = left < LIMIT_FILES_SLICE_BYTES ? left : LIMIT_FILES_SLICE_BYTES;
	int result = 0;

	if (edit->write)
		result = stage_put(&edit->stage, edit->new + edit->position, length);
	else
		sha256_update(&edit->stage.hash, length, edit->new + edit->position);
	if (result < 0)
		return refuse_errno(refusal, result, "write", edit->stage.path);
	edit->position += length;
	if (length == left)
		edit->phase = edit->write ? EDIT_COMMIT : EDIT_RESULT;
	return 0;
}

static int near_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	return edit_near_slice(edit, refusal);
}

static int commit_slice(struct files *files, struct edit *edit, struct refusal *refusal)
{
	int result = stage_commit(files, &edit->stage, refusal);

	if (edit->stage.commit == STAGE_SAVED)
		edit->phase = EDIT_RESULT;
	return result;
}

/* ---- the answer ---- */

/* "windows-1252, CRLF" where it is not what everybody expects. */
static void describe(const struct text *text, char *to, size_t size)
{
	bool usual = text->encoding == TEXT_UTF8 && !text->mark && !text->invalid;

	if (usual && (text->ends == TEXT_LF || text->ends == TEXT_NO_ENDS))
		to[0] = '\0';
	else
		snprintf(to, size, "%s%s%s, line ends: %s", text_encoding_name(text),
			 text->invalid && text->encoding == TEXT_UTF8 ? " with bytes that are not" : "",
			 text->mark ? " with a byte-order mark" : "", text_ends_name(text));
}

static int compose(struct edit *edit)
{
	struct buffer *result = &edit->result;
	uint64_t links = !edit->write ? 0 : (uint64_t)edit->stage.status.st_nlink - 1;
	uint8_t sha256[SHA256_DIGEST_SIZE];
	char kind[100];
	int code;

	sha256_digest(&edit->stage.hash, sizeof sha256, sha256);
	describe(&edit->text, kind, sizeof kind);
	buffer_init(result, buffer_length(&edit->shown) + 8 * edit->count + LIMIT_FILES_REPLY_BYTES +
				    LIMIT_PATH_BYTES);
	if ((code = frame_put_text(result, edit->stage.path)) < 0 ||
	    (code = frame_put_u32(result, (edit->dry_run ? FILES_DRY_RUN : 0) |
						  (same(edit) ? FILES_EDIT_SAME : 0))) < 0 ||
	    (code = frame_put_u64(result, edit->new_length)) < 0 ||
	    (code = frame_put_bytes(result, sha256, sizeof sha256)) < 0 ||
	    (code = frame_put_u32(result, (uint32_t)links)) < 0 ||
	    (code = frame_put_u64(result, edit->diff.cut)) < 0 || (code = frame_put_text(result, kind)) < 0 ||
	    (code = frame_put_u32(result, (uint32_t)edit->count)) < 0)
		return code;
	for (size_t i = 0; i < edit->count; i++)
		if ((code = frame_put_u64(result, edit->items[i].replaced)) < 0)
			return code;
	return frame_put_bytes(result, buffer_data(&edit->shown), buffer_length(&edit->shown));
}

static int (*const phases[])(struct files *, struct edit *, struct refusal *) = {
	[EDIT_TURN] = turn_slice,     [EDIT_READ] = read_slice, [EDIT_FIND] = edit_find_slice,
	[EDIT_NEAR] = near_slice,     [EDIT_DIFF] = diff_slice, [EDIT_DATA] = data_slice,
	[EDIT_COMMIT] = commit_slice,
};

static enum job_state step(struct files *files, struct job *job)
{
	struct edit *edit = job->edit.edit;
	struct refusal refusal;
	int result = 0;

	if (edit->phase < EDIT_RESULT) {
		result = phases[edit->phase](files, edit, &refusal);
		job->done = edit->stage.commit > STAGE_NAME;
		if (result < 0)
			return reply_refusal(files, job, &refusal);
		return result == STAGE_WAITS ? JOB_WAIT : JOB_AGAIN;
	}
	if (!edit->composed) {
		edit->composed = true;
		result = compose(edit);
		if (result < 0) {
			/* it is written: say what can be said without memory */
			refuse_errno(&refusal, result, edit->dry_run ? "show" : "tell the changes of",
				     edit->stage.path);
			return reply_refusal(files, job, &refusal);
		}
	}
	return reply_long(files, job, &edit->result);
}

const struct operation edit_operation = {
	.type = FILES_EDIT,
	.request_bytes = LIMIT_MESSAGE_BYTES + LIMIT_PATH_BYTES + 256,
	.start = start,
	.step = step,
	.end = end,
};
