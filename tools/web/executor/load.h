/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TOOLS_WEB_EXECUTOR_LOAD_H
#define SALLYPORT_TOOLS_WEB_EXECUTOR_LOAD_H

/*
 * A load: what was asked for of some URL, on its way or here. Hop by hop (hop.c) the broker is asked for a
 * connected socket, which is where the policy is applied, anew each time; transfer.c has libcurl do the hop;
 * what comes is collected, or flows into a pipe (download.c). A load that has ended with a body is kept for
 * later pages, and for as long as its server says that it is fresh (keep.c).
 *
 * Two calls that ask for the same on behalf of the same caller share one load.
 */

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "tools/web/executor/freshness.h"
#include "tools/web/inject.h"
#include "tools/web/url.h"
#include "tools/web/wire.h"

struct web;
struct job;

enum load_kind {
	LOAD_PAGE,
	LOAD_ROBOTS,   /* the robots.txt of an origin: asked for by ourselves */
	LOAD_DOWNLOAD, /* into a pipe */
};

enum load_state {
	LOAD_WAITING,      /* for its turn */
	LOAD_ASKING,       /* for the robots.txt of its origin */
	LOAD_CONNECTING,   /* broker or frontend were asked for a socket */
	LOAD_TRANSFERRING, /* curl has it */
	LOAD_RESTING,      /* until the same hop is tried again */
	LOAD_DRAINING,     /* all of it came; the pipe has not taken it all */
	LOAD_ENDED,
};

/* What is asked for. */
struct request {
	uint32_t caller;
	char *url;     /* as url_check() writes it */
	char *method;  /* "GET", ... */
	char *headers; /* of the model's own: lines "Name: value", each with a newline */
	char *body;
	size_t body_length;
};

/* What its body reads like in one format. */
struct view {
	char *text; /* NULL: not made yet */
	size_t length;
	uint64_t characters;
	enum { VIEW_TEXT, VIEW_IMAGE, VIEW_BINARY } kind;
	bool markdown;
	uint64_t replaced; /* ill-formed sequences, each a U+FFFD now */
	char charset[24];  /* what they were read as */
	char type[WEB_MEDIA_TYPE_BYTES], title[WEB_TITLE_BYTES];
};

struct load {
	struct web *web;
	struct load *next;
	enum load_kind kind;
	enum load_state state;
	struct request request;
	unsigned listeners; /* fetches */
	uint64_t begun;     /* all times: monotonic milliseconds */
	uint64_t told;      /* when those who listen were told how far it is */
	uint64_t total_due; /* when it must be over; 0: no bound */
	uint64_t stage_due; /* when the present stage must be; of LOAD_RESTING: when it goes on */

	/* the hop: hop.c */
	struct url url;
	char method[12];
	bool carries; /* the model's headers and body still go with it: dropped on the way to another host */
	bool inside;  /* to a sandbox's own loopback */
	unsigned weight; /* of its connection, in web->connected: TLS needs twice the memory */
	bool secret;     /* a header that policy injects went with a hop: what comes back must not show it */
	unsigned redirects, retries;
	uint32_t ask;     /* our number at broker or frontend */
	char address[64]; /* what the broker connected to */

	/* what curl works on: transfer.c */
	CURL *easy;
	CURLSH *cookies; /* of all hops, and of this load alone */
	bool added;
	struct curl_slist *connect_to, *header_lines;
	int socket; /* until curl takes it */
	char error[CURL_ERROR_SIZE];
	size_t header_bytes;
	long status;
	char type[WEB_MEDIA_TYPE_BYTES]; /* Content-Type as it came */
	bool headers_done, too_large, too_much;
	bool conditional;      /* this hop's request: only if it is not what is kept */
	int stop;              /* errno of what ended it from within, in words in `broke` */
	uint64_t expected;     /* Content-Length, 0: not told */
	uint64_t window_begun; /* of the watch for drips */
	uint64_t window_bytes, received;
	struct freshness freshness;
	struct buffer body;

	/* LOAD_DOWNLOAD: download.c */
	int pipe;
	bool paused;
	uint64_t most;     /* bytes that it may have */
	uint64_t written;  /* to the pipe */
	uint64_t total;    /* 0: not known */
	uint64_t unbroken; /* `written` when the connection broke last */
	unsigned resumed, broken;
	char validator[LIMIT_WEB_VALIDATOR_BYTES];
	struct inject_stream stream; /* looks for secrets */

