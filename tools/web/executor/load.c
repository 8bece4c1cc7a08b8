/* SPDX-License-Identifier: Apache-2.0 */
/* Loads: how they begin, how they end, and what time does to them (load.h). */
#include "tools/web/executor/load.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/wire.h"
#include "tools/reply.h"
#include "tools/web/executor/web.h"

void request_deinit(struct request *request)
{
	free(request->url);
	free(request->method);
	free(request->headers);
	free(request->body);
	*request = (struct request){0};
}

static bool same_request(const struct request *a, const struct request *b)
{
	return a->caller == b->caller && strcmp(a->url, b->url) == 0 && strcmp(a->method, b->method) == 0 &&
	       strcmp(a->headers, b->headers) == 0 && a->body_length == b->body_length &&
	       (a->body_length == 0 || memcmp(a->body, b->body, a->body_length) == 0);
}

struct load *load_new(struct web *web, enum load_kind kind, struct request *request, const struct url *url)
{
	struct load *load = calloc(1, sizeof *load), **last = &web->loads;

	if (!load)
		return NULL;
	load->web = web;
	load->kind = kind;
	load->request = *request;
	*request = (struct request){0};
	url_copy(&load->url, url);
	snprintf(load->method, sizeof load->method, "%s", load->request.method);
	load->carries = true;
	load->socket = load->pipe = -1;
	load->begun = load->used = load->told = clock_ms();
	load->total_due = kind == LOAD_DOWNLOAD ? 0 : load->begun + LIMIT_WEB_TOTAL_MS;
	buffer_init(&load->body, LIMIT_WEB_BODY_BYTES);
	buffer_init(&load->verdict_payload, LIMIT_FRAME_BYTES);
	inject_stream_init(&load->stream, web->injects);
	if (kind != LOAD_ROBOTS) /* somebody waits for that already: it comes first */
		while (*last)
			last = &(*last)->next;
	load->next = *last;
	*last = load;
	web->again = true;
	return load;
}

/* Of the same request: one on its way, or one that has ended. */
static struct load *find(struct web *web, const struct request *request)
{
	struct load *found = NULL;

	for (struct load *at = web->loads; at; at = at->next)
		if (at->kind == LOAD_PAGE && same_request(&at->request, request) &&
		    (at->state != LOAD_ENDED || !found))
			found = at;
	return found;
}

struct load *keep_find(struct web *web, const struct request *request)
{
	for (struct load *at = web->loads; at; at = at->next)
		if (at->kind == LOAD_PAGE && at->state == LOAD_ENDED && !at->verdict &&
		    same_request(&at->request, request))
			return at;
	return NULL;
}

/* May what has ended be the answer? What nobody has been told yet may; else a later page of what was read,
 * and a first page while it is fresh. */
static bool serves(const struct load *load, bool first_page, uint64_t now)
{
	if (!load->claimed)
		return true;
	if (load->verdict)
		return false;
	return first_page ? now < load->freshness.until : now - load->ended < LIMIT_WEB_KEPT_MS;
}

struct load *load_for(struct web *web, struct request *request, bool first_page, unsigned *flags)
{
	struct load *load = find(web, request);
	struct url url;

	*flags = 0;
	if (load && (load->state != LOAD_ENDED || serves(load, first_page, clock_ms()))) {
		request_deinit(request);
		*flags = load->state == LOAD_ENDED && load->claimed ? WEB_KEPT : 0;
		load->used = clock_ms();
		return load;
	}
	if (url_check(&url, request->url, strlen(request->url), NULL) < 0)
		return NULL; /* it was checked before */
	*flags = first_page ? 0 : WEB_AGAIN;
	return load_new(web, LOAD_PAGE, request, &url);
}

static void forget_cookies(struct load *load)
{
	if (load->cookies)
		curl_share_cleanup(load->cookies);
	load->cookies = NULL;
}

void load_free(struct load *load)
{
	render_forget(load);
	transfer_end(load);
	forget_cookies(load);
	load->web->body_bytes -= buffer_length(&load->body);
	buffer_deinit(&load->body);
	buffer_deinit(&load->verdict_payload);
	inject_stream_deinit(&load->stream);
	request_deinit(&load->request);
	close_fd(&load->pipe);
	for (size_t i = 0; i < WEB_FORMATS; i++)
		view_deinit(&load->views[i]);
	free(load);
}

