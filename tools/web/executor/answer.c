/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the frontend is told. Every function here ends its fetch with exactly one final frame; the text goes
 * before it in pieces. If not even that fits the outbox, the frontend has not read for long and the loop
 * ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "tools/reply.h"
#include "tools/web/executor/content.h"
#include "tools/web/executor/web.h"

#define ANSWER_BYTES (2 * LIMIT_URL_BYTES + 4096) /* facts, or texts of a failure */

static void end(struct fetch *fetch, uint16_t type, uint32_t value, const struct buffer *payload)
{
	transfer_end(fetch);
	/* checked by the loop: a full outbox ends the program */
	if (outbox_put(&fetch->web->to_frontend, type, fetch->call, value, buffer_data(payload),
		       buffer_length(payload)) < 0)
		fetch->web->frontend = -1;
	fetch->state = FETCH_ENDED;
}

void answer_failed(struct fetch *fetch, int error, const char *format, ...)
{
	struct buffer payload __attribute__((cleanup(buffer_deinit)));
	char text[1024];
	va_list arguments;

	buffer_init(&payload, ANSWER_BYTES);
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	(void)frame_put_text(&payload, text); /* empty for want of memory: malformed, and told as such */
	end(fetch, REPLY_FAILURE, (uint32_t)error, &payload);
}

void answer_denied(struct fetch *fetch, const char *rule, const char *reason, const char *remedy,
		   const char *reach)
{
	struct buffer payload __attribute__((cleanup(buffer_deinit)));
	char target[500], from[160] = "";

	buffer_init(&payload, ANSWER_BYTES);
	if (fetch->redirects)
		snprintf(from, sizeof from, " (a redirect from %.120s)", fetch->key);
	snprintf(target, sizeof target, "%.120s%s: %.180s", fetch->url.text, from, reason);
	if (frame_put_text(&payload, "network") < 0 || frame_put_text(&payload, "fetch") < 0 ||
	    frame_put_text(&payload, target) < 0 || frame_put_text(&payload, rule) < 0 ||
	    frame_put_text(&payload, remedy) < 0 || frame_put_text(&payload, reach) < 0) {
		answer_failed(fetch, ENOMEM, "no memory");
		return;
	}
	end(fetch, REPLY_DENIED, 0, &payload);
}

/* Sends the facts (wire.h) and ends the fetch. */
static void answer_result(struct fetch *fetch, const struct page *page, uint32_t flags, uint64_t shown,
			  uint64_t next)
{
	struct buffer payload __attribute__((cleanup(buffer_deinit)));
	bool fits;

	buffer_init(&payload, ANSWER_BYTES);
	fits = frame_put_text(&payload, page->url) == 0 && frame_put_u32(&payload, page->status) == 0 &&
	       frame_put_text(&payload, page->type) == 0 && frame_put_text(&payload, page->title) == 0 &&
	       frame_put_u64(&payload, page->bytes) == 0 && frame_put_u64(&payload, page->characters) == 0 &&
	       frame_put_u64(&payload, shown) == 0 && frame_put_u64(&payload, next) == 0 &&
	       frame_put_u32(&payload, page->redirects) == 0 &&
	       frame_put_u32(&payload, page->flags | flags) == 0 &&
	       frame_put_u32(&payload, (uint32_t)(clock_ms() - fetch->begun)) == 0 &&
	       frame_put_text(&payload, page->broke) == 0;
	if (fits)
		end(fetch, REPLY_RESULT, 0, &payload);
	else
		answer_failed(fetch, ENOMEM, "no memory for the answer");
}

/* The content in pieces; the caller has seen that it fits. */
static int send_pieces(struct fetch *fetch, uint16_t type, const char *bytes, size_t length)
{
	int result = 0;

	for (size_t sent = 0; sent < length && result == 0;) {
		size_t piece = length - sent;

		if (piece > LIMIT_FRAME_BYTES)
			piece = text_cut(bytes + sent, LIMIT_FRAME_BYTES);
		result = outbox_put(&fetch->web->to_frontend, type, fetch->call, 0, bytes + sent, piece);
		sent += piece;
	}
	return result;
}

