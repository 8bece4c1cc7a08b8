/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two executors say of a download. Either may lie: what one says is read by its own numbers only, in
 * the phase in which it has something to say; everything else ends that executor (-EPROTO).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "server/download_parts.h"
#include "server/supervisor.h"
#include "tools/reply.h"

/* FAILURE or DENIED of either. May free it. */
static int take_failure(struct download_leg *leg, const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	struct denial denial;
	const void *words = payload;
	size_t length = header->length;

	if (header->type == REPLY_DENIED && denial_decode(&denial, payload, header->length) < 0)
		return -EPROTO;
	if (header->type == REPLY_FAILURE) {
		frame_read(&reader, payload, header->length);
		words = frame_get_bytes(&reader, &length);
		if (frame_done(&reader) < 0)
			return -EPROTO;
	}
	download_leg_end(leg);
	download_conclude(leg->download, header->type, leg == &leg->download->web, words, length);
	return 0;
}

static int take_number(const struct frame_header *header, const uint8_t *payload, uint64_t *number)
{
	struct frame_reader reader;

	frame_read(&reader, payload, header->length);
	*number = frame_get_u64(&reader);
	return frame_done(&reader);
}

/* ---- the files executor ---- */

static int take_receiving(struct download *download, const struct frame_header *header,
			  const uint8_t *payload)
{
	uint64_t bytes;

	if (take_number(header, payload, &bytes) < 0 || bytes > download->calls->context.plan->download_bytes)
		return -EPROTO;
	if (download->phase == DOWNLOAD_JUDGED) {
		download_fetch(download);
		return 0;
	}
	if (bytes > download->bytes) {
		download->bytes = bytes;
		download->moved = download->calls->loop->now;
	}
	download_tell_progress(download);
	return 0;
}

static int take_received(struct download *download, const struct frame_header *header, const uint8_t *payload)
{
	if (!download->stored || download_read_received(&download->received, payload, header->length) < 0 ||
	    download->received.bytes != download->fetched.bytes)
		return -EPROTO;
	download_leg_end(&download->files);
	/* also when it was given up while this was on its way: it is written all the same */
	download->verdict = REPLY_RESULT;
	download_settle(download);
	return 0;
}

static int take_of_files(struct download_leg *leg, const struct frame_header *header, const uint8_t *payload)
{
	switch (header->type) {
	case REPLY_RECEIVING:
		return take_receiving(leg->download, header, payload);
	case REPLY_RESULT:
		return take_received(leg->download, header, payload);
	case REPLY_FAILURE:
	case REPLY_DENIED:
		return take_failure(leg, header, payload);
	default:
		return -EPROTO;
	}
}

/* ---- the web executor ---- */

static int take_fetched(struct download *download, const struct frame_header *header, const uint8_t *payload)
{
	struct download_fetched *fetched = &download->fetched;
	char words[LIMIT_URL_BYTES + 256];

	if (download_read_fetched(fetched, payload, header->length) < 0 ||
	    fetched->bytes > download->calls->context.plan->download_bytes)
		return -EPROTO;
	download_leg_end(&download->web);
	if (download->phase != DOWNLOAD_FETCHING) { /* it was given up while this was on its way */
		download_settle(download);
		return 0;
	}
	if (fetched->status >= 200 && fetched->status < 300) {
		download_store(download);
		return 0;
	}
	snprintf(words, sizeof words, "%s was answered with status %u. Nothing was written", fetched->url,
		 fetched->status);
	download_conclude(download, REPLY_FAILURE, true, words, strlen(words));
	return 0;
}

/* How much it is to be; how much has come is the files executor's to say. */
static int take_total(struct download *download, const struct frame_header *header, const uint8_t *payload)
{
	return take_number(header, payload, &download->total);
}

/* It lives. */
static int take_progress(const struct frame_header *header, const uint8_t *payload)
{
	struct frame_reader reader;
	size_t length;

	frame_read(&reader, payload, header->length);
	frame_get_bytes(&reader, &length);
	return frame_done(&reader);
}

static int take_of_web(struct download_leg *leg, const struct frame_header *header, const uint8_t *payload)
{
	switch (header->type) {
	case WEB_TOTAL:
		return take_total(leg->download, header, payload);
	case REPLY_PROGRESS:
		return take_progress(header, payload);
	case REPLY_RESULT:
		return take_fetched(leg->download, header, payload);
	case REPLY_FAILURE:
	case REPLY_DENIED:
		return take_failure(leg, header, payload);
	default:
		return -EPROTO;
	}
}

int downloads_take(struct calls *calls, struct channel *channel, const struct frame_header *header,
		   const uint8_t *payload)
{
	struct download *at = calls->downloads.first;
	struct download_leg *leg;

	while (at && at->files.number != header->call && at->web.number != header->call)
		at = at->next;
	if (!at)
		return -EPROTO;
	leg = at->files.number == header->call ? &at->files : &at->web;
	/* another executor's is none of its business; and there is no second last word, nor one in pieces */
	if (leg->channel != channel || leg->state == LEG_OVER || header->flags)
		return -EPROTO;
	return leg == &at->files ? take_of_files(leg, header, payload) : take_of_web(leg, header, payload);
}

/* ---- executors that are gone ---- */

static bool lost_with(struct download_leg *leg, const struct channel *channel)
{
	if (leg->channel != channel || leg->state == LEG_OVER || leg->epoch == channel->epoch)
		return false;
	download_leg_end(leg);
	return true;
}

/* May free it. */
static void lose(struct download *download, const struct channel *channel,
		 const struct supervisor_failure *failure, bool gone)
{
	char words[512];

	if (failure)
		download_refuse_all(download, channel->name, failure);
	if (failure)
		snprintf(words, sizeof words, "the %s could not be started: %s. Nothing was written",
			 channel->name, failure->step);
	else
		snprintf(words, sizeof words,
			 "the %s ended while it worked on this download (it was killed or it crashed). %s; "
			 "%s. "
			 "Try again: a new one is started.",
			 channel->name, call_remains(gone),
			 download->stored && channel == download->files.channel
				 ? "whether the file was written is not known"
				 : "nothing was written");
	download_fail(download, words);
}

void downloads_lost(struct calls *calls, struct channel *channel, const struct supervisor_failure *failure,
		    bool gone)
{
	struct download *at = calls->downloads.first;

	while (at) {
		if (lost_with(&at->files, channel) || lost_with(&at->web, channel)) {
			lose(at, channel, failure, gone);
			at = calls->downloads.first; /* it may be freed, and others with it */
		} else {
			at = at->next;
		}
	}
}