/* ---- ends ---- */

/* A line that servers have written in: policy's secrets are nobody's to see, whoever repeats them, and what
 * moves a terminal is no text. */
static void hide(const struct load *load, char *text)
{
	if (load->secret)
		text[injects_hide(load->web->injects, text, strlen(text))] = '\0';
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = ' ';
		else if (text[0] == '\xc2' && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0)
			memset(text, ' ', 2); /* the same in Unicode: U+0080 to U+009F */
}

static void hide_body(struct load *load)
{
	size_t length = buffer_length(&load->body), left;

	if (!length)
		return;
	left = injects_hide(load->web->injects, load->body.bytes + load->body.start, length);
	load->web->body_bytes -= length - left;
	load->body.end -= length - left;
}

static void end(struct load *load)
{
	struct web *web = load->web;

	transfer_end(load);
	forget_cookies(load);
	close_fd(&load->pipe);
	load->state = LOAD_ENDED;
	load->ended = clock_ms();
	load->size = buffer_length(&load->body);
	if (load->kind == LOAD_ROBOTS)
		origins_answered(load);
	for (struct fetch *at = web->fetches, *next; at; at = next) {
		next = at->next;
		if (at->load == load)
			fetch_serve(at);
	}
}

void load_body(struct load *load, unsigned flags, const char *broke)
{
	struct load *kept;

	if (load->secret && load->kind != LOAD_DOWNLOAD)
		hide_body(load);
	kept = load->kind == LOAD_PAGE ? keep_find(load->web, &load->request) : NULL;

	if (kept) /* this one takes its place; the sweep frees it */
		kept->ended = 0;
	load->flags = flags;
	if (broke != load->broke)
		snprintf(load->broke, sizeof load->broke, "%s", broke);
	hide(load, load->broke);
	hide(load, load->url.text);
	hide(load, load->type);
	end(load);
}

void load_failed(struct load *load, int error, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	hide(load, text);
	buffer_clear(&load->verdict_payload, 0);
	(void)frame_put_text(&load->verdict_payload, text); /* empty for want of memory: told as malformed */
	load->verdict = REPLY_FAILURE;
	load->verdict_value = (uint32_t)error;
	end(load);
}

void load_denied(struct load *load, const char *rule, const char *reason, const char *remedy,
		 const char *reach)
{
	struct buffer *payload = &load->verdict_payload;
	char target[500], from[160] = "";

	if (load->redirects)
		snprintf(from, sizeof from, " (a redirect from %.120s)", load->request.url);
	snprintf(target, sizeof target, "%.120s%s: %.180s", load->url.text, from, reason);
	hide(load, target);
	buffer_clear(payload, 0);
	if (frame_put_text(payload, "network") < 0 || frame_put_text(payload, "fetch") < 0 ||
	    frame_put_text(payload, target) < 0 || frame_put_text(payload, rule) < 0 ||
	    frame_put_text(payload, remedy) < 0 || frame_put_text(payload, reach) < 0) {
		load_failed(load, ENOMEM, "no memory");
		return;
	}
	load->verdict = REPLY_DENIED;
	load->verdict_value = 0;
	end(load);
}

void load_share_verdict(struct load *load, const struct load *other)
{
	buffer_clear(&load->verdict_payload, 0);
	(void)buffer_append(&load->verdict_payload, buffer_data(&other->verdict_payload),
			    buffer_length(&other->verdict_payload));
	load->verdict = other->verdict;
	load->verdict_value = other->verdict_value;
	end(load);
}

void load_abandon(struct load *load)
{
	if (load->state == LOAD_ENDED)
		return;
	/* nothing depends on its getting there: an answer for nobody is closed */
	if (load->state == LOAD_CONNECTING && !load->inside && load->web->broker >= 0)
		(void)outbox_put(&load->web->to_broker, BROKER_ABANDON, load->ask, 0, NULL, 0);
	load_failed(load, ECANCELED, "cancelled");
	load->claimed = true;
}

/* ---- time ---- */

