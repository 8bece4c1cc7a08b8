/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscribed files (file_watches.h). What the executor says is not believed beyond what it may say: an answer
 * to what was not asked, or a number that nobody was given, ends it; what it tells too often is folded.
 */
#include "server/file_watches.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "server/caller.h"
#include "server/calls.h"
#include "tools/files/wire.h"
#include "tools/reply.h"

struct file_watch {
	struct file_watch *next;
	struct calls *calls;
	struct caller *caller;
	uint32_t number;
	unsigned epoch; /* of the executor that was asked */
	enum {
		FILE_WATCH_ASKED,   /* the timer is the executor's time to answer */
		FILE_WATCH_HELD,    /* the timer, if set, is when the caller is told */
		FILE_WATCH_LOST,    /* the timer is when the next executor is asked */
		FILE_WATCH_REFUSED, /* the timer is when the caller is told why, before which he has been
				       asked */
	} state;
	bool answered; /* the caller knows that it is watched */
	struct loop_timer timer;
	char *why;       /* it was refused */
	const char *uri; /* behind path */
	char path[];
};

static struct file_watch **find(struct calls *calls, const struct caller *caller, const char *uri)
{
	struct file_watch **at = &calls->watches.first;

	while (*at && ((*at)->caller != caller || strcmp((*at)->uri, uri) != 0))
		at = &(*at)->next;
	return at;
}

/* Takes it out of the list and frees it. */
static void release(struct file_watch **link)
{
	struct file_watch *watch = *link;
	struct calls *calls = watch->calls;

	*link = watch->next;
	calls->watches.count--;
	calls->files.calls--;
	calls->files.used = calls->loop->now;
	loop_timer_clear(calls->loop, &watch->timer);
	free(watch->why);
	free(watch);
}

/* What it is called: a copy, since whom it is told to may end it. */
struct uri {
	char text[LIMIT_RESOURCE_URI_BYTES];
};
_Static_assert(LIMIT_RESOURCE_URI_BYTES > 3 * LIMIT_PATH_BYTES + sizeof "file://localhost",
	       "a path, encoded");

static struct uri uri_of(const struct file_watch *watch)
{
	struct uri uri;

	snprintf(uri.text, sizeof uri.text, "%s", watch->uri);
	return uri;
}

/* The caller is told so, unless it knows that it is watched: then it is tried again. Both later: this may be
 * where it is being asked. The timer was set before, so there is room for it. */
static void refuse(struct file_watch *watch, const char *why)
{
	struct loop *loop = watch->calls->loop;

	if (!watch->answered)
		watch->why = strdup(why);
	watch->state = watch->answered ? FILE_WATCH_LOST : FILE_WATCH_REFUSED;
	loop_timer_set(loop, &watch->timer,
		       loop->now + (watch->answered ? LOOP_MS(LIMIT_WATCH_AGAIN_MS) : 0));
}

static void tell_refusal(struct file_watch *watch)
{
	_cleanup_free_ char *why = steal_pointer(watch->why);
	struct mcp_caller *mcp = watch->caller->mcp;
	struct uri uri = uri_of(watch);

	release(find(watch->calls, watch->caller, watch->uri));
	mcp_resource_watched(mcp, uri.text, why ? why : "Error: out of memory, try again");
}

/* ---- asking ---- */

/* 0, -ENOMEM, -ENOBUFS. */
static int ask(struct file_watch *watch)
{
	struct calls *calls = watch->calls;
	_cleanup_(buffer_deinit) struct buffer payload;
	int result;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	/* when it is over, whoever is too slow is ended; set first, so that no memory is missed afterwards */
	result = loop_timer_set(calls->loop, &watch->timer, calls->loop->now + LOOP_MS(LIMIT_START_MS));
	if (result == 0)
		result = frame_put_text(&payload, watch->path);
	if (result < 0)
		return result;
	watch->state = FILE_WATCH_ASKED;
	watch->epoch = calls->files.epoch;
	result = channel_send(&calls->files, FILES_WATCH, watch->number, &payload);
	calls->loop->again = true; /* a turn may be past its channel_push() */
	return result;
}

static void fire(struct loop_timer *timer)
{
	struct file_watch *watch = (struct file_watch *)((char *)timer - offsetof(struct file_watch, timer));

	switch (watch->state) {
	case FILE_WATCH_ASKED:
		channel_condemn(&watch->calls->files); /* or it has not started yet */
		if (watch->state == FILE_WATCH_ASKED)
			loop_timer_set(watch->calls->loop, timer,
				       watch->calls->loop->now + LOOP_MS(LIMIT_START_MS));
		break;
	case FILE_WATCH_HELD:
		mcp_resource_updated(watch->caller->mcp, watch->uri);
		break;
	case FILE_WATCH_LOST:
		if (ask(watch) < 0)
			refuse(watch, "");
		break;
	case FILE_WATCH_REFUSED:
		tell_refusal(watch);
		break;
	}
}

