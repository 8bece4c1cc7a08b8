/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each thread of a search does: takes a chunk and looks through its files, or makes chunks of what the
 * walk finds next. Files are opened here, by a single name below a directory that the walk has judged, links
 * not followed; that it is a file is asked of what was opened.
 */
#include "tools/files/search/threads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/quote.h"

struct worker {
	struct lines lines; /* first: lines->full gets it */
	struct search *search;
	uint64_t number; /* of the chunk at hand */
	struct buffer plain, shown;
};

static bool stopped(const struct search *search)
{
	return atomic_load_explicit(&search->stop, memory_order_relaxed);
}

/* ---- making chunks ---- */

static int add_file(struct search_chunk *chunk, const struct walk_entry *entry)
{
	struct search_file *file = &chunk->files[chunk->count];
	int result;

	file->path = (uint32_t)buffer_length(&chunk->paths);
	file->name = file->path + (uint32_t)(entry->name - entry->path);
	result = buffer_append(&chunk->paths, entry->path, entry->length + 1);
	if (result < 0)
		return result;
	file->directory = entry->directory;
	walk_directory_hold(file->directory);
	chunk->count++;
	return 0;
}

/* Fills one chunk. 1 when the walk is at its end, 0, or -errno. */
static int fill_chunk(struct search *search, struct search_chunk *chunk)
{
	struct walk_entry entry;

	while (chunk->count < LIMIT_SEARCH_CHUNK_FILES && !stopped(search)) {
		int step = walk_next(search->walk, &entry);

		if (step == WALK_END)
			return 1;
		if (step < 0)
			return step;
		if (step == WALK_BUSY)
			continue;
		if (entry.type == DT_DIR && search->glob && !glob_leads_below(search->glob, entry.path)) {
			walk_skip(search->walk);
			continue;
		}
		if (entry.type != DT_REG ||
		    (search->glob && !glob_matches(search->glob, entry.path, entry.name, false)))
			continue;
		step = add_file(chunk, &entry);
		if (step < 0)
			return step;
	}
	return 0;
}

/* With the lock held, and given back meanwhile: some chunks more, while nobody else makes any. */
static void make_chunks(struct search *search)
{
	int result = 0;

	search->walking = true;
	for (int i = 0; i < 4 && result == 0 && search->made - search->front < LIMIT_SEARCH_CHUNKS; i++) {
		struct search_chunk *chunk = &search->chunks[search->made % LIMIT_SEARCH_CHUNKS];

		pthread_mutex_unlock(&search->lock);
		result = fill_chunk(search, chunk);
		pthread_mutex_lock(&search->lock);
		if (chunk->count > 0) {
			chunk->state = CHUNK_READY;
			search->made++;
			pthread_cond_signal(&search->changed);
		}
		if (stopped(search))
			break;
	}
	search->walking = false;
	if (result != 0) {
		search->walked = true;
		search->error = result < 0 ? result : 0;
		search_advance(search);
	}
	pthread_cond_broadcast(&search->changed);
}

/* ---- looking through them ---- */

/* The sheet is full: its results go out if it is this chunk's turn, else they wait for it; and all waits
 * while nobody wants more. */
static bool sheet_full(struct lines *lines)
{
	struct worker *worker = (struct worker *)lines;
	struct search *search = worker->search;

	pthread_mutex_lock(&search->lock);
	while (!stopped(search) && search->front != worker->number)
		pthread_cond_wait(&search->changed, &search->lock);
	search_put_out(search, &lines->sheet);
	if (search_ready(search))
		search_tell(search);
	while (!stopped(search) && search_ready(search))
		pthread_cond_wait(&search->changed, &search->lock);
	pthread_mutex_unlock(&search->lock);
	return !stopped(search);
}

/* The path as it is shown, in worker->shown: with what was asked for in front, quoted if it is odd. */
static int show_path(struct worker *worker, const char *path)
{
	struct buffer *plain = &worker->plain, *shown = &worker->shown;
	int result;

	buffer_clear(plain, SIZE_MAX);
	buffer_clear(shown, SIZE_MAX);
	result = buffer_append_text(plain, worker->search->prefix);
	if (result == 0)
		result = buffer_append_text(plain, path);
	return result < 0 ? result : quote_append(shown, buffer_data(plain), buffer_length(plain));
}

