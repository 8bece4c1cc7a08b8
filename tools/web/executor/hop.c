/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From hop to hop: robots.txt where it counts, a socket from the broker (which is where the policy is
 * applied, at every hop anew) or from inside the caller's sandbox, the transfer, and what its answer means: a
 * redirect, another try, the end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/methods.h"
#include "sandbox/egress/wire.h"
#include "tools/web/executor/web.h"

/* ---- the beginning ---- */

/* Method, headers and body are asked about at every hop; where they may not go it ends here. */
static bool may_ask(struct load *load)
{
	bool more = load->carries && (load->request.headers[0] || load->request.body_length);
	enum plan_method method = PLAN_METHOD_GET;
	struct rules_answer answer;

	while (strcmp(plan_methods[method], load->method) != 0)
		method++; /* one of them: fetch.c has seen to that */
	if (rules_method(load->web->plan, load->url.host, load->url.port, method, more, &answer))
		return true;
	load_denied(load, answer.rule, answer.reason, answer.remedy, answer.reach);
	return false;
}

void hop_begin(struct load *load)
{
	char why[256];

	load->stage_due = 0;
	load->status = 0;
	load->inside = rules_inside(load->web->plan, load->url.host, load->url.port);
	if (!may_ask(load))
		return;
	if (load->kind != LOAD_PAGE || load->inside || !load->web->plan->robots) {
		hop_connect(load);
		return;
	}
	switch (origins_ask(load, why, sizeof why)) {
	case ORIGIN_ALLOWS:
		hop_connect(load);
		break;
	case ORIGIN_REFUSES:
		load_denied(load, "robots.txt", why,
			    "Let policy set network.robots to false, or ask for another page.",
			    "what the site's robots.txt allows to every program");
		break;
	case ORIGIN_FAILED:
		break; /* it has ended */
	case ORIGIN_ASKED:
		load->state = LOAD_ASKING;
		break;
	}
}

static int ask_inside(struct load *load, uint32_t ms)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_FRAME_BYTES};

	if (frame_put_u32(&payload, load->request.caller) < 0 ||
	    frame_put_u32(&payload, load->url.port) < 0 || frame_put_u32(&payload, ms) < 0)
		return -ENOMEM;
	return outbox_put(&load->web->to_frontend, WEB_INSIDE, load->ask, rules_inside_place(load->url.host),
			  buffer_data(&payload), buffer_length(&payload));
}

static int ask_broker(struct load *load, uint32_t ms)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_FRAME_BYTES};

	if (frame_put_text(&payload, load->url.host) < 0 || frame_put_u32(&payload, load->url.port) < 0 ||
	    frame_put_u32(&payload, ms) < 0)
		return -ENOMEM;
	return outbox_put(&load->web->to_broker, BROKER_CONNECT, load->ask, 0, buffer_data(&payload),
			  buffer_length(&payload));
}

void hop_connect(struct load *load)
{
	struct web *web = load->web;
	uint64_t now = clock_ms(), left = LIMIT_BROKER_TOTAL_MS;

	if (web_is_busy(web)) {
		load->state = LOAD_WAITING;
		return;
	}
	if (load->total_due && load->total_due < now + left)
		left = load->total_due > now ? load->total_due - now : 0;
	load->ask = ++web->last_ask;
	load->state = LOAD_CONNECTING;
	load->stage_due = now + left + LIMIT_WEB_MARGIN_MS; /* the broker's own time, and its answer's way */
	load->weight = load->url.https ? 2 : 1;
	web->connected += load->weight;
	if (!load->inside && web->broker < 0)
		hop_broker_lost(load);
	else if ((load->inside ? ask_inside : ask_broker)(load, (uint32_t)left) < 0)
		load_failed(load, ENOMEM, "no memory to ask for a connection");
}

void hop_rest(struct load *load, uint64_t ms)
{
	transfer_end(load);
	load->state = LOAD_RESTING;
	load->stage_due = clock_ms() + ms;
}

/* ---- answers about sockets ---- */

static int read_refusal(struct load *load, const void *payload, size_t length)
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
	load_denied(load, rules.rule, rules.reason, rules.remedy, rules.reach);
	return 0;
}

