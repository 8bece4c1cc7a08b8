/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_CHANGES_H
#define SALLYPORT_TOOLS_FILES_CHANGES_H

/*
 * Several files at once: all as asked, or all as before, also when this process is killed between any two of
 * its system calls, or the machine loses power.
 *
 * All new contents are written and on the disk before a name is changed; then a journal (journal.h) says what
 * is about to happen, is on the disk, and names are changed: each old file first gets a second name (a hard
 * link, or where there are none it is renamed), then the new one takes its place. Once all is on the disk the
 * journal says so, and the second names go. Whatever ends this before that is taken back: by ourselves, or by
 * the next executor that starts. Somebody who looks in between may see some files changed and some not yet.
 *
 * A single change needs none of that: its one rename is all or nothing (stage.h).
 */

#include "tools/files/executor/stage.h"

struct change {
	struct stage stage;     /* found, and checked if something is there; or with only its path (late) */
	bool late;              /* its directory has to be made first */
	bool remove;            /* the file goes; otherwise: */
	const uint8_t *content; /* borrowed until all is done; NULL: no bytes */
	size_t length;
	int like; /* open for reading: the file whose owner, mode and attributes a new one gets; or -1 */
	bool executable; /* with `mode`: set or clear that it is a program */
	bool mode;
	/* of changes.c */
	bool synced, moved; /* the content is on the disk; the old file has stepped aside */
	dev_t device;       /* of the directory */
	ino_t inode;
	char backup[TEMPORARY_BYTES];
};

enum changes_phase {
	CHANGES_PREPARE, /* names, and a journal of what will be there before anything is done */
	CHANGES_MAKE,    /* contents */
	CHANGES_SYNC,    /* onto the disk */
	CHANGES_SEAL,    /* what is about to be done, */
	CHANGES_SEALED,  /* onto the disk, with */
	CHANGES_ROOT,    /* the name of the journal */
	CHANGES_BACKUP,  /* second names of old files, */
	CHANGES_BACKED,  /* onto the disk */
	CHANGES_NAME,    /* the names */
	CHANGES_SAVE,    /* onto the disk */
	CHANGES_DONE,    /* says so */
	CHANGES_TIDY,    /* onto the disk; and cleans up */
	CHANGES_OVER,
};

#define CHANGES_WAITS 1 /* as STAGE_WAITS */
#define CHANGES_AGAIN 2 /* there is more to do, and nothing to wait for */

/* Holds no pointer into itself. */
struct changes {
	struct change *list; /* owned, as are stages and descriptors in it */
	size_t count;
	enum changes_phase phase;
	size_t at;
	struct journal journal;
	struct buffer records; /* what the journal holds */
	int slot, root;        /* of an fsync, and of what */
};

void changes_init(struct changes *changes);
/* Takes back what is not done, and releases all. */
void changes_release(struct files *files, struct changes *changes);

/* Room for `count` changes, each to be filled in (stage_init has been called). 0 or -ENOMEM. */
int changes_reserve(struct changes *changes, size_t count);

/* The next piece of work: 0 when all is done, CHANGES_WAITS, CHANGES_AGAIN, or a refusal: all is as before
 * (or will be after changes_release). */
int changes_step(struct files *files, struct changes *changes, struct refusal *refusal);

/* Too late to take it back? */
bool changes_final(const struct changes *changes);

#endif
