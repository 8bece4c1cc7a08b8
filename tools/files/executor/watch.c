/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of watched paths (watch.h): requests, what inotify tells, and what is told of it. Trusts neither
 * the frontend's numbers nor anything about names: they only say that it is time to look again.
 */
#include "tools/files/executor/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/files/executor/job.h"
#include "tools/files/executor/watch_parts.h"
#include "tools/reply.h"

#define EVENTS_BYTES (64u << 10) /* of one read: 2,000 of short names */
#define EVENTS_READS 8           /* of one look: all that the kernel keeps unless told otherwise; 2 ms */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct watches *watches_new(void)
{
	struct watches *watches = calloc(1, sizeof *watches);

	if (watches)
		watches->fd = -1;
	return watches;
}

static void watch_free(struct watches *watches, struct watch *watch)
{
	watch_release(watches, watch->holds);
	free(watch);
}

void watches_free(struct watches *watches)
{
	if (!watches)
		return;
	while (watches->first) {
		struct watch *watch = watches->first;

		watches->first = watch->next;
		watch_free(watches, watch);
	}
	close_fd(&watches->fd);
	free(watches);
}

/* ---- requests ---- */

static struct watch **find(struct watches *watches, uint32_t number)
{
	struct watch **at = &watches->first;

	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

/* WATCHED: that it is, or why not. */
static void answer(struct files *files, uint32_t number, const struct refusal *refusal)
{
	struct frame_header header = {.type = REPLY_WATCHED, .call = number};
	struct buffer payload;

	if (!reply_result(files, &payload))
		return;
	if (refusal) {
		header.value = refusal->denied ? WATCHED_DENIED : WATCHED_FAILED;
		if (refusal_write(refusal, &payload) < 0)
			payload.end = 0; /* cannot be: a refusal is smaller than the reserve */
	}
	header.length = (uint32_t)payload.end;
	ring_commit(&files->rings.out, &header);
}

static int begin(struct files *files, struct watch *watch, struct refusal *refusal)
{
	struct watches *watches = files->watches;

	if (watches->fd < 0)
		watches->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watches->fd < 0 && errno == EMFILE)
		return refuse(refusal, EMFILE,
			      "cannot watch `%.600s`: this user has no inotify instance left; raise the "
			      "sysctl fs.inotify.max_user_instances, or end a program that holds some",
			      watch->path);
	if (watches->fd < 0)
		return refuse_errno(refusal, errno, "watch", watch->path);
	return watch_hold(files, watch, refusal);
}

static int take_watch(struct files *files, const struct frame_header *header, const void *payload)
{
	struct watches *watches = files->watches;
	char path[LIMIT_PATH_BYTES];
	struct frame_reader reader;
	struct refusal refusal = {0};
	struct watch *watch;
	int result;

	frame_read(&reader, payload, header->length);
	frame_get_text(&reader, path, sizeof path);
	if (frame_done(&reader) < 0 || (header->flags & FRAME_MORE) || watches->count >= LIMIT_FILE_WATCHES ||
	    *find(watches, header->call))
		return -EPROTO;
	watch = calloc(1, sizeof *watch + strlen(path) + 1);
	if (!watch) {
		refuse_errno(&refusal, ENOMEM, "watch", path);
		answer(files, header->call, &refusal);
		return 0;
	}
	watch->number = header->call;
	memcpy(watch->path, path, strlen(path) + 1);
	result = begin(files, watch, &refusal);
	answer(files, header->call, result < 0 ? &refusal : NULL);
	if (result < 0) {
		watch_free(watches, watch);
		return 0;
	}
	watch->next = watches->first;
	watches->first = watch;
	watches->count++;
	return 0;
}

static void take_unwatch(struct watches *watches, uint32_t number)
{
	struct watch **at = find(watches, number), *watch = *at;

	if (!watch) /* it was refused, and this crossed that */
		return;
	*at = watch->next;
	watches->count--;
	watches->untold -= watch->untold;
	watch_free(watches, watch);
	if (watches->count == 0) {
		close_fd(&watches->fd);
		watches->due = 0;
	}
}

