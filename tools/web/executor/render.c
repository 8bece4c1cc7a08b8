/* SPDX-License-Identifier: Apache-2.0 */
/* From bodies to views, at once or by a thread (render.h). */
#include "tools/web/executor/render.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/cleanup.h"
#include "tools/web/executor/content.h"
#include "tools/web/executor/web.h"

/* What a thread works on is its own: the body moves in and out. */
struct job {
	struct job *next;
	struct load *load; /* NULL: nobody wants it any more */
	uint32_t format;
	char type[WEB_MEDIA_TYPE_BYTES];
	char *url;
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
static int convert(struct view *view, uint32_t format, const char *type, const char *url, const char *body,
		   size_t length)
{
	_cleanup_(buffer_deinit) struct buffer text = {.max = LIMIT_WEB_TEXT_BYTES};
	char media_type[WEB_MEDIA_TYPE_BYTES];
	enum content_kind kind = content_kind(type, body, length, media_type);
	int result = 0;

	(void)url;
	*view = (struct view){.kind = kind == CONTENT_TEXT    ? VIEW_TEXT
				      : kind == CONTENT_IMAGE ? VIEW_IMAGE
							      : VIEW_BINARY};
	snprintf(view->type, sizeof view->type, "%s", kind == CONTENT_TEXT && type[0] ? type : media_type);
	if (kind == CONTENT_TEXT)
		result = content_text(&text, view->title, type, media_type, format, body, length);
	if (result == 0)
		result = buffer_append(&text, "", 1); /* never NULL, also when empty */
	if (result < 0)
		return -ENOMEM;
	view->length = buffer_length(&text) - 1;
	view->text = steal_pointer(text.bytes);
	view->characters = text_characters(view->text, view->length);
	return 0;
}

static const char *body_of(const struct buffer *body)
{
	return buffer_length(body) ? buffer_data(body) : "";
}

/* ---- the thread ---- */

static void *work(void *context)
{
	struct renderer *renderer = context;

	pthread_mutex_lock(&renderer->lock);
	while (!renderer->ending) {
		struct job *job = renderer->waiting;

		if (!job) {
			pthread_cond_wait(&renderer->more, &renderer->lock);
			continue;
		}
		renderer->waiting = job->next;
		pthread_mutex_unlock(&renderer->lock);
		job->result = convert(&job->view, job->format, job->type, job->url, body_of(&job->body),
				      buffer_length(&job->body));
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

	if (view->text)
		return view;
	if (load->job)
		return NULL; /* this format or another: then it is this one's turn */
	if (buffer_length(&load->body) > LIMIT_WEB_AT_ONCE_BYTES && enqueue(load, format) == 0)
		return NULL;
	*error = convert(view, format, load->type, load->url.text, body_of(&load->body),
			 buffer_length(&load->body));
	return *error < 0 ? NULL : view;
}

int render_partly(const struct load *load, uint32_t format, struct view *view)
{
	size_t length = buffer_length(&load->body);

	return convert(view, format, load->type, load->url.text, body_of(&load->body),
		       length < LIMIT_WEB_AT_ONCE_BYTES ? length : LIMIT_WEB_AT_ONCE_BYTES);
}
