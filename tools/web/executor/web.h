/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_WEB_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_WEB_H

/*
 * The web executor's inside. Two things, which are not one: a *fetch* (fetch.c) is a call of the frontend's
 * and lasts as long as its host waits; a *load* (load.h) is what a URL holds, on its way or here, and goes on
 * without anybody who listens. web.c is the event loop, answer.c what the frontend is told.
 *
 * It opens no socket and no file: sockets come from the broker or, for a sandbox's own loopback, from the
 * frontend; certificates were read before the seal.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/plan.h"
#include "tools/web/executor/certificates.h"
#include "tools/web/executor/load.h"
#include "tools/web/executor/origins.h"
#include "tools/web/executor/outbox.h"
#include "tools/web/executor/render.h"
#include "tools/web/inject.h"
#include "tools/web/wire.h"

struct web {
	int frontend, broker; /* broker: -1 once it is gone */
	const struct plan *plan;
	const struct injects *injects;
	CURLM *multi;
	struct certificates certificates;
	struct outbox to_frontend, to_broker;
	struct fetch *fetches; /* in the order they came */
	size_t fetch_count;
	struct load *loads; /* in the order they came, those that are kept too */
	size_t connected;   /* loads that have a socket or have asked for one, by their weight */
	size_t body_bytes;  /* held by all that are on their way */
	bool again;         /* a load came that has not had its turn */
	bool bulky;         /* they were many since memory was last given back */
	uint32_t last_ask;
	struct origins origins;
	struct renderer renderer;
	struct buffer payload; /* of the frame being read */
};

/* One call of the frontend's. */
struct fetch {
	struct web *web;
	struct fetch *next;
	uint32_t call;
	struct load *load; /* NULL: answered; the sweep frees it */
	uint32_t format;
	uint64_t offset, max_length, result_bytes;
	uint64_t begun, deadline; /* monotonic milliseconds; a download has no deadline */
	unsigned flags;           /* WEB_KEPT, WEB_AGAIN */
};

/* ---- web.c ---- */

/* Descriptors are borrowed, as are `plan` and `injects`; `certificates` is taken. Everything curl wants from
 * the system it gets here, before the seal. 0 or -errno. */
int web_init(struct web *web, int frontend, int broker, const struct plan *plan,
	     const struct injects *injects, struct buffer *certificates, struct err *err);
void web_deinit(struct web *web);
/* Serves until the frontend is gone (0), or nothing more can be served (-errno; -EPIPE: the broker is gone).
 */
int web_run(struct web *web, struct err *err);
/* Enough is running, or enough waits to be read: what is to begin waits for its turn. */
bool web_is_busy(const struct web *web);

/* ---- fetch.c ---- */

/* A request, WEB_FETCH or WEB_DOWNLOAD; takes `pipe`. 0, -EPROTO if it is malformed, -ENOMEM. */
int fetch_new(struct web *web, const struct frame_header *header, const void *payload, size_t length,
	      int pipe);
void fetch_free(struct fetch *fetch);
void fetch_cancel(struct fetch *fetch);
/* Its time is up: it is told how far the load is, which goes on. */
void fetch_expired(struct fetch *fetch);
/* The load that it waits for has ended, or the text of it is there. */
void fetch_serve(struct fetch *fetch);

/* ---- answer.c: each ends the fetch ---- */

/* The part of `view` that was asked for. `flags` beside the fetch's and the load's own. */
void answer_view(struct fetch *fetch, const struct view *view, unsigned flags);
/* Nothing has come yet of the answer that it waits for. */
void answer_waiting(struct fetch *fetch, const char *stage);
/* What the load came to, when it did not come to a body. */
void answer_verdict(struct fetch *fetch);
void answer_downloaded(struct fetch *fetch);
/* No end: how much a download is to be. */
void answer_total(struct fetch *fetch);
void answer_failed(struct fetch *fetch, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* No end: how far a download is. */
void answer_progress(struct fetch *fetch, unsigned percent, const char *text);

#endif
