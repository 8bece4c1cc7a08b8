/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_DOWNLOADS_H
#define SALLYPORT_SERVER_DOWNLOADS_H

/*
 * Downloads: from a URL into a file. The web executor writes what it fetches into a pipe, the files executor
 * reads it out of there; the frontend makes the pipe, passes its ends on, and carries words between the two.
 * A download outlives the call that began it, as a command does: a call listens to it until its own time is
 * over, and the same call again listens to the same download, or is told how it ended.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"

struct call;
struct caller;
struct calls;
struct channel;
struct download;
struct supervisor_failure;

struct downloads {
	struct download *first; /* the newest; those that have ended and were not read, too */
	unsigned running;
	uint32_t last_number;
};

/* Numbers of requests: those with this bit are of downloads, all others of calls. */
#define DOWNLOAD_NUMBER 0x80000000u

/* A call of download_file: begins one, listens to one that is under way, or is answered by one that has
 * ended. */
void download_begin(struct call *call, const void *arguments);
/* The call's time is over: it is answered with how far its download is. */
void download_late(struct call *call);
/* The call was cancelled, and is released; the download ends if no other call listens to it. */
void download_unlisten(struct call *call);

/* Those of one caller, who goes, end and are forgotten. */
void downloads_leave(struct calls *calls, struct caller *caller);
/* Frees all, at the end of everything. */
void downloads_free(struct calls *calls);

/* A reply with such a number. 0, or -EPROTO: that executor lies. */
int downloads_take(struct calls *calls, struct channel *channel, const struct frame_header *header,
		   const uint8_t *payload);
/* An executor is gone, or never came (`failure`). */
void downloads_lost(struct calls *calls, struct channel *channel, const struct supervisor_failure *failure,
		    bool gone);

#endif