/* The head of the text: what was fetched. Returns its length. */
static size_t write_head(const struct page *page, char *head, size_t size)
{
	int length = snprintf(head, size, "%s\n%u · %s · %llu bytes%s%s\n\n", page->url, page->status,
			      page->type[0] ? page->type : "no type", (unsigned long long)page->bytes,
			      page->title[0] ? " · " : "", page->title);

	return length < 0 ? 0 : (size_t)length < size ? (size_t)length : size - 1;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The part that was asked for, then the facts. Returns whether something is left for a later page. */
static bool answer_part(struct fetch *fetch, const struct page *page, uint32_t flags)
{
	char head[LIMIT_URL_BYTES + WEB_MEDIA_TYPE_BYTES + WEB_TITLE_BYTES + 128];
	size_t head_length = write_head(page, head, sizeof head), begin, length, most;
	uint64_t next = 0;

	begin = text_offset(page->text, page->length, fetch->offset);
	if (begin == page->length && fetch->offset > 0) {
		answer_failed(fetch, EINVAL, "offset: %llu is past the end, the text has %llu characters",
			      (unsigned long long)fetch->offset, (unsigned long long)page->characters);
		return false;
	}
	most = page->length - begin;
	length = text_offset(page->text + begin, most, fetch->max_length);
	length = (size_t)min_u64(length, fetch->result_bytes > 2 * head_length
						 ? fetch->result_bytes - head_length
						 : fetch->result_bytes);
	if (length < most) {
		length = text_cut(page->text + begin, length);
		next = fetch->offset + text_characters(page->text + begin, length);
	}
	if (!outbox_fits(&fetch->web->to_frontend, head_length + length + ANSWER_BYTES) ||
	    send_pieces(fetch, REPLY_TEXT, head, head_length) < 0 ||
	    send_pieces(fetch, REPLY_TEXT, page->text + begin, length) < 0) {
		answer_failed(fetch, ENOBUFS, "too many answers wait to be read; call again");
		return false;
	}
	answer_result(fetch, page, flags, text_characters(page->text + begin, length), next);
	return next > 0;
}

void answer_page(struct fetch *fetch, const struct page *page)
{
	answer_part(fetch, page, WEB_KEPT);
}

/* An image as such. False: it is not whole or larger than an answer may be. */
static bool answer_image(struct fetch *fetch, struct page *page, const char *media_type, const char *bytes,
			 size_t length)
{
	struct buffer payload __attribute__((cleanup(buffer_deinit)));
	size_t wanted = length + length / 3; /* as base64 */

	if (page->flags || wanted > fetch->result_bytes ||
	    !outbox_fits(&fetch->web->to_frontend, length + ANSWER_BYTES))
		return false;
	buffer_init(&payload, LIMIT_WEB_BODY_BYTES + ANSWER_BYTES);
	if (frame_put_text(&payload, media_type) < 0 || buffer_append(&payload, bytes, length) < 0)
		return false;
	for (size_t sent = 0; sent < buffer_length(&payload);) {
		size_t piece = buffer_length(&payload) - sent;
		bool more = piece > LIMIT_FRAME_BYTES;

		piece = more ? LIMIT_FRAME_BYTES : piece;
		if (outbox_put_piece(&fetch->web->to_frontend, REPLY_MEDIA, fetch->call,
				     buffer_data(&payload) + sent, piece, more) < 0)
			fetch->web->frontend = -1;
		sent += piece;
	}
	page->flags |= WEB_MEDIA;
	return true;
}

/* Reads the body as text into page->text. */
static int take_text(struct fetch *fetch, struct page *page, const char *media_type, const char *body,
		     size_t length)
{
	struct buffer text __attribute__((cleanup(buffer_deinit)));
	int result;

	buffer_init(&text, LIMIT_WEB_TEXT_BYTES);
	result = content_text(&text, page->title, fetch->type, media_type, fetch->format, body, length);
	if (result == 0)
		result = buffer_append(&text, "", 1); /* never NULL, also when empty */
	if (result < 0)
		return result;
	page->length = buffer_length(&text) - 1;
	page->text = steal_pointer(text.bytes);
	page->characters = text_characters(page->text, page->length);
	return 0;
}

static struct page *page_new(const struct fetch *fetch, uint32_t flags, const char *broke)
{
	struct page *page = calloc(1, sizeof *page);

	if (!page)
		return NULL;
	page->key = strdup(fetch->key);
	page->url = strdup(fetch->url.text);
	page->format = fetch->format;
	page->status = (uint32_t)fetch->status;
	page->redirects = fetch->redirects;
	page->flags = flags;
	page->bytes = buffer_length(&fetch->body);
	snprintf(page->broke, sizeof page->broke, "%s", broke);
	if (page->key && page->url)
		return page;
	page_free(page);
	return NULL;
}

void answer_body(struct fetch *fetch, uint32_t flags, const char *broke)
{
	struct page *page = page_new(fetch, flags, broke);
	size_t length = buffer_length(&fetch->body);
	const char *body = length ? buffer_data(&fetch->body) : "";
	char media_type[WEB_MEDIA_TYPE_BYTES];
	enum content_kind kind = content_kind(fetch->type, body, length, media_type);

	if (!page) {
		answer_failed(fetch, ENOMEM, "no memory for the answer");
		return;
	}
	snprintf(page->type, sizeof page->type, "%s", fetch->type[0] ? fetch->type : media_type);
	if (kind == CONTENT_TEXT) {
		if (take_text(fetch, page, media_type, body, length) < 0)
			answer_failed(fetch, ENOMEM, "no memory for the page");
		else if (answer_part(fetch, page, fetch->offset > 0 ? WEB_AGAIN : 0))
			pages_keep(&fetch->web->pages, steal_pointer(page), clock_ms());
	} else if (kind == CONTENT_IMAGE && length > 0 &&
		   answer_image(fetch, page, media_type, body, length)) {
		answer_result(fetch, page, 0, 0, 0);
	} else {
		char head[LIMIT_URL_BYTES + 512];
		size_t head_length = write_head(page, head, sizeof head);

		if (send_pieces(fetch, REPLY_TEXT, head, head_length) < 0)
			fetch->web->frontend = -1;
		answer_result(fetch, page, WEB_BINARY, 0, 0);
	}
	page_free(page);
}
