/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_FILES_CRASH_CASES_H
#define SALLYPORT_TESTS_FILES_CRASH_CASES_H

/* Operations to be killed in the middle of (test_crash.c), and what they are about. */

#include "tests/files/harness.h"

/* What may be found after recovery, beside all before and all after. */
enum middle {
	NOTHING,
	/* moved to another file system: the whole copy has its name, and of the source, which goes last, some
	   is left */
	BOTH,
	PIECES, /* removed one by one: what is left is as it was */
};

struct crash_case {
	const char *name;
	void (*pack)(const struct harness *, struct buffer *, uint16_t *type);
	enum middle middle;
	/* what is sent behind the request; NULL: nothing */
	void (*then)(struct harness *);
	bool links; /* asks for files without names or for links, which not every system has */
};

/* The last has no name. */
extern const struct crash_case crash_cases[];

/* Makes what the operations are about: in the workspace, and on another file system in `disk`, which is to be
 * unmounted (small_disk.h). */
void crash_set_up(struct harness *harness);

#endif