static void search_file(struct worker *worker, int directory, const char *path, const char *name)
{
	_cleanup_fd_ int fd = -1;

	/* what was put in its place meanwhile must not make us wait either */
	fd = reach_open_below(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		worker->lines.facts.unreadable += fd != -ENOENT && fd != -ELOOP;
	else if (show_path(worker, path) == 0)
		lines_search(&worker->lines, fd, buffer_data(&worker->shown), buffer_length(&worker->shown));
}

static void add_facts(struct lines_facts *to, struct lines_facts *from)
{
	to->files += from->files;
	to->binary += from->binary;
	to->unreadable += from->unreadable;
	to->pieces += from->pieces;
	to->holes += from->holes;
	to->overruns += from->overruns;
	*from = (struct lines_facts){0};
}

/* With the lock held, and given back meanwhile. */
static void work_on(struct worker *worker)
{
	struct search *search = worker->search;
	struct search_chunk *chunk;

	worker->number = search->taken++;
	chunk = &search->chunks[worker->number % LIMIT_SEARCH_CHUNKS];
	pthread_mutex_unlock(&search->lock);
	for (unsigned i = 0; i < chunk->count && !stopped(search); i++) {
		const char *paths = buffer_data(&chunk->paths);
		const struct search_file *file = &chunk->files[i];

		search_file(worker, file->directory->fd, paths + file->path, paths + file->name);
	}
	pthread_mutex_lock(&search->lock);
	add_facts(&search->facts, &worker->lines.facts);
	if (search->facts.overruns >= LIMIT_SEARCH_OVERRUNS)
		search->error = -E2BIG;
	sheet_move(&chunk->sheet, &worker->lines.sheet, 0);
	search->held += buffer_length(&chunk->sheet.records);
	chunk->state = CHUNK_DONE;
	search_advance(search);
}

/* With the lock held: may another chunk be begun? */
static bool may_begin(const struct search *search)
{
	return !search_ready(search) && search->held < LIMIT_SEARCH_HELD_BYTES;
}

static void work_on_single(struct worker *worker)
{
	struct search *search = worker->search;

	if (search->taken++ > 0)
		return;
	pthread_mutex_unlock(&search->lock);
	if (show_path(worker, "") == 0)
		lines_search(&worker->lines, search->single, buffer_data(&worker->shown),
			     buffer_length(&worker->shown));
	pthread_mutex_lock(&search->lock);
	add_facts(&search->facts, &worker->lines.facts);
	if (search->facts.overruns >= LIMIT_SEARCH_OVERRUNS)
		search->error = -E2BIG;
	search_put_out(search, &worker->lines.sheet);
	search->walked = true;
	search->made = search->front = search->taken;
	search_advance(search);
}

static void work(struct worker *worker)
{
	struct search *search = worker->search;

	while (!stopped(search) && !search->finished && !search->error) {
		if (search->single >= 0 && search->taken == 0)
			work_on_single(worker);
		else if (search->taken < search->made && may_begin(search))
			work_on(worker);
		else if (search->single < 0 && !search->walked && !search->walking && may_begin(search) &&
			 search->made - search->front < LIMIT_SEARCH_CHUNKS)
			make_chunks(search);
		else
			pthread_cond_wait(&search->changed, &search->lock);
	}
}

void threads_work(struct search *search)
{
	struct worker worker = {.search = search, .plain.max = QUOTE_BYTES, .shown.max = QUOTE_BYTES};
	int result =
		lines_init(&worker.lines, &search->pattern, search->mode, search->context, &search->stop);

	worker.lines.full = sheet_full;
	pthread_mutex_lock(&search->lock);
	if (result < 0) {
		search->error = result;
		search_tell(search);
	} else {
		work(&worker);
	}
	pthread_mutex_unlock(&search->lock);
	lines_deinit(&worker.lines);
	buffer_deinit(&worker.plain);
	buffer_deinit(&worker.shown);
}
