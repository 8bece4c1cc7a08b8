/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_SEARCH_H
#define SALLYPORT_TOOLS_FILES_SEARCH_SEARCH_H

/*
 * One search: a walk, threads that look through what it finds, and results in the walk's order, whichever
 * thread was first. It runs ahead of what was asked for by no more than one page, then waits.
 *
 * The walk's files are cut into chunks. A thread that finds no chunk to look through makes some, if no other
 * does; so all are at work without one that only walks. Each chunk has a sheet of results, and when all
 * chunks before it are done, that goes behind the results that wait to be asked for.
 *
 * The loop's thread calls everything here but what threads do. It never waits for a thread: one may hang in a
 * file system. What is released is freed by its last thread.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tools/files/executor/glob.h"
#include "tools/files/executor/reach.h"
#include "tools/files/executor/walk.h"
#include "tools/files/search/lines.h"

struct search_file {
	struct walk_directory *directory;
	uint32_t path, name; /* in the chunk's paths, NUL-terminated; as in the walk */
};

struct search_chunk {
	enum { CHUNK_FREE, CHUNK_READY, CHUNK_DONE } state;
	unsigned count;
	struct search_file files[LIMIT_SEARCH_CHUNK_FILES];
	struct buffer paths;
	struct sheet sheet; /* once done */
};

struct search {
	/* constant while threads run */
	struct pattern pattern;
	struct glob *glob; /* NULL: any name */
	enum lines_mode mode;
	unsigned context;
	char *prefix; /* in front of each path as it is shown: "src/", or a path of a single file */
	int single;   /* the one file that is searched, or -1 */
	int done;     /* eventfd: written when results are to be looked at */

	atomic_bool stop;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t changed;
	unsigned holders; /* threads, and whoever made it */
	struct walk *walk;
	bool walking, walked;
	struct search_chunk chunks[LIMIT_SEARCH_CHUNKS];
	uint64_t made, taken, front; /* chunks by number: the next to be made, taken, and put out */
	size_t held;                 /* bytes of sheets of chunks that are done and wait */
	struct sheet results;        /* from result number `first` on */
	uint64_t first;
	uint64_t skip; /* results that nobody asked for, still to be left out */
	size_t wanted; /* results, or */
	size_t bytes;  /* of them, after which threads wait */
	struct lines_facts facts;
	bool finished;
	int error; /* -errno: it could not go on */
};

/* Everything but the pattern, glob, mode, context, prefix, walk and single, which are set then; search_start
 * follows. NULL: no memory. */
struct search *search_new(int done);
/* Begins with `threads` threads (fewer where the kernel says so). 0 or -errno. */
int search_start(struct search *search, unsigned threads);
/* Stops it, soon, and gives it up. NULL does nothing. */
void search_release(struct search *search);

/* Results from number `first` on are wanted: so many of them, or of bytes. Earlier ones are forgotten;
 * `first` is not below search->first. */
void search_want(struct search *search, uint64_t first, size_t count, size_t bytes);
/* With the lock held: what is wanted is there, or there is no more. */
bool search_ready(const struct search *search);

#endif
