/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_NOTIFY_PLACE_H
#define SALLYPORT_SANDBOX_NOTIFY_PLACE_H

/* Where a caller's path leads, as descriptors of ours: resolved once, then judged, then used. */

#include <limits.h>

#include "sandbox/notify/notify.h"

/* A name in a directory, whether it is there or not. */
struct place {
	int parent;          /* O_PATH */
	char name[PATH_MAX]; /* the last component with the slashes behind it; "." or "/" where there is none
			      */
	bool plain;          /* it is a name: no slash, not "." nor ".." */
	bool proc;           /* parent lies in /proc */
	char text[2 * PATH_MAX]; /* parent's path in the view and the name without slashes */
};

void place_init(struct place *place);
void place_deinit(struct place *place);

/*
 * From the caller's descriptor `directory`, or from ours (`base`, O_PATH). Errors are those that the kernel
 * would give for the way to the last component. 0 or -errno.
 */
int place_find(const struct notify_call *call, int directory, const char *path, struct place *place);
int place_find_from(const struct notify_call *call, int base, const char *path, struct place *place);

/* The object that stands there, links followed, also those of /proc: O_PATH or -errno. */
int place_object(const struct notify_call *call, const struct place *place);

/* Where a descriptor of ours stands. 0 or -errno. */
int place_text(const struct notify_call *call, int fd, char text[PATH_MAX]);
/* The same; of a directory that stands deeper than the kernel can spell, the text of one above it. */
int place_text_above(const struct notify_call *call, int fd, char text[PATH_MAX]);

#endif
