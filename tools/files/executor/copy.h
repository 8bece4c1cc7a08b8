/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_COPY_H
#define SALLYPORT_TOOLS_FILES_COPY_H

/*
 * Copying what is at a name, with all that is in it, to a name that does not exist yet, in short steps.
 * Links stay links; of hard links each becomes a file of its own; FIFOs, sockets and devices are no data
 * and fail the whole. Whether it may be done, and giving the copy its final name, is the caller's business:
 * what is at the name is not to be shown to anybody before the end.
 */

#include <stdint.h>

#include "tools/files/executor/clone.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/tree.h"

#define COPY_SYNC  0x1 /* each file is on the disk before the next */
#define COPY_OWNER 0x2 /* the owner stays, where that may be */

enum copy_result { COPY_MORE, COPY_WAITS, COPY_DONE };

struct copy {
	struct tree tree;
	unsigned flags;
	int to, out;      /* directory of the copy (borrowed); where it grows: `to`, or one of its own */
	const char *name; /* borrowed: of the copy */
	struct copy_level {
		dev_t device;
		ino_t inode;
	} * levels; /* directories of the copy, as deep as tree.depth */
	size_t depth, size;
	int from, made; /* the file in hand, or -1 */
	int slot;       /* of a running fsync (sync.h), or -1 */
	struct stat status;
	struct clone clone;
	const char *special;           /* with -EINVAL: what stood in the way ("a FIFO") */
	bool lost;                     /* attributes that the copy's file system would not take */
	uint64_t count, bytes, shared; /* entries, bytes of files, of these shared with the source */
};

void copy_init(struct copy *copy, int directory, const char *source, int to, const char *name,
	       unsigned flags);
/* Closes what is open; what was copied so far stays. */
void copy_deinit(struct copy *copy, struct files *files);
/* COPY_WAITS: until the disk wakes the loop. -errno: copy->tree says where. */
int copy_step(struct copy *copy, struct files *files);

#endif
