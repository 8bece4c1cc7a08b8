/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_TURNS_H
#define SALLYPORT_TOOLS_FILES_TURNS_H

/*
 * Who writes next: jobs that write the same path do so one after the other, in the order in which they began,
 * so that each sees what the one before has left. One that changes several files has its turn alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"

#define TURN_ALONE 0 /* the key of who waits for all before it, and for whom all behind it wait */

struct turns {
	struct turn {
		uint64_t ticket; /* 0: free */
		uint64_t key;
	} taken[LIMIT_FILES_BEGUN + 1]; /* one a job: those parked, and the one that begins */
	uint64_t last;                  /* ticket */
	bool moved; /* one was given back, so others may have theirs: look again before resting */
};

/* Of an entry of a directory; never TURN_ALONE. Two different ones may have the same: one waits for nothing.
 */
uint64_t turn_key(uint64_t device, uint64_t inode, const char *name);
/* A number to ask by, or -1: too many. */
int turns_take(struct turns *turns, uint64_t key);
bool turns_ready(const struct turns *turns, int turn);
/* -1: none. */
void turns_give(struct turns *turns, int turn);

#endif
