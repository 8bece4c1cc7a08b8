/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_STAGE_H
#define SALLYPORT_TOOLS_FILES_STAGE_H

/*
 * The new content of one file, from the path as typed to the name on the disk. Everything happens to a
 * temporary file beside the target; up to stage_name all may fail and nothing has happened, with it the file
 * is written. In the order of use:
 *
 *   stage_init, stage_find      where does the path lead, may it be written, what is there?
 *   stage_check, stage_open_old may what is there be replaced; and what does it hold?
 *   stage_create, stage_put ..  the temporary file, with the owner and mode of the old one; its content
 *   stage_sync, stage_name, stage_save   content onto the disk, its name, the directory onto the disk
 *   stage_release               always; takes back what was not named
 *
 * Those who write the same path do so one after the other: stage_turn, before stage_check.
 *
 * The temporary file has no name where the file system and the kernel can do without (O_TMPFILE, and linkat
 * with AT_EMPTY_PATH: Linux 6.10). Else, and for the moment in which a name replaces another, it is in a
 * journal (journal.h), so that it goes also when this process is killed.
 *
 * Holds no pointer into itself, so it may be moved. Up to four descriptors.
 */

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "tools/files/executor/journal.h"
#include "tools/files/executor/reach.h"
#include "tools/files/executor/refusal.h"

struct files;

#define STAGE_WAITS                                                                                          \
	1 /* the disk works; the loop is woken when it is done, and the same function called again */

/* The last pieces of a write, in their order (stage_commit). */
enum stage_commit {
	STAGE_SYNC, /* the content onto the disk */
	STAGE_NAME, /* its name: from here on it is written */
	STAGE_SAVE, /* the directory onto the disk */
	STAGE_SAVED,
};

struct stage {
	enum stage_commit commit;      /* of stage_commit: what is next */
	char *path;                    /* as it is shown, and may be typed again: for words */
	const struct reach_root *root; /* where it leads: the workspace, */
	char *below;                   /* and the way below it, links at its end followed */
	int directory;                 /* O_PATH, judged; -1 before stage_find */
	int old;                       /* for reading, once stage_open_old has been called */
	int temporary;                 /* for writing */
	int opened_directory;          /* the directory again, for fsync */
	int slot;                      /* of a running fsync (sync.h), or -1 */
	bool watched;   /* the old content counted: it must still be there when ours gets its name */
	char name[256]; /* in the directory */
	char temporary_name[TEMPORARY_BYTES]; /* "": none chosen yet */
	bool named;                           /* the temporary file has it */
	bool journaled;                       /* somebody else's journal lists it: set before stage_create */
	bool sparse;                          /* blocks of zeros are left out, as in the old file */
	int turn;                             /* of turns.h, or -1 */
	struct journal journal;
	struct stat status;     /* of what is there; st_nlink 0: nothing */
	uint64_t size;          /* bytes put so far */
	struct sha256_ctx hash; /* of them */
};

void stage_init(struct stage *stage);
void stage_release(struct files *files, struct stage *stage);

/*
 * Finds and judges. `make`: directories that are missing on the way are made. Then stage->status says what is
 * there, if anything is: that is no error here. 0, or -errno with the refusal.
 */
int stage_find(struct files *files, struct stage *stage, const char *path, bool make,
	       struct refusal *refusal);

/* Waits for those who began to write this path before, and then looks again what is there. 0, STAGE_WAITS
 * (call it again), or a refusal. */
int stage_turn(struct files *files, struct stage *stage, struct refusal *refusal);

/* May what is there be replaced: a regular file that we may write? Nothing there is fine. 0, or a refusal. */
int stage_check(const struct stage *stage, struct refusal *refusal);

/* Opens what is there for reading (stage->old). From now on it must not change until ours has its name; to
 * close stage->old before is fine. 0, or a refusal. */
int stage_open_old(struct stage *stage, struct refusal *refusal);

/* Is the old content what the caller expected? Both SHA-256. 0, or a refusal (ESTALE) that names the true
 * one. */
int stage_expect(const struct stage *stage, const uint8_t found[SHA256_DIGEST_SIZE],
		 const uint8_t expected[SHA256_DIGEST_SIZE], struct refusal *refusal);

/* The same, as 64 hexadecimal digits. 0 or -EPROTO. */
int stage_read_sha256(const char *digits, uint8_t sha256[SHA256_DIGEST_SIZE]);

/*
 * Where directories on the way are missing, and are not to be made yet: would all of it be allowed, as far as
 * that can be said? `place` is set to where `path` leads by its text. 0, or a refusal. A stage that was found
 * so has only its path.
 */
int stage_foretell(const struct files *files, const char *path, struct place *place, struct refusal *refusal);

/* Makes the temporary file. 0, or a refusal. */
int stage_create(struct stage *stage, struct refusal *refusal);

/* The same with owner, mode and attributes of the file open for reading as `like`, which moves here. */
int stage_create_like(struct stage *stage, int like, struct refusal *refusal);

/*
 * The temporary file of `from`, with its content, becomes that of `stage`, which has been found and checked
 * since, and has none; it gets owner, mode and attributes of what is there now. 0, or a refusal. `from` is to
 * be released in either case.
 */
int stage_adopt(struct stage *stage, struct stage *from, struct refusal *refusal);

/* Adds content. 0 or -errno (no words: refuse_errno(.., "write", stage->path)). */
int stage_put(struct stage *stage, const void *bytes, size_t length);

/* The content onto the disk. 0, STAGE_WAITS, or a refusal. */
int stage_sync(struct files *files, struct stage *stage, struct refusal *refusal);

/* Is what is there still what stage_find has seen (and, where stage_open_old has been called, unchanged)? */
bool stage_unchanged(const struct stage *stage, struct refusal *refusal);

/* The name: replaces what stage_find has seen, and nothing else. 0 (written), or a refusal (nothing is). */
int stage_name(struct stage *stage, struct refusal *refusal);

/* The directory onto the disk. 0, STAGE_WAITS, or a refusal: the file is written, but may not outlive a power
 * failure. */
int stage_save(struct files *files, struct stage *stage, struct refusal *refusal);

/* The three, for who writes one file: does what stage->commit says, which moves on when that is over. 0,
 * STAGE_WAITS, or a refusal. */
int stage_commit(struct files *files, struct stage *stage, struct refusal *refusal);

/* ---- between stage.c and stage_commit.c ---- */

/* The temporary file is about to have its name: in a journal of its own, where nobody else's lists it. */
void stage_note_name(struct stage *stage);

#endif
