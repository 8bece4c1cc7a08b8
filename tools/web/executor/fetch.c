/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: what each asks for, which load it listens to, and until when. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/methods.h"
#include "tools/web/executor/web.h"

/* One that there is; which of them where is policy's word. */
static bool is_method(const char *method)
{
	for (size_t i = 0; i < PLAN_METHODS; i++)
		if (strcmp(plan_methods[i], method) == 0)
			return true;
	return false;
}

static int take_body(struct request *request, const void *bytes, size_t length)
{
	request->body = malloc(length + 1);
	if (!request->body)
		return -ENOMEM;
	memcpy(request->body, bytes, length);
	request->body[length] = '\0';
	request->body_length = length;
	return 0;
}

/* What the frontend packed (tools/web/wire.h). The URL is checked again: nothing is believed twice. */
static int decode_fetch(struct fetch *fetch, struct request *request, struct frame_reader *reader)
{
	const void *body;
	size_t length;
	uint64_t last;

	request->url = frame_take_text(reader, LIMIT_URL_BYTES);
	request->caller = frame_get_u32(reader);
	fetch->format = frame_get_u32(reader);
	fetch->offset = frame_get_u64(reader);
	fetch->max_length = frame_get_u64(reader);
	fetch->result_bytes = frame_get_u64(reader);
	fetch->deadline = frame_get_u64(reader);
	request->method = frame_take_text(reader, 16);
	request->headers = frame_take_text(reader, LIMIT_WEB_REQUEST_HEADERS);
	body = frame_get_bytes(reader, &length);
	if (frame_done(reader) < 0 || fetch->format >= WEB_FORMATS || !fetch->max_length ||
	    !fetch->result_bytes)
		return -EPROTO;
	last = fetch->begun + LIMIT_WEB_TOTAL_MS;
	if (fetch->deadline > last)
		fetch->deadline = last;
	if (!request->method[0]) {
		free(request->method);
		request->method = strdup("GET");
	}
	if (!request->method || take_body(request, body ? body : "", length) < 0)
		return -ENOMEM;
	return is_method(request->method) ? 0 : -EPROTO;
}

static int decode_download(struct request *request, uint64_t *most, struct frame_reader *reader)
{
	request->url = frame_take_text(reader, LIMIT_URL_BYTES);
	request->caller = frame_get_u32(reader);
	*most = frame_get_u64(reader);
	if (frame_done(reader) < 0)
		return -EPROTO;
	request->method = strdup("GET");
	request->headers = strdup("");
	return request->method && request->headers && take_body(request, "", 0) == 0 ? 0 : -ENOMEM;
}

/* Finds or makes the load that `fetch` waits for. Takes request and pipe. */
static int attach(struct fetch *fetch, struct request *request, uint64_t most, int *pipe)
{
	struct web *web = fetch->web;
	struct url url;

	if (url_check(&url, request->url, strlen(request->url), NULL) < 0)
		return -EPROTO;
	if (*pipe < 0) {
		fetch->load = load_for(web, request, fetch->offset == 0, &fetch->flags);
	} else {
		fetch->load = load_new(web, LOAD_DOWNLOAD, request, &url);
		if (fetch->load) {
			fetch->load->pipe = steal_fd(pipe);
			fetch->load->most = most;
		}
	}
	if (!fetch->load)
		return -ENOMEM;
	fetch->load->listeners++;
	return 0;
}

int fetch_new(struct web *web, const struct frame_header *header, const void *payload, size_t length,
	      int pipe)
{
	_cleanup_fd_ int own = pipe;
	_cleanup_(request_deinit) struct request request = {0};
	struct fetch *fetch, **last = &web->fetches;
	struct frame_reader reader;
	uint64_t most = 0;
	int result;

	if (web->fetch_count == LIMIT_WEB_WAITING || (header->type == WEB_DOWNLOAD) != (pipe >= 0))
		return -EPROTO; /* more than the frontend may have in flight */
	fetch = calloc(1, sizeof *fetch);
	if (!fetch)
		return -ENOMEM;
	*fetch = (struct fetch){.web = web, .call = header->call, .begun = clock_ms()};
	frame_read(&reader, payload, length);
	result = pipe >= 0 ? decode_download(&request, &most, &reader)
			   : decode_fetch(fetch, &request, &reader);
	if (result == 0)
		result = attach(fetch, &request, most, &own);
	if (result < 0) {
		free(fetch);
		return result;
	}
	while (*last)
		last = &(*last)->next;
	*last = fetch;
	web->fetch_count++;
	if (fetch->load->state == LOAD_ENDED)
		fetch_serve(fetch);
	return 0;
}

void fetch_free(struct fetch *fetch)
{
	if (fetch->load)
		fetch->load->listeners--;
	free(fetch);
}

void fetch_cancel(struct fetch *fetch)
{
	struct load *load = fetch->load;

	answer_failed(fetch, ECANCELED, "cancelled");
	if (load->listeners == 0)
		load_abandon(load);
}

void fetch_serve(struct fetch *fetch)
{
	struct load *load = fetch->load;
	const struct view *view;
	int error = 0;

	if (load->verdict) {
		answer_verdict(fetch);
	} else if (load->kind == LOAD_DOWNLOAD) {
		answer_downloaded(fetch);
	} else {
		view = render_load(load, fetch->format, &error);
		if (view)
			answer_view(fetch, view, 0);
		else if (error)
			answer_failed(fetch, ENOMEM, "no memory for the page");
		else
			return; /* a thread makes it */
	}
	load->claimed = true;
}

void fetch_expired(struct fetch *fetch)
{
	struct load *load = fetch->load;
	struct view view = {0};
	char stage[128];

	if (load->state == LOAD_ENDED)
		snprintf(stage, sizeof stage, "its %llu bytes are being converted",
			 (unsigned long long)load->size);
	else
		load_stage(load, stage, sizeof stage);
	if (load->state == LOAD_TRANSFERRING && load->headers_done && !load->secret &&
	    !transfer_location(load) && buffer_length(&load->body) &&
	    render_partly(load, fetch->format, &view) == 0 && view.kind == VIEW_TEXT &&
	    view.length > fetch->offset) {
		snprintf(load->broke, sizeof load->broke, "%s", stage);
		answer_view(fetch, &view, WEB_LOADING);
		load->broke[0] = '\0';
	} else {
		answer_waiting(fetch, stage);
	}
	view_deinit(&view);
}
