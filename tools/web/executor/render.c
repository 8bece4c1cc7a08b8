/* SPDX-License-Identifier: Apache-2.0 */
/* From bodies to views, at once or by a thread (render.h). */
#include "tools/web/executor/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/read.h"
#include "tools/web/executor/web.h"

/* What a thread works on is its own: the body moves in and out. */
struct job {
	struct job *next;
	struct load *load; /* NULL: nobody wants it any more */
	uint32_t format;
	char type[WEB_MEDIA_TYPE_BYTES];
	char *url;
	bool cut;
	struct buffer body;
	struct view view;
	int result;
};

void view_deinit(struct view *view)
{
	free(view->text);
	*view = (struct view){0};
}

/* The conversion itself. 0 or -ENOMEM. */
static int convert(struct view *view, uint32_t format, const struct body *body)
{
	struct content content;
	int result = read_body(&content, format, body);

	/* what we have laid out ends without a line's end; other text is as it came */
	while (format != WEB_RAW && (content.markdown || strstr(content.media_type, "html")) &&
	       buffer_length(&content.text) && content.text.bytes[content.text.end - 1] == '\n')
		content.text.end--;
	if (result == 0)
		result = buffer_append(&content.text, "", 1); /* never NULL, also when empty */
	if (result < 0) {
		buffer_deinit(&content.text);
		return -ENOMEM;
	}
	*view = (struct view){.kind = content.kind == CONTENT_TEXT    ? VIEW_TEXT
				      : content.kind == CONTENT_IMAGE ? VIEW_IMAGE
								      : VIEW_BINARY,
			      .markdown = content.markdown,
			      .replaced = content.replaced,
			      .length = buffer_length(&content.text) - 1,
			      .text = steal_pointer(content.text.bytes)};
	memcpy(view->title, content.title, sizeof view->title);
	snprintf(view->charset, sizeof view->charset, "%s", content.charset ? content.charset : "");
	snprintf(view->type, sizeof view->type, "%s",
		 content.kind == CONTENT_TEXT && body->type[0] ? body->type : content.media_type);
	view->characters = text_characters(view->text, view->length);
	return 0;
}

static struct body body_of(const struct buffer *bytes, const char *type, const char *url, bool cut)
{
	return (struct body){.type = type,
			     .url = url,
			     .bytes = buffer_length(bytes) ? buffer_data(bytes) : "",
			     .length = buffer_length(bytes),
			     .cut = cut};
}

/* ---- the thread ---- */

static void *work(void *context)
{
	struct renderer *renderer = context;
	struct body body;

	pthread_mutex_lock(&renderer->lock);
	while (!renderer->ending) {
		struct job *job = renderer->waiting;

		if (!job) {
			pthread_cond_wait(&renderer->more, &renderer->lock);
			continue;
		}
		renderer->waiting = job->next;
		pthread_mutex_unlock(&renderer->lock);
		body = body_of(&job->body, job->type, job->url, job->cut);
		job->result = convert(&job->view, job->format, &body);
		pthread_mutex_lock(&renderer->lock);
		job->next = renderer->done;
		renderer->done = job;
		curl_multi_wakeup(renderer->multi);
	}
	pthread_mutex_unlock(&renderer->lock);
	return NULL;
}

void renderer_init(struct renderer *renderer, CURLM *multi)
{
	*renderer = (struct renderer){.multi = multi};
	pthread_mutex_init(&renderer->lock, NULL);
	pthread_cond_init(&renderer->more, NULL);
}

static void job_free(struct job *job)
{
	if (job->load)
		job->load->job = NULL;
	buffer_deinit(&job->body);
	view_deinit(&job->view);
	free(job->url);
	free(job);
}

static void jobs_free(struct job *job)
{
	while (job) {
		struct job *next = job->next;

		job_free(job);
		job = next;
	}
}

void renderer_deinit(struct renderer *renderer)
{
	if (renderer->running) {
		pthread_mutex_lock(&renderer->lock);
		renderer->ending = true;
		pthread_cond_signal(&renderer->more);
		pthread_mutex_unlock(&renderer->lock);
		pthread_join(renderer->thread, NULL);
	}
	jobs_free(renderer->waiting);
	jobs_free(renderer->done);
	pthread_cond_destroy(&renderer->more);
	pthread_mutex_destroy(&renderer->lock);
}

static bool is_cut(const struct load *load)
{
	return load->flags & (WEB_CUT_SIZE | WEB_CUT_BREAK);
}

/* Hands the body over. 0, or -errno: then it is still the load's. */
static int enqueue(struct load *load, uint32_t format)
{
	struct renderer *renderer = &load->web->renderer;
	struct job *job = calloc(1, sizeof *job), **last = &renderer->waiting;

	if (!job || !(job->url = strdup(load->url.text))) {
		free(job);
		return -ENOMEM;
	}
	if (!renderer->running && pthread_create(&renderer->thread, NULL, work, renderer) != 0) {
		job_free(job);
		return -EAGAIN;
	}
	renderer->running = true;
	job->load = load;
	job->format = format;
	job->cut = is_cut(load);
	memcpy(job->type, load->type, sizeof job->type);
	job->body = load->body;
	load->web->body_bytes -= buffer_length(&load->body);
	buffer_init(&load->body, LIMIT_WEB_BODY_BYTES);
	load->job = job;
	pthread_mutex_lock(&renderer->lock);
	while (*last)
		last = &(*last)->next;
	*last = job;
	pthread_cond_signal(&renderer->more);
	pthread_mutex_unlock(&renderer->lock);
	return 0;
}

static void take(struct job *job)
{
	struct load *load = job->load;

	if (!load)
		return;
	load->body = job->body;
	load->web->body_bytes += buffer_length(&load->body);
	buffer_init(&job->body, LIMIT_WEB_BODY_BYTES);
	load->job = NULL;
	job->load = NULL;
	if (job->result == 0) {
		load->views[job->format] = job->view;
		job->view = (struct view){0};
	}
	for (struct fetch *at = load->web->fetches, *next; at; at = next) {
		next = at->next;
		if (at->load != load)
			continue;
		if (job->result < 0 && at->format == job->format)
			answer_failed(at, ENOMEM, "no memory for the page");
		else
			fetch_serve(at);
	}
}

void render_collect(struct web *web)
{
	struct job *done;

	if (!web->renderer.running)
		return;
	pthread_mutex_lock(&web->renderer.lock);
	done = steal_pointer(web->renderer.done);
	pthread_mutex_unlock(&web->renderer.lock);
	while (done) {
		struct job *next = done->next;

		take(done);
		job_free(done);
		done = next;
	}
}

void render_forget(struct load *load)
{
	if (load->job)
		load->job->load = NULL;
	load->job = NULL;
}

/* ---- who asks ---- */

const struct view *render_load(struct load *load, uint32_t format, int *error)
{
	struct view *view = &load->views[format];
	struct body body;

	if (view->text)
		return view;
	if (load->job)
		return NULL; /* this format or another: then it is this one's turn */
	if (buffer_length(&load->body) > LIMIT_WEB_AT_ONCE_BYTES && enqueue(load, format) == 0)
		return NULL;
	body = body_of(&load->body, load->type, load->url.text, is_cut(load));
	*error = convert(view, format, &body);
	return *error < 0 ? NULL : view;
}

int render_partly(const struct load *load, uint32_t format, struct view *view)
{
	struct body body = body_of(&load->body, load->type, load->url.text, true);

	if (body.length > LIMIT_WEB_AT_ONCE_BYTES)
		body.length = LIMIT_WEB_AT_ONCE_BYTES;
	return convert(view, format, &body);
}
