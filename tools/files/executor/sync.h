/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SYNC_H
#define SALLYPORT_TOOLS_FILES_SYNC_H

/*
 * fsync that does not hold up the loop: a disk may take half a second for one, and the other calls shall not
 * wait for it. The kernel's asynchronous I/O does it (io_submit with IOCB_CMD_FSYNC) and writes an eventfd of
 * ours when it is done. Where there is none, sync_begin says so and the caller does it the slow way.
 */

#include <linux/aio_abi.h>
#include <stdbool.h>

#define SYNC_SLOTS 32 /* at once; a disk does one after the other anyway */

struct sync {
	aio_context_t context; /* made with the first */
	bool refused;          /* the kernel has none */
	int done;              /* eventfd, non-blocking: written when one is done */
	unsigned pending;
	struct sync_slot {
		bool used, done, abandoned;
		int result;
	} slots[SYNC_SLOTS];
};

/* 0 or -errno. */
int sync_init(struct sync *sync);
void sync_deinit(struct sync *sync);
/* True while there is something to wait for on `done`. */
bool sync_pending(const struct sync *sync);

/* Begins to write what belongs to `fd` to the disk. A slot, or -ENOSYS: do it with fsync. `fd` may be closed.
 */
int sync_begin(struct sync *sync, int fd);
/* Takes note of what is done by now. Call once a turn. */
void sync_collect(struct sync *sync);
/* True when the slot is done: it is free again, and *result 0 or -errno. */
bool sync_done(struct sync *sync, int slot, int *result);
/*
 * All of that: has what belongs to `fd` reached the disk? *slot is -1 the first time. False: not yet; the
 * loop is woken when it has. True: *slot is -1 again, and *result 0 or -errno.
 */
bool sync_run(struct sync *sync, int *slot, int fd, int *result);
/* Nobody will ask for the slot (-1: none) any more. */
void sync_abandon(struct sync *sync, int slot);

#endif
