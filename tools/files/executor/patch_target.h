/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_PATCH_TARGET_H
#define SALLYPORT_TOOLS_FILES_PATCH_TARGET_H

/* The files that a patch names: what they were, and what they are at this point of the patch. In memory
 * alone. */

#include "protocol/buffer.h"
#include "protocol/limits.h"
#include "tools/files/executor/stage.h"

/* A file that the patch names: as it was, and as it will be. */
struct target {
	struct stage stage;
	bool late;   /* its directory is to be made */
	bool exists; /* at this point of the patch */
	bool mode, executable;
	struct buffer was; /* its content before the patch, once it is `changed` */
	struct buffer now; /* its content, when it exists and `loaded` */
	bool loaded, changed;
	bool moved_in;       /* another was renamed or copied to it */
	struct target *like; /* what it was copied or renamed from */
};

struct targets {
	struct target *list[2 * LIMIT_PATCH_FILES];
	size_t count;
	size_t bytes; /* of all contents */
};

/* The target of a path, found or made; it stays with `targets`. `wanted`: its directory must be there. NULL:
 * refused. */
struct target *target_find(struct files *files, struct targets *targets, const char *path, bool wanted,
			   struct refusal *refusal);

/* Some of the old content: CHANGES_AGAIN, or 0 when it is whole, or a refusal. */
int target_load(struct targets *targets, struct target *target, struct refusal *refusal);

/* `content` (NULL: no file), which moves here, becomes what the target holds. */
void target_hold(struct target *target, struct buffer *content);

void targets_release(struct files *files, struct targets *targets);

#endif
