/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_FILE_WATCHES_H
#define SALLYPORT_SERVER_FILE_WATCHES_H

/*
 * Files that callers have subscribed to. The files executor watches (tools/files/executor/watch.h); this is
 * who is told. An executor that was ended takes no subscription with it: the next one is started for them,
 * and since something may have been missed, everybody is told once. While there are any, the executor is in
 * use, and no idle time ends it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"

struct caller;
struct calls;
struct file_watch;
struct supervisor_failure;

struct file_watches {
	struct file_watch *first;
	unsigned count;
	uint32_t last_number; /* given to one; below it are those that are or were */
};

/* As mcp_host.watch and .unwatch; `uri` is that of the file, `path` what it means. */
int file_watch_begin(struct calls *calls, struct caller *caller, const char *uri, const char *path);
void file_watch_end(struct calls *calls, struct caller *caller, const char *uri);
/* Those of one caller, who goes, or of all (NULL). */
void file_watches_end(struct calls *calls, const struct caller *caller);

/* WATCHED or CHANGED of the files executor. 0, or -EPROTO: it lies. */
int file_watches_take(struct calls *calls, const struct frame_header *header, const uint8_t *payload);
/* The executor is gone, or never came (`failure`). */
void file_watches_lost(struct calls *calls, const struct supervisor_failure *failure);

#endif
