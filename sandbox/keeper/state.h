/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_KEEPER_STATE_H
#define SALLYPORT_SANDBOX_KEEPER_STATE_H

/* What a call's processes have used, and whether one of them waits for input: from /proc, by the nanny. */

#include <stdint.h>
#include <sys/types.h>

/* The input that is asked about. */
struct state_input {
	uint32_t waits; /* KEEPER_WAITS_* of a process that waits for it; 0: there is none */
	dev_t device;
	ino_t inode, other; /* 0: there is no other */
	dev_t terminal;     /* st_rdev */
};

struct state {
	uint32_t waits; /* KEEPER_WAITS_* */
	uint64_t cpu_us, memory_bytes;
	uint32_t processes;
};

/* Notes what `fd` is, and `other` of the same device, or -1. */
void state_note(struct state_input *input, uint32_t waits, int fd, int other);
/* Looks at all descendants of `process` in /proc. */
void state_look(pid_t process, const struct state_input *input, struct state *state);

#endif
