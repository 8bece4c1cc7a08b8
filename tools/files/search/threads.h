/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_FILES_SEARCH_THREADS_H
#define SALLYPORT_TOOLS_FILES_SEARCH_THREADS_H

/* Between a search and its threads: for search.c and threads.c alone. */

#include "tools/files/search/search.h"

/* What one thread does until nothing is left or it is to stop. */
void threads_work(struct search *search);

/* ---- with the lock held ---- */

/* Wakes the loop. */
void search_tell(struct search *search);
/* These results are next: behind those that wait. */
void search_put_out(struct search *search, struct sheet *sheet);
/* A chunk was done, or the walk ended: puts out what is next, and says so where it is waited for. */
void search_advance(struct search *search);

#endif
