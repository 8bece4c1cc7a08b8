/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_WEB_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_WEB_H

/*
 * The web executor's inside. web.c is its event loop, fetch.c the life of one fetch (from a socket of the
 * broker's to the answer, hop by hop), transfer.c what libcurl does for one hop, answer.c what the frontend
 * is told, content.c how a body becomes text, pages.c what is kept for later pages.
 *
 * It opens no socket and no file: sockets come from the broker, certificates were read before the seal.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/web/executor/certificates.h"
#include "tools/web/executor/outbox.h"
#include "tools/web/executor/pages.h"
#include "tools/web/url.h"
#include "tools/web/wire.h"

struct web {
	int frontend, broker; /* broker: -1 once it is gone */
	CURLM *multi;
	struct certificates certificates;
	struct outbox to_frontend, to_broker;
	struct fetch *fetches; /* in the order they came */
	size_t fetch_count, running;
	size_t body_bytes; /* held by all of them */
	bool bulky;        /* they were many since memory was last given back */
	uint32_t last_ask;
	struct pages pages;
	struct buffer payload; /* of the frame being read */
};

enum fetch_state {
	FETCH_WAITING,      /* for its turn */
	FETCH_CONNECTING,   /* the broker was asked */
	FETCH_TRANSFERRING, /* curl has it */
	FETCH_ENDED,        /* answered; the sweep frees it */
};

struct fetch {
	struct web *web;
	struct fetch *next;
	enum fetch_state state;
	uint32_t call, ask; /* the frontend's number, and ours at the broker */
	char *key;          /* what it was asked for: the URL as the frontend gave it */
	uint32_t caller, format;
	uint64_t offset, max_length, result_bytes;
	uint64_t begun, deadline; /* monotonic milliseconds */
	unsigned redirects;
	struct url url;   /* of this hop */
	char address[64]; /* what the broker connected to */

	/* the hop that curl works on: transfer.c */
	CURL *easy;
	struct curl_slist *connect_to;
	int socket; /* from the broker, until curl takes it */
	char error[CURL_ERROR_SIZE];
	size_t header_bytes;
	long status;
	char *location;                  /* the Location header, or NULL */
	char type[WEB_MEDIA_TYPE_BYTES]; /* Content-Type as it came */
	bool headers_done, too_large, too_much;
	struct buffer body;
};

/* ---- web.c ---- */

/* Descriptors are borrowed; `certificates` is taken. Everything curl wants from the system it gets here,
 * before the seal. 0 or -errno. */
int web_init(struct web *web, int frontend, int broker, struct buffer *certificates, struct err *err);
void web_deinit(struct web *web);
/* Serves until the frontend is gone (0), or nothing more can be served (-errno; -EPIPE: the broker is gone).
 */
int web_run(struct web *web, struct err *err);

/* ---- fetch.c ---- */

/* A request. 0, -EPROTO if it is malformed, -ENOMEM. */
int fetch_new(struct web *web, uint32_t call, const void *payload, size_t length);
void fetch_free(struct fetch *fetch);
/* It is this one's turn. */
void fetch_begin(struct fetch *fetch);
void fetch_cancel(struct fetch *fetch);
/* The broker's answer. 0 or -EPROTO. Takes the socket out of `descriptors`. */
int fetch_broker(struct fetch *fetch, const struct frame_header *header, const void *payload, size_t length,
		 struct frame_descriptors *descriptors);
void fetch_broker_lost(struct fetch *fetch);
/* curl is done with this hop. */
void fetch_transferred(struct fetch *fetch, CURLcode code);
void fetch_expired(struct fetch *fetch);

/* ---- transfer.c ---- */

/* Hands fetch->socket and the hop's URL to curl. 0 or -ENOMEM. */
int transfer_begin(struct fetch *fetch);
/* Takes the hop back from curl; what was received stays. */
void transfer_end(struct fetch *fetch);
/* Is this hop's answer a redirect? */
bool transfer_redirects(const struct fetch *fetch);
/* What went wrong, in words without the URL: "the connection broke", ... */
void transfer_words(const struct fetch *fetch, CURLcode code, char *words, size_t size);

/* ---- answer.c: each ends the fetch ---- */

/* What has come of the body, with WEB_CUT_* if it is not all; `broke` says why (WEB_CUT_BREAK). */
void answer_body(struct fetch *fetch, uint32_t flags, const char *broke);
/* A later page of what was kept. */
void answer_page(struct fetch *fetch, const struct page *page);
void answer_failed(struct fetch *fetch, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The broker's refusal: rules.h says what the texts are. */
void answer_denied(struct fetch *fetch, const char *rule, const char *reason, const char *remedy,
		   const char *reach);

#endif
