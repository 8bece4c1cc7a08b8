/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a download (downloads.h). The order of things is what keeps promises: nothing is fetched before
 * the path was judged; a file gets its name only when the web executor has said that all is sent; and who is
 * told that it failed is told when the files executor has said its last word, so that nothing of it is left.
 *
 * Both executors may lie. What one says is read by its own numbers only, in the phase in which it has
 * something to say, and everything else ends that executor.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "server/download_parts.h"
#include "tools/reply.h"

/* ---- one executor's part ---- */

static void last_word_overdue(struct loop_timer *timer)
{
	struct download_leg *leg =
		(struct download_leg *)((char *)timer - offsetof(struct download_leg, last_word));

	if (leg->epoch == leg->channel->epoch)
		channel_condemn(leg->channel);
}

int download_leg_ask(struct download_leg *leg, uint16_t operation, struct buffer *payload, int fd)
{
	struct calls *calls = leg->download->calls;
	int result;

	leg->operation = operation;
	leg->number = ++calls->downloads.last_number | DOWNLOAD_NUMBER;
	leg->epoch = leg->channel->epoch;
	result = channel_send_descriptor(leg->channel, operation, leg->number, payload, fd);
	if (result < 0)
		return result;
	leg->state = LEG_ASKED;
	leg->channel->calls++;
	if (leg->channel == &calls->web && leg->download->caller)
		leg->download->caller->web_epoch = leg->epoch + 1;
	calls->loop->again = true; /* a turn may be past its channel_push() */
	return 0;
}

void download_leg_end(struct download_leg *leg)
{
	struct loop *loop = leg->download->calls->loop;

	if (leg->state == LEG_OVER)
		return;
	loop_timer_clear(loop, &leg->last_word);
	leg->channel->calls--;
	leg->channel->used = loop->now;
	leg->state = LEG_OVER;
}

static void leg_cancel(struct download_leg *leg)
{
	struct loop *loop = leg->download->calls->loop;
	struct buffer nothing;

	if (leg->state != LEG_ASKED)
		return;
	leg->state = LEG_CANCELLED;
	if (channel_withdraw(leg->channel, leg->operation, leg->number)) {
		download_leg_end(leg);
		return;
	}
	if (leg->epoch != leg->channel->epoch) /* its executor is being ended: that is the last word */
		return;
	buffer_init(&nothing, LIMIT_FRAME_BYTES);
	/* an executor that is not told finds out when it answers */
	channel_send(leg->channel, REPLY_CANCEL, leg->number, &nothing);
	loop->again = true;
	/* without memory for the timer it has as long as it takes */
	loop_timer_set(loop, &leg->last_word, loop->now + LOOP_MS(LIMIT_LAST_WORD_MS));
}

/* ---- the end ---- */

void download_free(struct download *download)
{
	struct calls *calls = download->calls;
	struct download **at = &calls->downloads.first;

	while (*at && *at != download)
		at = &(*at)->next;
	if (*at)
		*at = download->next;
	download_leg_end(&download->files);
	download_leg_end(&download->web);
	loop_timer_clear(calls->loop, &download->stalled);
	close_fd(&download->outlet);
	buffer_deinit(&download->question);
	buffer_deinit(&download->words);
	free(download->url);
	free(download->path);
	free(download);
}

/* Of the caller's that have ended the oldest go. */
static void bound_kept(struct downloads *downloads, const struct caller *caller)
{
	unsigned kept = 0;

	for (struct download *at = downloads->first, *next; at; at = next) {
		next = at->next;
		if (at->caller == caller && at->phase == DOWNLOAD_ENDED && ++kept > LIMIT_DOWNLOADS_KEPT)
			at->unwanted = true;
		if (at->unwanted && at->phase == DOWNLOAD_ENDED && at->web.state == LEG_OVER)
			download_free(at);
	}
}

