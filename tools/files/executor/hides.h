/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_HIDES_H
#define SALLYPORT_TOOLS_FILES_HIDES_H

/*
 * The rules that hide something, resolved once for a walk: reach_judge() climbs to the workspace for each
 * name, which costs more than all else in a walk. By the same identities, as they were at the beginning.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "tools/files/executor/reach.h"

struct hides {
	struct hide {
		struct stat above, self; /* directory that holds it, and itself; st_nlink 0: not there */
		const char *name;        /* of the rule */
	} * items;
	size_t count;
};

/* Borrows reach. 0 or -ENOMEM. */
int hides_init(struct hides *hides, const struct reach *reach);
void hides_deinit(struct hides *hides);

/* Is entry `name` of the directory hidden? */
bool hides_name(const struct hides *hides, const struct stat *directory, const char *name);
/* Is the directory? */
bool hides_directory(const struct hides *hides, const struct stat *directory);

#endif
