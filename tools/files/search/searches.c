/* SPDX-License-Identifier: Apache-2.0 */
/* The table of searches (searches.h). */
#include "tools/files/search/searches.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/limits.h"
#include "tools/files/executor/find.h"

extern const struct operation search_operation;

const struct operation *const search_operations[] = {
	&find_operation,
	&search_operation,
	NULL,
};

void searches_drop(struct search_entry *entry)
{
	search_release(entry->search);
	entry->search = NULL;
	entry->waited = entry->late = false;
	buffer_clear(&entry->question, 0);
}

/* Milliseconds until the first answer or end is due; what is over ends here. */
static int timeout(struct files *files)
{
	struct searches *searches = files->context;
	int64_t now = clock_ms(), next = INT64_MAX;

	for (size_t i = 0; i < LIMIT_SEARCHES; i++) {
		struct search_entry *entry = &searches->entries[i];

		if (entry->search && !entry->waited && entry->due <= now)
			searches_drop(entry);
		if (entry->search && entry->due < next)
			next = entry->due;
	}
	if (next == INT64_MAX)
		return -1;
	return next <= now ? 0 : (int)(next - now);
}

int searches_init(struct searches *searches, struct files *files, long processors)
{
	*searches = (struct searches){.background.timeout = timeout};
	searches->background.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (searches->background.done < 0)
		return -errno;
	searches->threads = processors < 1                      ? 1
			    : processors > LIMIT_SEARCH_THREADS ? LIMIT_SEARCH_THREADS
								: (unsigned)processors;
	for (size_t i = 0; i < LIMIT_SEARCHES; i++)
		buffer_init(&searches->entries[i].question, LIMIT_FRAME_BYTES);
	files->background = &searches->background;
	files->context = searches;
	return 0;
}

void searches_deinit(struct searches *searches)
{
	for (size_t i = 0; i < LIMIT_SEARCHES; i++) {
		searches_drop(&searches->entries[i]);
		buffer_deinit(&searches->entries[i].question);
	}
	close_fd(&searches->background.done);
}

/* Can its next answer begin with result number `first`? At 0 a question is a new one, unless it was not
 * answered whole. */
static bool goes_on(struct search_entry *entry, uint64_t first)
{
	struct search *search = entry->search;
	bool can;

	if (first == 0 && !entry->late)
		return false;
	pthread_mutex_lock(&search->lock);
	can = first >= search->first && !search->error;
	pthread_mutex_unlock(&search->lock);
	return can;
}

struct search_entry *searches_find(struct searches *searches, const void *question, size_t length,
				   uint64_t first)
{
	struct search_entry *free_entry = NULL, *oldest = NULL;

	for (size_t i = 0; i < LIMIT_SEARCHES; i++) {
		struct search_entry *entry = &searches->entries[i];

		if (!entry->search) {
			free_entry = entry;
			continue;
		}
		if (entry->waited)
			continue;
		if (buffer_length(&entry->question) == length &&
		    memcmp(buffer_data(&entry->question), question, length) == 0) {
			if (goes_on(entry, first))
				return entry;
			searches_drop(entry);
			free_entry = entry;
		} else if (!oldest || entry->due < oldest->due) {
			oldest = entry;
		}
	}
	if (!free_entry && oldest) {
		searches_drop(oldest);
		free_entry = oldest;
	}
	return free_entry;
}
