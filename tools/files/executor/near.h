/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_NEAR_H
#define SALLYPORT_TOOLS_FILES_NEAR_H

/* What is near a name that does not exist: models mistype, and a bare "no such file" costs another call. */

#include "tools/files/executor/reach.h"

/* The refusal (ENOENT) for a place that does not exist: which part is missing, and the nearest name beside
 * it. Looks at LIMIT_NEAR_NAMES entries at most. */
int near_refuse(const struct place *place, const char *operation, struct refusal *refusal);

/* Edit distance of two names in halves: a letter inserted, left out, changed, or two exchanged count 2, a
 * letter of the other case counts 1, and names that differ in case alone 1 altogether. Anything above `most`
 * is most + 1. */
unsigned near_distance(const char *left, const char *right, unsigned most);

#endif
