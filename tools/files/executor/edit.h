/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_EDIT_H
#define SALLYPORT_TOOLS_FILES_EDIT_H

/*
 * One edit_file: the file whole in memory (LIMIT_EDIT_BYTES), edited there, and written as any file is
 * (stage.h). edit.c has the order of things, edit_apply.c the edits themselves.
 */

#include "tools/files/executor/diff.h"
#include "tools/files/executor/document.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/resemble.h"

enum edit_phase {
	EDIT_TURN,   /* waits for who writes the same path; then looks what is there */
	EDIT_READ,   /* takes the file's bytes */
	EDIT_FIND,   /* one edit after the other: looks for `old`, puts `new` */
	EDIT_NEAR,   /* `old` is not there: what would nearly be it? */
	EDIT_DIFF,   /* what has changed */
	EDIT_DATA,   /* the new content */
	EDIT_COMMIT, /* onto the disk, under its name (stage_commit) */
	EDIT_RESULT, /* tells */
};

struct edit_item {
	const char *old, *new; /* UTF-8; in job->request, not NUL-terminated */
	size_t old_length, new_length;
	bool all;
	uint64_t replaced;
};

struct edit {
	enum edit_phase phase;
	struct stage stage;
	bool dry_run, expected;
	bool write; /* it is no dry run, and something has changed */
	uint8_t expected_sha256[SHA256_DIGEST_SIZE];
	size_t diff_bytes; /* most of the diff */
	struct edit_item *items;
	size_t count, current; /* items; the one that is being done */

	struct text_scan scan;
	struct sha256_ctx old_hash; /* of the file, if one is expected */
	struct text text;
	uint8_t *old, *new; /* the file's bytes before and after */
	size_t old_length, new_length, position;
	struct document document; /* once it is read */
	size_t held;              /* of files->edited */

	/* the current item */
	bool begun;
	struct buffer find, put; /* in the file's encoding */
	size_t *places;
	size_t place_count, place_room, from;
	uint32_t misfit; /* a character of `old` that the encoding has not, or 0 */
	struct resemble resemble;

	struct diff diff;
	struct buffer shown, result; /* the diff; the reply */
	bool composed;
};

/* Each does a slice of its phase and moves edit->phase on when it is over. 0, or -errno with the refusal. */
int edit_find_slice(struct files *files, struct edit *edit, struct refusal *refusal);
int edit_near_slice(struct edit *edit, struct refusal *refusal);

/* Keeps account of the memory that this edit takes: 0, or a refusal when all edits would take too much. */
int edit_hold(struct files *files, struct edit *edit, size_t bytes, struct refusal *refusal);

#endif
