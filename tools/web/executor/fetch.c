/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one fetch: for each hop the broker is asked for a connected socket (which is where the policy
 * is applied, at every hop anew), curl does the hop, and a redirect begins the next one. Whatever happens, it
 * ends in exactly one answer (answer.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/rules.h"
#include "sandbox/egress/wire.h"
#include "tools/web/executor/web.h"

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* What the frontend packed (tools/web/wire.h). The URL is checked again: nothing is believed twice. */
static int decode(struct fetch *fetch, const void *payload, size_t length)
{
	struct frame_reader reader;
	char method[16], headers[16];
	size_t body;
	uint32_t ms;

	frame_read(&reader, payload, length);
	fetch->key = frame_take_text(&reader, LIMIT_URL_BYTES);
	fetch->caller = frame_get_u32(&reader);
	fetch->format = frame_get_u32(&reader);
	fetch->offset = frame_get_u64(&reader);
	fetch->max_length = frame_get_u64(&reader);
	fetch->result_bytes = frame_get_u64(&reader);
	ms = frame_get_u32(&reader);
	frame_get_text(&reader, method, sizeof method);
	frame_get_text(&reader, headers, sizeof headers);
	frame_get_bytes(&reader, &body);
	if (frame_done(&reader) < 0 || fetch->format >= WEB_FORMATS || !fetch->max_length ||
	    !fetch->result_bytes || url_check(&fetch->url, fetch->key, strlen(fetch->key), NULL) < 0)
		return -EPROTO;
	fetch->deadline = fetch->begun + min_u32(ms, LIMIT_WEB_TOTAL_MS);
	return 0;
}

int fetch_new(struct web *web, uint32_t call, const void *payload, size_t length)
{
	struct fetch *fetch, **last = &web->fetches;
	int result;

	if (web->fetch_count == LIMIT_WEB_WAITING)
		return -EPROTO; /* more than the frontend may have in flight */
	fetch = calloc(1, sizeof *fetch);
	if (!fetch)
		return -ENOMEM;
	fetch->web = web;
	fetch->call = call;
	fetch->socket = -1;
	fetch->begun = clock_ms();
	buffer_init(&fetch->body, LIMIT_WEB_BODY_BYTES);
	result = decode(fetch, payload, length);
	if (result < 0) {
		fetch_free(fetch);
		return result;
	}
	while (*last)
		last = &(*last)->next;
	*last = fetch;
	web->fetch_count++;
	return 0;
}

void fetch_free(struct fetch *fetch)
{
	transfer_end(fetch);
	fetch->web->body_bytes -= buffer_length(&fetch->body);
	buffer_deinit(&fetch->body);
	free(fetch->location);
	free(fetch->key);
	free(fetch);
}

/* Asks the broker for a socket to this hop's host. */
static void ask_broker(struct fetch *fetch)
{
	struct web *web = fetch->web;
	struct buffer payload __attribute__((cleanup(buffer_deinit)));
	uint64_t now = clock_ms();

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	fetch->ask = ++web->last_ask;
	fetch->state = FETCH_CONNECTING;
	if (web->broker < 0) {
		fetch_broker_lost(fetch);
		return;
	}
	if (frame_put_text(&payload, fetch->url.host) < 0 || frame_put_u32(&payload, fetch->url.port) < 0 ||
	    frame_put_u32(&payload, fetch->deadline > now ? (uint32_t)(fetch->deadline - now) : 0) < 0 ||
	    outbox_put(&web->to_broker, BROKER_CONNECT, fetch->ask, 0, buffer_data(&payload),
		       buffer_length(&payload)) < 0)
		answer_failed(fetch, ENOMEM, "no memory to ask for a connection");
}

void fetch_begin(struct fetch *fetch)
{
	const struct page *page = NULL;

	if (fetch->offset > 0)
		page = pages_find(&fetch->web->pages, fetch->key, fetch->format, clock_ms());
	if (page)
		answer_page(fetch, page);
	else
		ask_broker(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
	/* nothing depends on its getting there: an answer for nobody is closed */
	if (fetch->state == FETCH_CONNECTING && fetch->web->broker >= 0)
		(void)outbox_put(&fetch->web->to_broker, BROKER_ABANDON, fetch->ask, 0, NULL, 0);
	answer_failed(fetch, ECANCELED, "cancelled");
}

static int read_refusal(struct fetch *fetch, const void *payload, size_t length)
{
	struct rules_answer rules = {0};
	struct frame_reader reader;

	frame_read(&reader, payload, length);
	frame_get_text(&reader, rules.rule, sizeof rules.rule);
	frame_get_text(&reader, rules.reason, sizeof rules.reason);
	frame_get_text(&reader, rules.remedy, sizeof rules.remedy);
	frame_get_text(&reader, rules.reach, sizeof rules.reach);
	if (frame_done(&reader) < 0)
		return -EPROTO;
	answer_denied(fetch, rules.rule, rules.reason, rules.remedy, rules.reach);
	return 0;
}

static int read_failure(struct fetch *fetch, const struct frame_header *header, const void *payload,
			size_t length)
{
	struct frame_reader reader;
	char text[512];

	frame_read(&reader, payload, length);
	frame_get_text(&reader, text, sizeof text);
	if (length > 0 && frame_done(&reader) < 0)
		return -EPROTO;
	answer_failed(fetch, (int)header->value, "%s: %s", fetch->url.text,
		      text[0] ? text : strerror((int)header->value));
	return 0;
}

int fetch_broker(struct fetch *fetch, const struct frame_header *header, const void *payload, size_t length,
		 struct frame_descriptors *descriptors)
{
	struct frame_reader reader;

	switch (header->type) {
	case BROKER_CONNECTED:
		frame_read(&reader, payload, length);
		frame_get_text(&reader, fetch->address, sizeof fetch->address);
		if (frame_done(&reader) < 0 || descriptors->count != 1)
			return -EPROTO;
		fetch->socket = frame_descriptors_take(descriptors, 0);
		fetch->state = FETCH_TRANSFERRING;
		if (transfer_begin(fetch) < 0)
			answer_failed(fetch, ENOMEM, "no memory for the transfer");
		return 0;
	case BROKER_REFUSED:
		return read_refusal(fetch, payload, length);
	case BROKER_FAILED:
		return read_failure(fetch, header, payload, length);
	default:
		return -EPROTO;
	}
}

void fetch_broker_lost(struct fetch *fetch)
{
	answer_failed(fetch, EPIPE, "%s: the process that makes connections has ended; call again",
		      fetch->url.text);
}

static void follow(struct fetch *fetch)
{
	struct err err = {0};
	struct url to;

	if (fetch->redirects == LIMIT_WEB_REDIRECTS) {
		answer_failed(fetch, ELOOP, "%s: more than %u redirects, the last one to %.200s", fetch->key,
			      LIMIT_WEB_REDIRECTS, fetch->location);
		return;
	}
	if (url_resolve(&to, &fetch->url, fetch->location, &err) < 0) {
		answer_failed(fetch, EINVAL, "%s redirects to %.200s, which is not followed: %s",
			      fetch->url.text, fetch->location, err.text);
		return;
	}
	fetch->redirects++;
	fetch->url = to;
	fetch->web->body_bytes -= buffer_length(&fetch->body);
	buffer_clear(&fetch->body, 0);
	fetch->too_large = false;
	ask_broker(fetch);
}

void fetch_transferred(struct fetch *fetch, CURLcode code)
{
	char words[256];

	transfer_words(fetch, code, words, sizeof words);
	transfer_end(fetch);
	if (fetch->headers_done && transfer_redirects(fetch))
		follow(fetch);
	else if (code == CURLE_OK)
		answer_body(fetch, 0, "");
	else if (fetch->too_much)
		answer_failed(fetch, ENOBUFS, "%s: too much is being fetched at once; call again later",
			      fetch->url.text);
	else if (fetch->too_large)
		answer_body(fetch, WEB_CUT_SIZE, "");
	else if (fetch->headers_done && buffer_length(&fetch->body))
		answer_body(fetch, WEB_CUT_BREAK, words);
	else
		answer_failed(fetch, EIO, "%s: %s (connected to %s)", fetch->url.text, words, fetch->address);
}

/* Where it stood when the time was up. */
static const char *stage(struct fetch *fetch)
{
	curl_off_t handshake = 0;

	if (fetch->state == FETCH_WAITING)
		return "waiting for other fetches to end";
	if (fetch->state == FETCH_CONNECTING)
		return "looking up the host and connecting";
	curl_easy_getinfo(fetch->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	if (fetch->url.https && handshake == 0)
		return "in the TLS handshake";
	return "waiting for the first byte of the answer";
}

void fetch_expired(struct fetch *fetch)
{
	double seconds = (double)(clock_ms() - fetch->begun) / 1000;

	if (fetch->state == FETCH_TRANSFERRING && fetch->headers_done && !transfer_redirects(fetch)) {
		transfer_end(fetch);
		answer_body(fetch, WEB_CUT_TIME, "");
		return;
	}
	if (fetch->state == FETCH_CONNECTING && fetch->web->broker >= 0)
		(void)outbox_put(&fetch->web->to_broker, BROKER_ABANDON, fetch->ask, 0, NULL, 0);
	answer_failed(fetch, ETIMEDOUT, "%s: timed out after %.1f s, %s", fetch->url.text, seconds,
		      stage(fetch));
}
