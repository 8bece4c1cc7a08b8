/* SPDX-License-Identifier: Apache-2.0 */
/* A search's life and its results in order (search.h). */
#include "tools/files/search/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/search/threads.h"

struct search *search_new(int done)
{
	struct search *search = calloc(1, sizeof *search);

	if (!search)
		return NULL;
	search->single = -1;
	search->done = done;
	search->holders = 1;
	pthread_mutex_init(&search->lock, NULL);
	pthread_cond_init(&search->changed, NULL);
	sheet_init(&search->results);
	for (size_t i = 0; i < LIMIT_SEARCH_CHUNKS; i++) {
		buffer_init(&search->chunks[i].paths, LIMIT_SEARCH_CHUNK_FILES * 2 * LIMIT_PATH_BYTES);
		sheet_init(&search->chunks[i].sheet);
	}
	return search;
}

static void empty_chunk(struct search_chunk *chunk)
{
	for (unsigned i = 0; i < chunk->count; i++)
		walk_directory_release(chunk->files[i].directory);
	chunk->count = 0;
	buffer_clear(&chunk->paths, 4096);
}

static void search_free(struct search *search)
{
	for (size_t i = 0; i < LIMIT_SEARCH_CHUNKS; i++) {
		empty_chunk(&search->chunks[i]);
		buffer_deinit(&search->chunks[i].paths);
		sheet_deinit(&search->chunks[i].sheet);
	}
	sheet_deinit(&search->results);
	walk_free(search->walk);
	glob_free(search->glob);
	pattern_deinit(&search->pattern);
	free(search->prefix);
	close_fd(&search->single);
	pthread_cond_destroy(&search->changed);
	pthread_mutex_destroy(&search->lock);
	free(search);
}

/* With the lock held, which is given back. */
static void let_go(struct search *search)
{
	bool last = --search->holders == 0;

	pthread_mutex_unlock(&search->lock);
	if (last)
		search_free(search);
}

void search_release(struct search *search)
{
	if (!search)
		return;
	atomic_store(&search->stop, true);
	pthread_mutex_lock(&search->lock);
	pthread_cond_broadcast(&search->changed);
	let_go(search);
}

static void *work(void *context)
{
	struct search *search = context;

	threads_work(search);
	pthread_mutex_lock(&search->lock);
	let_go(search);
	return NULL;
}

int search_start(struct search *search, unsigned threads)
{
	pthread_attr_t attributes;
	unsigned running = 0;
	int result = pthread_attr_init(&attributes);

	if (result)
		return -result;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 256u << 10); /* fill_wide() and paths; PCRE2 has its own */
	while (running < threads) {
		pthread_t ignored;

		pthread_mutex_lock(&search->lock);
		search->holders++;
		pthread_mutex_unlock(&search->lock);
		result = pthread_create(&ignored, &attributes, work, search);
		if (result) {
			pthread_mutex_lock(&search->lock);
			search->holders--;
			pthread_mutex_unlock(&search->lock);
			break;
		}
		running++;
	}
	pthread_attr_destroy(&attributes);
	return running ? 0 : -result;
}

bool search_ready(const struct search *search)
{
	return search->finished || search->error || search->results.failed ||
	       search->results.count >= search->wanted ||
	       buffer_length(&search->results.records) >= search->bytes;
}

void search_want(struct search *search, uint64_t first, size_t count, size_t bytes)
{
	pthread_mutex_lock(&search->lock);
	while (search->first < first && search->results.count > 0) {
		sheet_drop(&search->results);
		search->first++;
	}
	search->skip += first - search->first;
	search->first = first;
	search->wanted = count;
	search->bytes = bytes;
	pthread_cond_broadcast(&search->changed);
	pthread_mutex_unlock(&search->lock);
}

void search_tell(struct search *search)
{
	eventfd_write(search->done, 1);
}

void search_put_out(struct search *search, struct sheet *sheet)
{
	size_t skip = search->skip < sheet->count ? (size_t)search->skip : sheet->count;

	search->skip -= skip;
	sheet_move(&search->results, sheet, skip);
}

void search_advance(struct search *search)
{
	while (search->front < search->taken) {
		struct search_chunk *chunk = &search->chunks[search->front % LIMIT_SEARCH_CHUNKS];

		if (chunk->state != CHUNK_DONE)
			break;
		search->held -= buffer_length(&chunk->sheet.records);
		search_put_out(search, &chunk->sheet);
		empty_chunk(chunk);
		chunk->state = CHUNK_FREE;
		search->front++;
	}
	if (search->walked && search->front == search->made)
		search->finished = true;
	if (search_ready(search))
		search_tell(search);
	pthread_cond_broadcast(&search->changed);
}