int file_watch_begin(struct calls *calls, struct caller *caller, const char *uri, const char *path)
{
	struct file_watch *watch = *find(calls, caller, uri);
	size_t length = strlen(path) + 1;
	int result;

	if (watch)
		return watch->answered ? 0 : -EINPROGRESS;
	if (calls->watches.count >= LIMIT_FILE_WATCHES)
		return -ENOSPC;
	watch = calloc(1, sizeof *watch + length + strlen(uri) + 1);
	if (!watch)
		return -ENOMEM;
	watch->calls = calls;
	watch->caller = caller;
	watch->number = ++calls->watches.last_number;
	watch->timer.fire = fire;
	memcpy(watch->path, path, length);
	watch->uri = watch->path + length;
	memcpy(watch->path + length, uri, strlen(uri) + 1);
	watch->next = calls->watches.first;
	calls->watches.first = watch;
	calls->watches.count++;
	calls->files.calls++;
	result = ask(watch);
	if (result < 0) {
		release(&calls->watches.first);
		return -ENOMEM;
	}
	return -EINPROGRESS;
}

static void end(struct file_watch **link)
{
	struct channel *files = &(*link)->calls->files;
	struct buffer nothing;

	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	/* an executor that is not told goes on about a number that nobody has any more */
	if ((*link)->state != FILE_WATCH_LOST && (*link)->epoch == files->epoch &&
	    !channel_withdraw(files, FILES_WATCH, (*link)->number))
		channel_send(files, FILES_UNWATCH, (*link)->number, &nothing);
	(*link)->calls->loop->again = true;
	release(link);
}

void file_watch_end(struct calls *calls, struct caller *caller, const char *uri)
{
	struct file_watch **link = find(calls, caller, uri);

	if (*link)
		end(link);
}

void file_watches_end(struct calls *calls, const struct caller *caller)
{
	for (struct file_watch **link = &calls->watches.first; *link;) {
		if (caller && (*link)->caller != caller)
			link = &(*link)->next;
		else
			end(link);
	}
}

/* ---- hearing ---- */

static void tell_later(struct file_watch *watch)
{
	struct loop *loop = watch->calls->loop;

	if (!watch->timer.place) /* without memory the next change tries again */
		loop_timer_set(loop, &watch->timer, loop->now + LOOP_MS(LIMIT_RESOURCE_UPDATE_MS));
}

static void take_held(struct file_watch *watch)
{
	struct uri uri = uri_of(watch);

	loop_timer_clear(watch->calls->loop, &watch->timer);
	watch->state = FILE_WATCH_HELD;
	if (watch->answered) { /* the second time: what was between is not known */
		tell_later(watch);
		return;
	}
	watch->answered = true;
	mcp_resource_watched(watch->caller->mcp, uri.text, NULL);
}

/* Why it is not watched, in words. 0 or -EPROTO. */
static int read_refusal(const struct frame_header *header, const uint8_t *payload,
			char text[DENIAL_TEXT_BYTES])
{
	struct frame_reader reader;
	struct denial denial;
	const char *message;
	size_t length;

	if (header->value == WATCHED_DENIED) {
		if (denial_decode(&denial, payload, header->length) < 0)
			return -EPROTO;
		denial_text(&denial, text);
		return 0;
	}
	frame_read(&reader, payload, header->length);
	message = frame_get_bytes(&reader, &length);
	if (header->value != WATCHED_FAILED || frame_done(&reader) < 0)
		return -EPROTO;
	snprintf(text, DENIAL_TEXT_BYTES, "Error: %.*s",
		 (int)(length < DENIAL_TEXT_BYTES ? length : DENIAL_TEXT_BYTES), message);
	return 0;
}

int file_watches_take(struct calls *calls, const struct frame_header *header, const uint8_t *payload)
{
	struct file_watch *watch = calls->watches.first;
	char why[DENIAL_TEXT_BYTES];

	if (header->flags || header->call == 0 || header->call > calls->watches.last_number)
		return -EPROTO;
	while (watch && watch->number != header->call)
		watch = watch->next;
	if (!watch) /* nobody wants to know any more: that crossed this */
		return 0;
	if (watch->epoch != calls->files.epoch ||
	    watch->state != (header->type == REPLY_WATCHED ? FILE_WATCH_ASKED : FILE_WATCH_HELD))
		return -EPROTO;
	if (header->type == REPLY_CHANGED) {
		if (header->length)
			return -EPROTO;
		tell_later(watch);
	} else if (header->value == WATCHED_WELL) {
		if (header->length)
			return -EPROTO;
		take_held(watch);
	} else {
		if (read_refusal(header, payload, why) < 0)
			return -EPROTO;
		refuse(watch, why);
	}
	return 0;
}

/* The next whose executor is no more. */
static struct file_watch *find_lost(const struct calls *calls)
{
	struct file_watch *at = calls->watches.first;

	while (at && (at->state == FILE_WATCH_LOST || at->state == FILE_WATCH_REFUSED ||
		      at->epoch == calls->files.epoch))
		at = at->next;
	return at;
}

void file_watches_lost(struct calls *calls, const struct supervisor_failure *failure)
{
	char why[LIMIT_REMEDY_BYTES * 3];
	struct file_watch *watch;

	snprintf(why, sizeof why, "Error: the %s %s; it is not watched. %s", calls->files.name,
		 failure ? "could not be started" : "ended while it worked on this",
		 failure ? failure->remedy : "Try again.");
	while ((watch = find_lost(calls)))
		refuse(watch, why);
}