void download_settle(struct download *download)
{
	struct calls *calls = download->calls;
	struct loop *loop = calls->loop;

	if (!download->verdict || download->files.state != LEG_OVER)
		return;
	if (download->phase != DOWNLOAD_ENDED) {
		download->phase = DOWNLOAD_ENDED;
		calls->downloads.running--;
		download->unwanted |= download->listeners || !download->caller;
		download_answer_all(download);
		/* without memory for the timer it goes when there are too many */
		loop_timer_set(loop, &download->stalled, loop->now + LOOP_MS(LIMIT_DOWNLOAD_KEPT_MS));
	}
	bound_kept(&calls->downloads, download->caller);
}

/* What is under way is stopped. */
static void stop(struct download *download)
{
	if (download->phase < DOWNLOAD_ENDING)
		download->phase = DOWNLOAD_ENDING;
	close_fd(&download->outlet);
	leg_cancel(&download->files);
	leg_cancel(&download->web);
}

void download_conclude(struct download *download, uint16_t verdict, bool of_web, const void *words,
		       size_t length)
{
	if (!download->verdict) {
		download->verdict = verdict;
		download->of_web = of_web;
		buffer_append(&download->words, words, length); /* without memory: without words */
	}
	stop(download);
	download_settle(download);
}

void download_fail(struct download *download, const char *words)
{
	download_conclude(download, REPLY_FAILURE, false, words, strlen(words));
}

/* No call listens, and none will. */
static void abandon(struct download *download)
{
	download->unwanted = true;
	if (download->phase == DOWNLOAD_ENDED)
		download_settle(download);
	else
		download_fail(download, "cancelled");
}

/* Fires as long as it goes on, and once after the end. */
static void look(struct loop_timer *timer)
{
	struct download *download = (struct download *)((char *)timer - offsetof(struct download, stalled));
	struct loop *loop = download->calls->loop;
	uint64_t due = download->moved + LOOP_MS(LIMIT_DOWNLOAD_STALL_MS);
	char words[256];

	if (download->phase >= DOWNLOAD_ENDING) {
		download->unwanted |= download->phase == DOWNLOAD_ENDED;
		download_settle(download);
		return;
	}
	if (loop->now < due) {
		loop_timer_set(loop, timer, due);
		return;
	}
	snprintf(words, sizeof words,
		 "%s for %u s, so the download was given up after %llu bytes. Nothing was written; try again",
		 download->phase == DOWNLOAD_FETCHING ? "nothing has come" : "the disk has not taken it",
		 LIMIT_DOWNLOAD_STALL_MS / 1000, (unsigned long long)download->bytes);
	download_fail(download, words);
}

void download_init(struct download *download, struct calls *calls)
{
	*download = (struct download){.calls = calls, .outlet = -1, .moved = calls->loop->now};
	download->files = (struct download_leg){.download = download, .channel = &calls->files};
	download->web = (struct download_leg){.download = download, .channel = &calls->web};
	download->files.last_word.fire = download->web.last_word.fire = last_word_overdue;
	download->stalled.fire = look;
	buffer_init(&download->words, LIMIT_FRAME_BYTES);
}

void download_unlisten(struct call *call)
{
	struct download *download = call->download;

	download_forget_listener(download, call);
	call_release(call);
	if (!download->listeners)
		abandon(download);
}

void downloads_leave(struct calls *calls, struct caller *caller)
{
	bool again = true;

	while (again) { /* one may be freed by its end */
		again = false;
		for (struct download *at = calls->downloads.first; at && !again; at = at->next) {
			if (at->caller != caller)
				continue;
			at->caller = NULL;
			while (at->listeners) {
				struct call *call = at->listeners;

				download_forget_listener(at, call);
				call->mcp = NULL;
				call_release(call);
			}
			again = true;
			abandon(at);
		}
	}
}

void downloads_free(struct calls *calls)
{
	while (calls->downloads.first) {
		struct download *download = calls->downloads.first;

		while (download->listeners) {
			struct call *call = download->listeners;

			download_forget_listener(download, call);
			call_release(call);
		}
		download_free(download);
	}
}
