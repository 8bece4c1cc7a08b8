/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TRANSFER_H
#define SALLYPORT_TOOLS_FILES_TRANSFER_H

/*
 * What move_file and copy_file share. transfer_check.c says whether it may be done and between what;
 * transfer.c does it: a move by one rename where that goes, else, like a copy, by copying to a temporary name
 * beside the destination, which gets its own when it is whole; a move then removes the source.
 */

#include "tools/files/executor/copy.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/removal.h"

struct transfer_end {
	char *path; /* as typed */
	struct place place;
	int directory; /* O_PATH */
	char name[256];
	struct stat status; /* of the entry, not of what it leads to; st_nlink 0: none */
};

enum transfer_phase {
	TRANSFER_RENAME, /* tries to do it by a rename */
	TRANSFER_COPY,   /* fills the temporary name */
	TRANSFER_NAME,   /* gives it its own: from here on it is done */
	TRANSFER_REMOVE, /* removes the source of a move */
	TRANSFER_CLEAR,  /* it failed: removes what was copied */
	TRANSFER_RESULT, /* tells */
};

struct transfer {
	bool move, overwrite, renamed;
	bool told; /* the refusal is sent; what is left is clearing away */
	enum transfer_phase phase;
	struct transfer_end source, destination;
	char temporary[TEMPORARY_BYTES]; /* where the copy grows; "": there is none */
	struct journal journal;          /* lists it, in the workspace of the destination */
	struct copy copy;
	struct removal removal;
	struct refusal refusal; /* why it failed, while it is cleared away */
};

/* Fills in both ends from their paths, judged: nothing has been changed but directories that were missing on
 * the way to the destination. 0 or a refusal. */
int transfer_check(const struct reach *reach, struct transfer *transfer, struct refusal *refusal);

#endif