static int read_failure(struct load *load, const struct frame_header *header, const void *payload,
			size_t length)
{
	struct frame_reader reader;
	char text[512];

	frame_read(&reader, payload, length);
	frame_get_text(&reader, text, sizeof text);
	if (length > 0 && frame_done(&reader) < 0)
		return -EPROTO;
	load_failed(load, (int)header->value, "%s: %s", load->url.text,
		    text[0] ? text : strerror((int)header->value));
	return 0;
}

/* Takes the socket, of which there is one. 0 or -EPROTO. */
static int take_socket(struct load *load, struct frame_descriptors *descriptors)
{
	if (descriptors->count != 1)
		return -EPROTO;
	load->socket = frame_descriptors_take(descriptors, 0);
	load->state = LOAD_TRANSFERRING;
	load->stage_due = clock_ms() + LIMIT_WEB_FIRST_BYTE_MS;
	if (transfer_begin(load) < 0)
		load_failed(load, ENOMEM, "no memory for the transfer");
	return 0;
}

static int answered_inside(struct load *load, const struct frame_header *header, const void *payload,
			   size_t length, struct frame_descriptors *descriptors)
{
	if (header->type == WEB_UNCONNECTED)
		return read_failure(load, header, payload, length);
	snprintf(load->address, sizeof load->address, "port %u of the sandbox", load->url.port);
	return length ? -EPROTO : take_socket(load, descriptors);
}

int hop_answered(struct load *load, const struct frame_header *header, const void *payload, size_t length,
		 struct frame_descriptors *descriptors)
{
	struct frame_reader reader;

	if (load->inside)
		return answered_inside(load, header, payload, length, descriptors);
	switch (header->type) {
	case BROKER_CONNECTED:
		frame_read(&reader, payload, length);
		frame_get_text(&reader, load->address, sizeof load->address);
		return frame_done(&reader) < 0 ? -EPROTO : take_socket(load, descriptors);
	case BROKER_REFUSED:
		return read_refusal(load, payload, length);
	case BROKER_FAILED:
		return read_failure(load, header, payload, length);
	default:
		return -EPROTO;
	}
}

void hop_broker_lost(struct load *load)
{
	load_failed(load, EPIPE, "%s: the process that makes connections has ended; call again",
		    load->url.text);
}

/* ---- redirects ---- */

static bool same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* RFC 9110 section 15.4: what the next request's method is. */
static const char *next_method(const struct load *load)
{
	if (strcmp(load->method, "HEAD") == 0 || (load->status == 307 || load->status == 308))
		return load->method;
	if (load->status == 303 || strcmp(load->method, "POST") == 0)
		return "GET";
	return load->method;
}

static bool is_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 || strcmp(method, "OPTIONS") == 0;
}

/* Would the address itself carry a secret on, to whomever it belongs? */
static bool repeats_secret(const struct load *load, const struct url *to)
{
	char text[LIMIT_URL_BYTES];
	size_t length = strlen(to->text);

	memcpy(text, to->text, length);
	return injects_hide(load->web->injects, text, length) != length ||
	       memcmp(text, to->text, length) != 0;
}

static void follow(struct load *load, const char *location)
{
	const char *method = next_method(load);
	bool was_inside = load->inside, safe = is_safe(method);
	struct err err = {0};
	struct url to;

	if (load->redirects == LIMIT_WEB_REDIRECTS) {
		load_failed(load, ELOOP, "%s: more than %u redirects, the last one to %.200s",
			    load->request.url, LIMIT_WEB_REDIRECTS, location);
		return;
	}
	if (url_resolve(&to, &load->url, location, &err) < 0) {
		load_failed(load, EINVAL, "%s redirects to %.200s, which is not followed: %s", load->url.text,
			    location, err.text);
		return;
	}
	if (load->secret && repeats_secret(load, &to)) {
		load_failed(load, EPERM,
			    "%s redirects to a place that holds a secret of policy's network.inject, which "
			    "is not followed",
			    load->url.text);
		return;
	}
	load->redirects++;
	if (!was_inside && rules_inside(load->web->plan, to.host, to.port)) {
		url_copy(&load->url, &to);
		load_denied(load, "redirect", "it leads from outside to your sandbox's own loopback",
			    "Fetch that URL itself if it is what you want.",
			    "it when it is asked for directly");
		return;
	}
	if (!same_origin(&load->url, &to)) { /* what was meant for one host is no other's business */
		if (!safe) {
			load_failed(
				load, EINVAL,
				"%s redirects a %s to another host, %.300s, which is not followed; send it "
				"there yourself if that is right",
				load->url.text, load->method, to.text);
			return;
		}
		load->carries = false;
	}
	if (method != load->method) {
		snprintf(load->method, sizeof load->method, "%s", method);
		/* headers go on where a GET may have some */
		load->carries =
			load->carries && rules_method(load->web->plan, to.host, to.port, PLAN_METHOD_GET,
						      true, &(struct rules_answer){0});
	}
	url_copy(&load->url, &to);
	load->web->body_bytes -= buffer_length(&load->body);
	buffer_clear(&load->body, 0);
	transfer_end(load);
	hop_begin(load);
}

