/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_CLONE_H
#define SALLYPORT_TOOLS_FILES_CLONE_H

/*
 * The content of one file into another, in short steps: shared where the file system can (FICLONE), else
 * copied inside the kernel (copy_file_range), else through our memory. Holes stay holes. What the source had
 * when it was opened is copied: what is written behind that meanwhile is not.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct clone {
	int from, to;       /* borrowed; `to` is new and empty */
	uint64_t size;      /* of the source; 0 may be a lie (FUSE): then it is read to its end */
	uint64_t position;  /* all before is done */
	uint64_t data_end;  /* end of the stretch of data that `position` is in */
	bool tried, shared; /* FICLONE: tried, and done */
	bool by_hand;       /* copy_file_range cannot */
};

void clone_init(struct clone *clone, int from, int to, uint64_t size);
/* 1 when done, 0, or -errno. `scratch` has LIMIT_FRAME_BYTES. */
int clone_step(struct clone *clone, uint8_t *scratch);

#endif
