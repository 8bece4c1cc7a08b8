/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_FACTS_H
#define SALLYPORT_SANDBOX_FACTS_H

/* What commands see of /proc where they have none of their own: facts about the machine that programs ask
 * for, and nothing of a process. */

#include <stdbool.h>

extern const char *const facts_paths[]; /* ends with NULL; one may be a directory */

/* `path`: absolute and without links. Whether it lies in /proc and is none of them. */
bool facts_forbid(const char *path);

#endif
