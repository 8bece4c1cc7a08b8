/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_JOURNAL_H
#define SALLYPORT_TOOLS_FILES_JOURNAL_H

/*
 * A journal: what is to be taken back should this process end in the middle of changing files. It stands in
 * the root of a workspace as `.sallyport-journal-HEX` only while something is under way, and is locked
 * (flock) by who writes it, so that no other server takes back what is still going on. The next executor of a
 * workspace that starts and gets the lock takes back what the journal says (recover.c), and removes it.
 *
 * A journal is a file in a workspace, and anybody who may write there may write one. It is believed only if
 * it belongs to us and nobody else may read or write it (mode 0600: no archive and no git makes such), and
 * then it still gets nothing done that its writer could not do himself: all paths are judged as those of
 * calls are, what is removed or renamed has a name of our own making (or is exactly the file that the journal
 * says we made, by inode, size and time), and directories go only when they are empty.
 *
 * The content: JOURNAL_MAGIC, then records, each a u32 length and a payload (journal_put_*). What a crash has
 * cut off at the end counts as never written.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"

struct files;
struct reach_root;

#define JOURNAL_MAGIC   "sallyport journal 1\n"
#define JOURNAL_PREFIX  ".sallyport-journal-"
#define TEMPORARY_BYTES 32 /* of the names below, NUL included */

enum journal_kind {
	JOURNAL_TEMPORARY = 1, /* path: a file of ours, or a tree, that is not wanted for itself */
	JOURNAL_DIRECTORY,     /* path: a directory that we make */
	JOURNAL_CHANGE,        /* path, backup, made, status: see struct journal_record */
	JOURNAL_BEGIN,         /* from here on names are changed: what went before is complete */
	JOURNAL_DONE,          /* all names are changed: nothing is to be taken back any more */
	JOURNAL_KINDS
};

struct journal_record {
	enum journal_kind kind;
	char path[LIMIT_PATH_BYTES]; /* absolute */
	/* of a change: the name of the old file beside `path` ("": there was none), and what the new one is
	 * (made: whether there is one) */
	char backup[TEMPORARY_BYTES];
	bool made;
	uint64_t inode, size;
	int64_t seconds;
	uint32_t nanoseconds;
};

/* Is it a name that temporary_name makes? */
bool temporary_is(const char *name);
/* A fresh name for a temporary file or a backup. 0 or -errno. */
int temporary_name(char name[TEMPORARY_BYTES]);

/* ---- writing: one who changes files ---- */

struct journal {
	int root; /* borrowed: of the workspace */
	int fd;   /* -1: none */
	char name[64];
};

void journal_init(struct journal *journal);
/* Makes and locks one. 0, or -errno: not even its directory was changed. */
int journal_open(struct journal *journal, const struct reach_root *root);
/*
 * One for a single temporary file: `name`, which is about to be made beside what is at `below`. 0, or -errno
 * and there is none: where there may be no journal (a directory that we may not write) a kill leaves the file
 * behind.
 */
int journal_note(struct journal *journal, const struct reach_root *root, const char *below, const char *name);
/* Adds records, in one write. 0 or -errno; then the journal is as good as it was. */
int journal_add(struct journal *journal, const struct buffer *records);
/* Removes it, if there is one: all is well. */
void journal_remove(struct journal *journal);

/* The absolute path of `name` beside what is at `below`; `name` NULL: of that itself. 0 or -ENAMETOOLONG. */
int journal_path(const struct reach_root *root, const char *below, const char *name,
		 char path[LIMIT_PATH_BYTES]);
/* Records into a buffer. 0 or -errno. */
int journal_put_path(struct buffer *records, enum journal_kind kind, const char *path);
int journal_put_change(struct buffer *records, const char *path, const char *backup, const struct stat *made);
int journal_put_mark(struct buffer *records, enum journal_kind kind);

/* ---- reading: one who starts (recover.c) ---- */

struct journal_reader {
	const uint8_t *at, *end;
};

/* False: no journal at all. */
bool journal_read(struct journal_reader *reader, const void *content, size_t length);
/* 1 and the record; 0 at the end, or where the rest is cut off; -EPROTO for what no journal of ours has. */
int journal_next(struct journal_reader *reader, struct journal_record *record);

/*
 * Takes one change back: `name` in `directory` is again what `record->backup` is there, or nothing. What
 * somebody else has put there in between stays. Harmless when done twice.
 */
void journal_undo(int directory, const char *name, const struct journal_record *record);

/* Takes back all that a journal says, or finishes it if it is done. False: it is none of ours, and nothing
 * was done. */
bool journal_replay(const struct files *files, const void *content, size_t length);

/* Takes back, or finishes, what earlier executors left in the middle of. Once, before the first request. */
void journal_recover(struct files *files);

#endif
