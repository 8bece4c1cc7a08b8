/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_WATCH_H
#define SALLYPORT_TOOLS_FILES_WATCH_H

/*
 * Paths that somebody wants to hear of (FILES_WATCH), by inotify. Of each path the directories on its way are
 * watched, as far as there are, and what it leads to; so it may be made, replaced or moved away and back, and
 * so may what is above it. What happens is gathered for LIMIT_WATCH_SETTLE_MS, then told by one CHANGED for
 * each path: who renames at full speed costs a bounded share of a processor, and makes nobody tell more.
 */

#include <stdbool.h>
#include <stdint.h>

struct files;
struct frame_header;
struct watches;

/* Allocated, so that a program that watches nothing carries a pointer. NULL: no memory. */
struct watches *watches_new(void);
void watches_free(struct watches *watches);

/* A frame from the frontend, if it is about watches: 1; 0 when it is not; -EPROTO. There is room for a final
 * reply. */
int watches_take(struct files *files, const struct frame_header *header, const void *payload);

/* What the loop is to wait for beside requests: a descriptor to be polled for reading (-1: none) and the
 * milliseconds until watches_step() has something to do (-1: nothing). */
int watches_descriptor(const struct watches *watches);
int watches_timeout(const struct watches *watches);
/* The descriptor was readable. */
void watches_heard(struct watches *watches);
/* Once a turn. Tells of what has changed as far as the ring has room. */
void watches_step(struct files *files);
/* Bytes of room in the ring for which telling waits; 0: for none. */
uint32_t watches_wanted(const struct watches *watches);

#endif
