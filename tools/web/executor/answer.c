/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the frontend is told. Every function here but one ends its fetch with exactly one final frame; the
 * text goes before it in pieces. If not even that fits the outbox, the frontend has not read for long and the
 * loop ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "tools/reply.h"
#include "tools/web/content/cut.h"
#include "tools/web/executor/read.h"
#include "tools/web/executor/web.h"

#define ANSWER_BYTES (2 * LIMIT_URL_BYTES + 4096) /* facts, or texts of a failure */

static void end(struct fetch *fetch, uint16_t type, uint32_t value, const struct buffer *payload)
{
	/* checked by the loop: a full outbox ends the program */
	if (outbox_put(&fetch->web->to_frontend, type, fetch->call, value, buffer_data(payload),
		       buffer_length(payload)) < 0)
		fetch->web->frontend = -1;
	fetch->load->listeners--;
	fetch->load->used = clock_ms();
	fetch->load = NULL;
}

void answer_failed(struct fetch *fetch, int error, const char *format, ...)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	(void)frame_put_text(&payload, text); /* empty for want of memory: malformed, and told as such */
	end(fetch, REPLY_FAILURE, (uint32_t)error, &payload);
}

void answer_verdict(struct fetch *fetch)
{
	end(fetch, fetch->load->verdict, fetch->load->verdict_value, &fetch->load->verdict_payload);
}

void answer_progress(struct fetch *fetch, unsigned percent, const char *text)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};

	/* one that does not fit is not missed */
	if (frame_put_text(&payload, text) == 0)
		(void)outbox_put(&fetch->web->to_frontend, REPLY_PROGRESS, fetch->call, percent,
				 buffer_data(&payload), buffer_length(&payload));
}

void answer_total(struct fetch *fetch)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};

	if (frame_put_u64(&payload, fetch->load->total) == 0)
		(void)outbox_put(&fetch->web->to_frontend, WEB_TOTAL, fetch->call, 0, buffer_data(&payload),
				 buffer_length(&payload));
}

void answer_downloaded(struct fetch *fetch)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};
	const struct load *load = fetch->load;

	if (frame_put_text(&payload, load->url.text) < 0 ||
	    frame_put_u32(&payload, (uint32_t)load->status) < 0 || frame_put_text(&payload, load->type) < 0 ||
	    frame_put_u64(&payload, load->written) < 0 || frame_put_u32(&payload, load->redirects) < 0 ||
	    frame_put_u32(&payload, load->resumed) < 0)
		answer_failed(fetch, ENOMEM, "no memory for the answer");
	else
		end(fetch, REPLY_RESULT, 0, &payload);
}

/* What was shown of a view. */
struct shown {
	uint64_t characters, next;
};

/* Sends the facts (wire.h) and ends the fetch. */
static void answer_result(struct fetch *fetch, const struct view *view, unsigned flags, struct shown shown)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};
	const struct load *load = fetch->load;
	char note[160] = "";

	if (view->replaced)
		snprintf(note, sizeof note, "%llu places were not %s and are shown as U+FFFD.",
			 (unsigned long long)view->replaced, view->charset[0] ? view->charset : "text");
	if (frame_put_text(&payload, load->url.text) < 0 ||
	    frame_put_u32(&payload, (uint32_t)load->status) < 0 || frame_put_text(&payload, view->type) < 0 ||
	    frame_put_text(&payload, view->title) < 0 ||
	    frame_put_u64(&payload, load->state == LOAD_ENDED ? load->size : load->received) < 0 ||
	    frame_put_u64(&payload, view->characters) < 0 || frame_put_u64(&payload, shown.characters) < 0 ||
	    frame_put_u64(&payload, shown.next) < 0 || frame_put_u32(&payload, load->redirects) < 0 ||
	    frame_put_u32(&payload, load->flags | fetch->flags | flags) < 0 ||
	    frame_put_u32(&payload, (uint32_t)(clock_ms() - fetch->begun)) < 0 ||
	    frame_put_text(&payload, load->broke[0] ? load->broke : note) < 0)
		answer_failed(fetch, ENOMEM, "no memory for the answer");
	else
		end(fetch, REPLY_RESULT, 0, &payload);
}

/* At most `most` bytes, which are fewer than there are, without half a character at the end. */
static size_t whole_characters(const char *bytes, size_t most)
{
	size_t length = most;

	while (length > 0 && ((unsigned char)bytes[length] & 0xc0) == 0x80)
		length--;
	return length ? length : most;
}

