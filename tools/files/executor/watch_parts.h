/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_WATCH_PARTS_H
#define SALLYPORT_TOOLS_FILES_WATCH_PARTS_H

/* What watch.c and watch_hold.c share. Nobody else includes it. */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/files/executor/refusal.h"

#define WATCH_BUCKETS 4096
#define WATCH_SELF    ""  /* events of the thing itself, which have no name */
#define WATCH_INSIDE  "/" /* and those of whatever is in it */
/* What CHANGED leaves in the ring, and itself. */
#define WATCH_ROOM_BYTES (LIMIT_FILES_REPLY_BYTES + 2 * FRAME_HEADER_BYTES + 8)

/* One event that is news for a watch: of `name` in what inotify knows as `wd`. */
struct watch_hold {
	struct watch_hold *next;         /* of the same watch */
	struct watch_hold *same, **link; /* in the bucket */
	struct watch *watch;
	int wd;
	char name[];
};

/* One inotify watch: of an inode, however many hold it. */
struct watch_node {
	struct watch_node *next; /* in the bucket */
	int wd;
	unsigned holds;
};

struct watch {
	struct watch *next;
	struct watch_hold *holds;
	uint32_t number; /* the frontend's */
	bool dirty;      /* something happened since it was looked at */
	bool untold;     /* and that is still to be told */
	bool lacking;    /* not all that is to be held could be */
	char path[];     /* as typed */
};

struct watches {
	int fd;       /* of inotify; -1 while nothing is watched */
	uint64_t due; /* milliseconds, monotonic: when what was heard is looked at; 0: nothing was heard */
	struct watch *first;
	unsigned count, untold, node_count;
	struct watch_hold *holds[WATCH_BUCKETS];
	struct watch_node *nodes[WATCH_BUCKETS];
};

struct files;

struct watch_hold **watch_bucket(struct watches *watches, int wd, const char *name);
/* Watches what the path leads to now, and the way there; what was held before and is not any more is
 * released. 0, or a refusal: then as much is held as could be (-ENOSPC: inotify gives no more). */
int watch_hold(struct files *files, struct watch *watch, struct refusal *refusal);
/* Lets go of a list of holds. */
void watch_release(struct watches *watches, struct watch_hold *holds);

#endif
