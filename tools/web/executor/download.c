/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A body that flows into a pipe. When nobody reads as fast as it comes the transfer rests, and the server
 * with it. A connection that breaks is made anew, and the server asked for the rest (RFC 9110,
 * sections 13.1.5 and 14): what is in the pipe cannot be taken back, so it goes on only if the server vouches
 * that it is the same.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "tools/web/executor/web.h"

static bool stop(struct load *load, int error, const char *words)
{
	load->stop = error;
	snprintf(load->broke, sizeof load->broke, "%s", words);
	return false;
}

/* What tells that it is still the same: a strong ETag, else the time of the last change. */
static void note_validator(struct load *load)
{
	const char *etag = transfer_header(load, "ETag"), *modified = transfer_header(load, "Last-Modified"),
		   *ranges = transfer_header(load, "Accept-Ranges"), *validator = "";

	if (etag && strncmp(etag, "W/", 2) != 0)
		validator = etag;
	else if (modified)
		validator = modified;
	if ((ranges && strcmp(ranges, "none") == 0) || strlen(validator) >= sizeof load->validator)
		validator = "";
	snprintf(load->validator, sizeof load->validator, "%s", validator);
}

/* "bytes 100-199/200": does it begin behind what was written, and of how many in all? */
static bool range_follows(struct load *load)
{
	const char *range = transfer_header(load, "Content-Range");
	unsigned long long first, last, total;

	if (!range || sscanf(range, "bytes %llu-%llu/%llu", &first, &last, &total) != 3)
		return false;
	return first == load->written && last >= first && total > last &&
	       (!load->total || total == load->total);
}

bool download_follows(struct load *load)
{
	char words[200];

	if (load->status == 429 || load->status == 503)
		return true; /* hop.c decides, and nothing of it is written */
	if (load->written == 0 && load->status >= 200 && load->status < 300 && load->status != 206) {
		note_validator(load);
		load->total = load->expected;
		if (load->total > load->most)
			return stop(load, EFBIG, "it is larger than limits.downloadBytes allows");
		for (struct fetch *at = load->total ? load->web->fetches : NULL; at; at = at->next)
			if (at->load == load)
				answer_total(at);
		return true;
	}
	if (load->status == 206 && load->written && range_follows(load))
		return true;
	if (load->written) {
		snprintf(words, sizeof words,
			 load->status == 200 || load->status == 206
				 ? "the connection broke after %llu bytes, and what the server has is "
				   "another file now"
				 : "the connection broke after %llu bytes, and then the server answered %ld",
			 (unsigned long long)load->written, load->status);
		return stop(load, EIO, words);
	}
	snprintf(words, sizeof words, "the server answered %ld", load->status);
	return stop(load, load->status == 404 || load->status == 410 ? ENOENT : EIO, words);
}

/* As much of what waits as the pipe takes. False: nobody reads it any more. */
static bool drain(struct load *load)
{
	while (buffer_length(&load->body)) {
		ssize_t put = write(load->pipe, buffer_data(&load->body), buffer_length(&load->body));

		if (put < 0)
			return errno == EAGAIN || errno == EINTR;
		load->web->body_bytes -= (size_t)put;
		buffer_consume(&load->body, (size_t)put);
	}
	return true;
}

bool download_drained(const struct load *load)
{
	return buffer_length(&load->body) == 0;
}

static bool collect(struct load *load, const char *bytes, size_t length)
{
	if (buffer_append(&load->body, bytes, length) < 0)
		return stop(load, ENOMEM, "no memory");
	load->web->body_bytes += length;
	return true;
}

/* Into the buffer before the pipe; behind a request that carried a secret, what may be one lags behind. */
static bool pass_on(struct load *load, const char *bytes, size_t length)
{
	int found;

	if (!load->secret)
		return collect(load, bytes, length);
	found = inject_stream_take(&load->stream, bytes, length, &bytes, &length);
	if (found)
		return stop(load, found < 0 ? ENOMEM : EPERM,
			    found < 0 ? "no memory" : "it repeats a secret of policy's network.inject");
	return collect(load, bytes, length);
}

bool download_finish(struct load *load)
{
	const char *bytes;
	size_t length;

	inject_stream_finish(&load->stream, &bytes, &length);
	return collect(load, length ? bytes : "", length) && drain(load);
}

size_t download_take(struct load *load, const char *bytes, size_t length)
{
	if (load->status == 429 || load->status == 503)
		return length;
	if (!download_drained(load)) { /* curl keeps it, and gives it again */
		load->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (load->written + length > load->most)
		return stop(load, EFBIG, "it is larger than limits.downloadBytes allows");
	if (!pass_on(load, bytes, length))
		return 0;
	load->received += length;
	load->written += length; /* or will be: nothing of the buffer is lost */
	return drain(load) ? length : stop(load, EPIPE, "nobody takes it any more");
}

void download_ready(struct load *load)
{
	if (!drain(load)) {
		load_failed(load, EPIPE, "%s: nobody takes it any more", load->url.text);
	} else if (!download_drained(load)) {
		return;
	} else if (load->state == LOAD_DRAINING) {
		load_body(load, 0, "");
	} else if (load->paused) {
		load->paused = false;
		curl_easy_pause(load->easy, CURLPAUSE_CONT);
	}
}

struct curl_slist *download_headers(const struct load *load, struct curl_slist *list)
{
	char text[LIMIT_WEB_VALIDATOR_BYTES + 64];
	struct curl_slist *longer;

	if (!load->written || !list)
		return list;
	snprintf(text, sizeof text, "Range: bytes=%llu-", (unsigned long long)load->written);
	longer = curl_slist_append(list, text);
	snprintf(text, sizeof text, "If-Range: %s", load->validator);
	if (longer)
		longer = curl_slist_append(list, text);
	if (!longer)
		curl_slist_free_all(list);
	return longer;
}

bool download_resume(struct load *load)
{
	if (load->stop || !load->written || !load->validator[0])
		return false;
	if (load->written > load->unbroken) /* it got further: patience begins anew */
		load->broken = 0;
	if (load->broken == LIMIT_WEB_BROKEN)
		return false;
	load->unbroken = load->written;
	load->resumed++;
	hop_rest(load, (uint64_t)LIMIT_WEB_RETRY_MS << load->broken++);
	return true;
}