/* The content in pieces; the caller has seen that it fits. */
static int send_pieces(struct fetch *fetch, const char *bytes, size_t length)
{
	int result = 0;

	for (size_t sent = 0; sent < length && result == 0;) {
		size_t piece = length - sent;

		if (piece > LIMIT_FRAME_BYTES)
			piece = whole_characters(bytes + sent, LIMIT_FRAME_BYTES);
		result =
			outbox_put(&fetch->web->to_frontend, REPLY_TEXT, fetch->call, 0, bytes + sent, piece);
		sent += piece;
	}
	return result;
}

#define HEAD_BYTES (LIMIT_URL_BYTES + WEB_MEDIA_TYPE_BYTES + WEB_TITLE_BYTES + 128)

/* The head of the text: what was fetched. Returns its length. */
static size_t write_head(const struct load *load, const struct view *view, char head[HEAD_BYTES])
{
	unsigned long long bytes = load->state == LOAD_ENDED ? load->size : load->received;
	int length = snprintf(head, HEAD_BYTES, "%s\n%ld · %s · %llu bytes%s%s\n\n", load->url.text,
			      load->status, view->type[0] ? view->type : "no type", bytes,
			      view->title[0] ? " · " : "", view->title);

	return length < 0 ? 0 : length < HEAD_BYTES ? (size_t)length : HEAD_BYTES - 1;
}

void answer_waiting(struct fetch *fetch, const char *stage)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = ANSWER_BYTES};
	struct load *load = fetch->load;
	char head[LIMIT_URL_BYTES + 8];
	int length = snprintf(head, sizeof head, "%s\n\n", load->url.text);

	if (send_pieces(fetch, head, (size_t)length) < 0)
		fetch->web->frontend = -1;
	snprintf(load->broke, sizeof load->broke, "%s", stage);
	answer_result(fetch, &(struct view){0}, WEB_LOADING, (struct shown){0});
	load->broke[0] = '\0';
}

/* The part that was asked for, then the facts. */
static void answer_text(struct fetch *fetch, const struct view *view, unsigned flags)
{
	char head[HEAD_BYTES];
	size_t head_length = write_head(fetch->load, view, head), begin, length, most;
	struct shown shown = {0};

	begin = text_offset(view->text, view->length, fetch->offset);
	if (begin == view->length && fetch->offset > 0) {
		answer_failed(fetch, EINVAL, "offset: %llu is past the end, the text has %llu characters",
			      (unsigned long long)fetch->offset, (unsigned long long)view->characters);
		return;
	}
	most = view->length - begin;
	length = text_offset(view->text + begin, most, fetch->max_length);
	if (length > fetch->result_bytes - head_length && fetch->result_bytes > 2 * head_length)
		length = (size_t)fetch->result_bytes - head_length;
	else if (length > fetch->result_bytes)
		length = (size_t)fetch->result_bytes;
	if (length < most) {
		length = cut_page(view->text, view->length, begin, length, view->markdown) - begin;
		shown.next = fetch->offset + text_characters(view->text + begin, length);
	}
	if (!outbox_fits(&fetch->web->to_frontend, head_length + length + ANSWER_BYTES) ||
	    send_pieces(fetch, head, head_length) < 0 || send_pieces(fetch, view->text + begin, length) < 0) {
		answer_failed(fetch, ENOBUFS, "too many answers wait to be read; call again");
		return;
	}
	shown.characters = text_characters(view->text + begin, length);
	answer_result(fetch, view, flags, shown);
}

/* An image as such. False: it is not whole or larger than an answer may be. */
static bool answer_image(struct fetch *fetch, const struct view *view, unsigned flags)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_WEB_BODY_BYTES + ANSWER_BYTES};
	const struct load *load = fetch->load;
	size_t length = buffer_length(&load->body), wanted = length + length / 3; /* as base64 */

	if ((load->flags & (WEB_CUT_SIZE | WEB_CUT_BREAK)) || length == 0 || wanted > fetch->result_bytes ||
	    !outbox_fits(&fetch->web->to_frontend, length + ANSWER_BYTES) ||
	    frame_put_text(&payload, view->type) < 0 ||
	    buffer_append(&payload, buffer_data(&load->body), length) < 0)
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
	answer_result(fetch, view, flags | WEB_MEDIA, (struct shown){0});
	return true;
}

void answer_view(struct fetch *fetch, const struct view *view, unsigned flags)
{
	char head[HEAD_BYTES];

	if (view->kind == VIEW_TEXT) {
		answer_text(fetch, view, flags);
		return;
	}
	if (view->kind == VIEW_IMAGE && answer_image(fetch, view, flags))
		return;
	if (send_pieces(fetch, head, write_head(fetch->load, view, head)) < 0 ||
	    send_pieces(fetch, view->text, view->length) < 0) /* what it is */
		fetch->web->frontend = -1;
	answer_result(fetch, view, flags | WEB_BINARY, (struct shown){0});
}