/* ---- another try ---- */

/* How long those who listen still wait. */
static uint64_t patience(const struct load *load, uint64_t now)
{
	uint64_t latest = load->kind == LOAD_DOWNLOAD ? now + LIMIT_WEB_TOTAL_MS : now;

	for (const struct fetch *at = load->web->fetches; at; at = at->next)
		if (at->load == load && at->deadline > latest)
			latest = at->deadline;
	return latest - now;
}

/* The server is busy, and another try fits into the call's time. False: its answer is the answer. */
static bool try_again(struct load *load)
{
	uint64_t now = clock_ms(), wait = (uint64_t)LIMIT_WEB_RETRY_MS << load->retries;
	int64_t asked = freshness_retry_after(transfer_header(load, "Retry-After"), time(NULL));

	if ((load->status != 429 && load->status != 503) || !is_safe(load->method) ||
	    load->kind == LOAD_ROBOTS)
		return false;
	if (asked >= 0)
		wait = (uint64_t)asked;
	if (load->retries == LIMIT_WEB_RETRIES || wait + LIMIT_WEB_MARGIN_MS >= patience(load, now)) {
		if (asked >= 0)
			snprintf(load->broke, sizeof load->broke,
				 "The server asks to be tried again in %llu s.",
				 (unsigned long long)(asked + 999) / 1000);
		return false;
	}
	load->retries++;
	load->web->body_bytes -= buffer_length(&load->body);
	buffer_clear(&load->body, 0);
	hop_rest(load, wait);
	return true;
}

/* ---- what came of it ---- */

/* 304: what is kept is what the server has, if it was asked about that. */
static void take_kept(struct load *load)
{
	struct load *kept = keep_find(load->web, &load->request);

	if (!load->conditional) {
		load_body(load, 0, "");
	} else if (kept) {
		keep_adopt(load, kept);
		load_body(load, WEB_KEPT, "");
	} else { /* it was too old meanwhile; with nothing kept the next request has no condition */
		transfer_end(load);
		hop_begin(load);
	}
}

static void ended_well(struct load *load)
{
	if (try_again(load))
		return;
	if (load->kind == LOAD_DOWNLOAD && !download_finish(load))
		load_failed(load, load->stop, "%s: %s", load->url.text, load->broke);
	else if (load->kind == LOAD_DOWNLOAD && !download_drained(load))
		load->state = LOAD_DRAINING;
	else if (load->status == 304 && load->kind == LOAD_PAGE)
		take_kept(load);
	else
		load_body(load, 0, load->broke);
}

void hop_transferred(struct load *load, CURLcode code)
{
	const char *location = load->headers_done ? transfer_location(load) : NULL;
	char words[256];

	transfer_words(load, code, words, sizeof words);
	if (load->state == LOAD_ENDED)
		return; /* while it was being read */
	if (location)
		follow(load, location);
	else if (load->stop)
		load_failed(load, load->stop, "%s: %s", load->url.text, load->broke);
	else if (load->kind == LOAD_DOWNLOAD && code != CURLE_OK && download_resume(load))
		return;
	else if (code == CURLE_OK && !load->headers_done)
		load_failed(load, EIO, "%s: it closed the connection before its headers were complete",
			    load->url.text);
	else if (code == CURLE_OK)
		ended_well(load);
	else if (load->too_much)
		load_failed(load, ENOBUFS, "%s: too much is being fetched at once; call again later",
			    load->url.text);
	else if (load->too_large)
		load_body(load, WEB_CUT_SIZE, "");
	else if (load->headers_done && buffer_length(&load->body) && load->kind == LOAD_PAGE)
		load_body(load, WEB_CUT_BREAK, words);
	else
		load_failed(load, EIO, "%s: %s (connected to %s)", load->url.text, words, load->address);
}