	/* how it ended */
	uint16_t verdict; /* REPLY_FAILURE or REPLY_DENIED, 0: with a body */
	uint32_t verdict_value;
	struct buffer verdict_payload;
	unsigned flags;  /* WEB_CUT_* */
	char broke[256]; /* WEB_CUT_BREAK, or what is to be known besides */
	uint64_t ended, used;
	bool claimed; /* somebody was told how it ended */
	struct view views[WEB_FORMATS];
	uint64_t size;   /* of the body, which large ones lose once they have been read */
	struct job *job; /* a thread makes the view of this format */
	uint32_t job_format;
};

/* ---- load.c ---- */

/* The present or future load of that request, which is taken; NULL without memory. `again`: the first page is
 * asked for, so what is kept must be fresh. */
struct load *load_for(struct web *web, struct request *request, bool first_page, unsigned *flags);
struct load *load_new(struct web *web, enum load_kind kind, struct request *request, const struct url *url);
void load_free(struct load *load);
void request_deinit(struct request *request);

/* It has ended with what has come of a body; `flags` WEB_CUT_*, `broke` why. */
void load_body(struct load *load, unsigned flags, const char *broke);
void load_failed(struct load *load, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A rule refuses it: sandbox/egress/rules.h says what the texts are. */
void load_denied(struct load *load, const char *rule, const char *reason, const char *remedy,
		 const char *reach);
/* It fails as `other` did. */
void load_share_verdict(struct load *load, const struct load *other);
/* Nobody wants it any more. */
void load_abandon(struct load *load);
/* Where it stands, in words. */
void load_stage(const struct load *load, char *words, size_t size);
/* Time has passed: what is due happens. Returns when it is to be asked again. */
uint64_t load_turn(struct load *load, uint64_t now);

/* ---- keep.c ---- */

struct load *keep_find(struct web *web, const struct request *request);
/* Ended loads that nobody listens to: frees what is too many, too much or too old. */
void keep_sweep(struct web *web, uint64_t now);
/* The server said that what is kept is what it still has: `load` gets it. */
void keep_adopt(struct load *load, struct load *kept);
size_t load_bytes(const struct load *load);

/* ---- hop.c ---- */

/* This hop, from the beginning: robots.txt, a socket, the transfer. */
void hop_begin(struct load *load);
/* The same, once robots.txt allows it. */
void hop_connect(struct load *load);
/* The broker's answer, or the frontend's. 0 or -EPROTO. Takes the socket out of `descriptors`. */
int hop_answered(struct load *load, const struct frame_header *header, const void *payload, size_t length,
		 struct frame_descriptors *descriptors);
void hop_broker_lost(struct load *load);
/* curl is done with this hop. */
void hop_transferred(struct load *load, CURLcode code);
/* Tries the hop again after `ms`. */
void hop_rest(struct load *load, uint64_t ms);

/* ---- transfer.c ---- */

/* Hands load->socket and the hop's URL to curl. 0 or -ENOMEM. */
int transfer_begin(struct load *load);
/* Takes the hop back from curl; what was received stays. */
void transfer_end(struct load *load);
/* What went wrong, in words without the URL: "the connection broke", ... */
void transfer_words(const struct load *load, CURLcode code, char *words, size_t size);

/* ---- headers.c ---- */

/* Is this hop's answer a redirect? Then where to; NULL: it is none. Of curl, until transfer_end(). */
const char *transfer_location(const struct load *load);
/* A header of the answer, the first of its name; NULL: there is none. The same. */
const char *transfer_header(const struct load *load, const char *name);
/* RFC 9112, section 6.3: lengths that differ leave nothing to go by. */
bool transfer_lengths_differ(const struct load *load);
/* Notes type, length and freshness. */
void transfer_read_headers(struct load *load);

/* ---- download.c ---- */

/* The headers are there: does what follows belong behind what was written? If not, why is in load->stop. */
bool download_follows(struct load *load);
/* As curl's write function. */
size_t download_take(struct load *load, const char *bytes, size_t length);
/* The pipe takes more, or nobody reads it any more. */
void download_ready(struct load *load);
/* All of it came. False: why is in load->stop. */
bool download_finish(struct load *load);
/* Everything that came is in the pipe? */
bool download_drained(const struct load *load);
/* The connection broke: goes on where it was, if the server can. False: it cannot, or too often. */
bool download_resume(struct load *load);
/* Range and If-Range. */
struct curl_slist *download_headers(const struct load *load, struct curl_slist *list);

#endif
