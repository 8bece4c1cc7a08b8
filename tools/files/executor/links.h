/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_LINKS_H
#define SALLYPORT_TOOLS_FILES_LINKS_H

/* Links that the kernel would not follow, since they are absolute or lead up: people make both inside a
 * workspace. */

#include "tools/files/executor/reach.h"

/*
 * The kernel said that `place` leaves its workspace. Replaces the first link on the way that may be why by
 * what it says: 0, and the kernel is to be asked again. When there is none, or it leads into no workspace:
 * the denial, which names the link. `typed` is the path before any replacing.
 */
int links_follow(const struct reach *reach, struct place *place, const char *typed, const char *operation,
		 struct refusal *refusal);

#endif
