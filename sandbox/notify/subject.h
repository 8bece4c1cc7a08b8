/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_NOTIFY_SUBJECT_H
#define SALLYPORT_SANDBOX_NOTIFY_SUBJECT_H

/*
 * What is to be changed about a file that is there: found once, judged, and from then on named by its
 * descriptor alone, so that no change of names in between makes it another.
 */

#include <limits.h>

#include "sandbox/notify/notify.h"

struct subject {
	int object; /* O_PATH */
	char text[2 *
		  PATH_MAX]; /* where it stands in the view; of what has no name, what the kernel calls it */
};

void subject_init(struct subject *subject);
void subject_deinit(struct subject *subject);

/*
 * By name, from the caller's descriptor `directory`. `flags`: AT_SYMLINK_NOFOLLOW, and AT_EMPTY_PATH, with
 * which "" is the descriptor itself. 0 or -errno.
 */
int subject_find(const struct notify_call *call, int directory, uint64_t path, int flags,
		 struct subject *subject);
/* By a descriptor of the caller's that is open, which one of O_PATH is not. 0 or -errno. */
int subject_open(const struct notify_call *call, int fd, struct subject *subject);

/*
 * Whether mode, owner, times and attributes of it may be changed as far as rules decide: 0, or -errno, of
 * which the command's result was told where a rule of the policy is the reason.
 */
long subject_judge(const struct notify_call *call, const struct subject *subject);

/* "/proc/self/fd/N" of the object, for calls that take nothing else. */
#define SUBJECT_PATH_BYTES 32
void subject_path(const struct subject *subject, char path[SUBJECT_PATH_BYTES]);

#endif
