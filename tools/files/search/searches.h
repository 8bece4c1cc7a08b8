/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_SEARCHES_H
#define SALLYPORT_TOOLS_FILES_SEARCH_SEARCHES_H

/*
 * The searches of this process: those that a call waits for, and those that wait for the call that asks for
 * their next page. One that nobody asks on for LIMIT_SEARCH_KEPT_MS is given up, and the oldest when there
 * are LIMIT_SEARCHES.
 */

#include "tools/files/executor/job.h"
#include "tools/files/search/search.h"

struct searches {
	struct background background;
	unsigned threads; /* of one search */
	struct search_entry {
		struct search *search;  /* NULL: free */
		struct buffer question; /* what was asked, without where to go on and how much */
		bool waited;            /* a call waits for it */
		bool late;              /* its last answer was not whole: asking again is going on */
		int64_t due;            /* clock_ms(): the answer while a call waits, else its end */
	} entries[LIMIT_SEARCHES];
};

/* What sallyport-search can be asked (tools/files/wire.h). Ends with NULL. */
extern const struct operation *const search_operations[];

/* `files` gets its background and context; each search `processors` threads, up to LIMIT_SEARCH_THREADS. 0 or
 * -errno. */
int searches_init(struct searches *searches, struct files *files, long processors);
/* Stops all; their threads end soon after. */
void searches_deinit(struct searches *searches);

/*
 * The search that asks `question` and can go on at result `first`, or a free entry for a new one (its search
 * is NULL and its question empty), or NULL when calls wait for all there are.
 */
struct search_entry *searches_find(struct searches *searches, const void *question, size_t length,
				   uint64_t first);
/* Gives it up. */
void searches_drop(struct search_entry *entry);

#endif
