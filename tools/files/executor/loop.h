/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_LOOP_H
#define SALLYPORT_TOOLS_FILES_LOOP_H

/*
 * The executor's loop: requests out of one ring, jobs, replies into the other, one wake a turn.
 * Single-threaded. Its only system calls of its own are one wait when there is nothing to do and one write to
 * wake the frontend.
 */

#include "tools/files/executor/job.h"

struct loop {
	struct files files; /* operations, background, reach and rings are the caller's: ready before
			       loop_init, released after loop_deinit */
	struct jobs jobs;
	uint8_t *request; /* LIMIT_FRAME_BYTES: a frame, copied out of the ring */
	int wake;         /* a pipe: the frontend wakes us, and ends it when it ends */
	int frontend;     /* eventfd: wakes the frontend */
};

/* Takes the descriptors over, also when it fails. What earlier executors left half done is taken back
 * (journal.h). 0 or -errno. */
int loop_init(struct loop *loop, int wake, int frontend);
void loop_deinit(struct loop *loop);

/* Runs until the frontend is gone (0) or lies (-EPROTO), or nothing can be waited for (-errno). */
int loop_run(struct loop *loop);

#endif