void load_stage(const struct load *load, char *words, size_t size)
{
	curl_off_t handshake = 0;
	int length;

	switch (load->state) {
	case LOAD_WAITING:
		snprintf(words, size, "waiting for other fetches to end");
		return;
	case LOAD_ASKING:
		length = snprintf(words, size, "reading robots.txt of the host");
		if (origins_load(load) && (size_t)length + 3 < size) {
			snprintf(words + length, size - (size_t)length, ", ");
			load_stage(origins_load(load), words + length + 2, size - (size_t)length - 2);
		}
		return;
	case LOAD_CONNECTING:
		snprintf(words, size, "looking up the host and connecting");
		return;
	case LOAD_RESTING:
		snprintf(words, size,
			 load->status ? "waiting before another try, the server answered %ld"
				      : "waiting before another try",
			 load->status);
		return;
	default:
		break;
	}
	if (load->kind == LOAD_DOWNLOAD && load->written) {
		snprintf(words, size, load->total ? "%llu of %llu bytes have come" : "%llu bytes have come",
			 (unsigned long long)load->written, (unsigned long long)load->total);
		return;
	}
	if (load->easy)
		curl_easy_getinfo(load->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	if (load->url.https && handshake == 0)
		snprintf(words, size, "in the TLS handshake");
	else if (!load->headers_done)
		snprintf(words, size, "waiting for the first byte of the answer");
	else if (load->expected)
		snprintf(words, size, "%llu of %llu bytes have come", (unsigned long long)load->received,
			 (unsigned long long)load->expected);
	else
		snprintf(words, size, "%llu bytes have come", (unsigned long long)load->received);
}

static void expire(struct load *load)
{
	double seconds = (double)(clock_ms() - load->begun) / 1000;
	char words[128];

	load_stage(load, words, sizeof words);
	if (load->state == LOAD_CONNECTING && !load->inside && load->web->broker >= 0)
		(void)outbox_put(&load->web->to_broker, BROKER_ABANDON, load->ask, 0, NULL, 0);
	if (load->kind == LOAD_DOWNLOAD && load->headers_done && download_resume(load))
		return;
	if (load->kind != LOAD_DOWNLOAD && load->headers_done && buffer_length(&load->body) &&
	    !transfer_location(load))
		load_body(load, WEB_CUT_BREAK, "it came too slowly");
	else
		load_failed(load, ETIMEDOUT, "%s: timed out after %.1f s, %s", load->url.text, seconds,
			    words);
}

/* What comes in drops is as good as nothing: each window has to bring something. */
static void watch_drips(struct load *load, uint64_t now)
{
	if (load->paused || load->received - load->window_bytes >= LIMIT_WEB_DRIP_BYTES) {
		load->window_begun = now;
		load->window_bytes = load->received;
	}
	load->stage_due = load->window_begun + LIMIT_WEB_IDLE_MS;
}

/* How far it is, to those who listen. */
static void tell(struct load *load, uint64_t now)
{
	unsigned percent = load->total ? (unsigned)(load->written * 100 / load->total) : 0;
	char text[160];

	load->told = now;
	load_stage(load, text, sizeof text);
	for (struct fetch *at = load->web->fetches; at; at = at->next)
		if (at->load == load)
			answer_progress(at, percent, text);
}

/* Is its present stage bounded by itself, beside the whole? */
static bool has_stage(const struct load *load)
{
	return load->state == LOAD_CONNECTING || load->state == LOAD_TRANSFERRING ||
	       load->state == LOAD_RESTING;
}

uint64_t load_turn(struct load *load, uint64_t now)
{
	uint64_t due = load->total_due ? load->total_due : now + LIMIT_WEB_TOTAL_MS;

	if (load->state == LOAD_WAITING && !web_is_busy(load->web))
		hop_begin(load);
	if (load->state == LOAD_TRANSFERRING && load->headers_done)
		watch_drips(load, now);
	if (load->state == LOAD_RESTING && now >= load->stage_due)
		hop_begin(load);
	if (load->state == LOAD_ENDED)
		return due;
	if (load->listeners) {
		if (now >= load->told + LIMIT_WEB_TELL_MS)
			tell(load, now);
		if (load->told + LIMIT_WEB_TELL_MS < due)
			due = load->told + LIMIT_WEB_TELL_MS;
	}
	if (has_stage(load) && load->stage_due < due)
		due = load->stage_due;
	if ((load->total_due && now >= load->total_due) || (has_stage(load) && now >= load->stage_due))
		expire(load);
	return due;
}