int watches_take(struct files *files, const struct frame_header *header, const void *payload)
{
	int result = 0;

	if (header->type == FILES_WATCH)
		result = take_watch(files, header, payload);
	else if (header->type == FILES_UNWATCH && !header->length)
		take_unwatch(files->watches, header->call);
	else
		return header->type == FILES_UNWATCH ? -EPROTO : 0;
	return result < 0 ? result : 1;
}

/* ---- what happens ---- */

int watches_descriptor(const struct watches *watches)
{
	return watches && !watches->due ? watches->fd : -1;
}

int watches_timeout(const struct watches *watches)
{
	uint64_t now;

	if (!watches || !watches->due)
		return -1;
	now = now_ms();
	return watches->due > now ? (int)(watches->due - now) : 0;
}

void watches_heard(struct watches *watches)
{
	watches->due = now_ms() + LIMIT_WATCH_SETTLE_MS;
}

static void mark(struct watches *watches, int wd, const char *name)
{
	for (struct watch_hold *at = *watch_bucket(watches, wd, name); at; at = at->same)
		if (at->wd == wd && strcmp(at->name, name) == 0)
			at->watch->dirty = true;
}

/* One event is news for who holds the name, the thing itself, or all that is in it. */
static void hear(struct watches *watches, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		for (struct watch *at = watches->first; at; at = at->next)
			at->dirty = true;
		return;
	}
	if (event->len)
		mark(watches, event->wd, event->name);
	else
		mark(watches, event->wd, WATCH_SELF);
	mark(watches, event->wd, WATCH_INSIDE);
}

/* What has come so far, as much as one look takes; the rest waits for the next. */
static void listen(struct watches *watches)
{
	_Alignas(struct inotify_event) char events[EVENTS_BYTES];
	ssize_t length = 1;

	for (int reads = 0; reads < EVENTS_READS && length > 0; reads++) {
		length = read(watches->fd, events, sizeof events);
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const struct inotify_event *)(events + at);

			hear(watches, event);
			at += (ssize_t)sizeof *event + event->len;
		}
	}
}

/* Of each that something happened to: what it leads to now is watched from here. */
static void look_again(struct files *files)
{
	struct watches *watches = files->watches;
	struct refusal ignored;

	for (struct watch *at = watches->first; at; at = at->next) {
		int result;

		if (!at->dirty && !at->lacking)
			continue;
		if (at->dirty && !at->untold) {
			at->untold = true;
			watches->untold++;
		}
		at->dirty = false;
		result = watch_hold(files, at, &ignored);
		at->lacking = result == -ENOSPC || result == -ENOMEM;
		if (at->lacking)
			watches->due = now_ms() + LIMIT_WATCH_AGAIN_MS;
	}
}

static void tell(struct files *files)
{
	struct watches *watches = files->watches;
	bool lied;

	for (struct watch *at = watches->first; at && watches->untold; at = at->next) {
		struct frame_header header = {.type = REPLY_CHANGED, .call = at->number};

		if (!at->untold)
			continue;
		if (ring_room(&files->rings.out) < WATCH_ROOM_BYTES)
			return;
		if (!ring_reserve(&files->rings.out, 0, &lied)) {
			files->lied = true; /* there was room, and room only grows */
			return;
		}
		ring_commit(&files->rings.out, &header);
		at->untold = false;
		watches->untold--;
	}
}

void watches_step(struct files *files)
{
	struct watches *watches = files->watches;

	if (!watches)
		return;
	if (watches->due && now_ms() >= watches->due) {
		watches->due = 0;
		listen(watches);
		look_again(files);
	}
	if (watches->untold)
		tell(files);
}

uint32_t watches_wanted(const struct watches *watches)
{
	return watches && watches->untold ? WATCH_ROOM_BYTES : 0;
}
