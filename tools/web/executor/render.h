/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_RENDER_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_RENDER_H

/*
 * From a body to what is shown of it. Small bodies are converted at once; a large one by a thread, so that
 * nobody else waits for it. The thread begins with the first such body, under every layer, and knows nothing
 * but bytes that it was given.
 */

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct load;
struct view;
struct web;
struct job;

struct renderer {
	CURLM *multi; /* woken when a job is done */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job *waiting, *done;
	bool running, ending;
};

void renderer_init(struct renderer *renderer, CURLM *multi);
void renderer_deinit(struct renderer *renderer);

/* What an ended load reads like in that format: the view; NULL while a thread makes it, or (*error < 0)
 * -ENOMEM. */
const struct view *render_load(struct load *load, uint32_t format, int *error);
/* What has come so far, of one that goes on: into `view`, which view_deinit() ends. 0 or -ENOMEM. */
int render_partly(const struct load *load, uint32_t format, struct view *view);
/* Takes what the thread has done. */
void render_collect(struct web *web);
/* The load goes: its job, if there is one, is nobody's. */
void render_forget(struct load *load);
void view_deinit(struct view *view);

#endif
