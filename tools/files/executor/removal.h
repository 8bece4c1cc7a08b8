/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_REMOVAL_H
#define SALLYPORT_TOOLS_FILES_REMOVAL_H

/* Removing what is at a name, with all that is in it, in short steps. Never follows a link (tree.h), never
 * goes into what is mounted below. Whether it may be done is the caller's business. */

#include <stdint.h>

#include "tools/files/executor/tree.h"

struct removal {
	struct tree tree;
	bool force;            /* what is ours to clear away: directories that are not writable are made so */
	uint64_t count, bytes; /* entries removed; bytes of files whose last name it was */
};

void removal_init(struct removal *removal, int directory, const char *name, bool force);
void removal_deinit(struct removal *removal);
/* Some more. 1 when all is gone, 0, or -errno: removal->tree says where; what is gone stays gone. */
int removal_step(struct removal *removal);

#endif
