/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_WORKSPACES_H
#define SALLYPORT_SERVER_WORKSPACES_H

/* Which directories the server works in: --workspace, or the current directory, checked and put into the
 * plan. */

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "sandbox/plan.h"
#include "server/options.h"

/*
 * Adds the workspaces to `plan`. `home` is the person's home (canonical) or NULL. Sentences worth reading
 * that are no errors go to `notes`, a line each. 0, or -errno with a sentence: what is missing, no directory,
 * "/", a place of the system, the same one twice, one inside another.
 */
int workspaces_add(struct plan *plan, const struct options *options, const char *home, struct buffer *notes,
		   struct err *err);

/* True for the directories that every sandbox shows or makes itself, and that can therefore be neither a
 * workspace nor writable: /usr, /etc, /proc, ... themselves. */
bool workspaces_system(const char *path);

#endif
