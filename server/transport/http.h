/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_HTTP_H
#define SALLYPORT_SERVER_TRANSPORT_HTTP_H

/*
 * Streamable HTTP (MCP 2026-07-28, basic/transports/streamable-http; 2025-03-26 to 2025-11-25,
 * basic/transports): libmicrohttpd inside our own loop, without a thread. A POST is answered with one JSON
 * message, or with a stream once there is something to stream.
 *
 * A modern request is a conversation of its own (struct mcp_peer) that ends with its connection. A legacy
 * client has a session (http_sessions.h), and what it began goes on without its connection.
 *
 * Whoever connects is not trusted in anything.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/mcp.h"
#include "server/loop.h"

struct MHD_Daemon;
struct certificate;
struct peers;
struct token_keys;
struct exchange;
struct link;
struct sessions;

/* One who may ask. */
struct http_caller {
	const char *name; /* for people, and never changed: session ids are bound to it */
	struct mcp_caller *mcp;
	/* How much he may have (docs/policy.md); 0: as without a policy. */
	uint64_t requests_per_1000_s;
	unsigned most_streams, most_sessions;
	/* the transport's, zero at first: */
	uint64_t bucket_full; /* caller_wait() */
	unsigned streams, sessions;
};

/* A request that is over. Texts: the client's own, but id and caller. */
struct http_record {
	const char *id, *caller;                   /* NULL: nobody's that is known */
	const char *verb, *path;                   /* of HTTP */
	const char *method, *tool;                 /* of the message; "": none */
	unsigned status;                           /* 0: the client left before */
	uint64_t nanoseconds, bytes_in, bytes_out; /* bytes of bodies */
};

/* What the program around decides. */
struct http_host {
	void *context;
	/* Whose request is this? `authorization` is the header's value, or NULL without one. NULL: nobody's,
	 * which is answered 401. */
	struct http_caller *(*authorize)(void *context, const char *authorization);
	/* The same for GET /metrics, which there is not without it. Its caller need not have an `mcp`. */
	struct http_caller *(*authorize_metrics)(void *context, const char *authorization);
	/* Appends what is known beside HTTP (server/metrics.h). 0 or -errno. */
	int (*metrics)(void *context, struct buffer *out);
	/* A request is over. Or NULL: nobody wants to know. */
	void (*record)(void *context, const struct http_record *record);
};

struct http_settings {
	/* Names by which clients may call us in Host beside those of the loopback, and web pages of these
	 * origins may ask us; ended by NULL. */
	const char *const *hosts, *const *origins;
	unsigned connections; /* most at a time; who has one of the last is told to come later */
	size_t body_bytes;    /* of a message; 0: LIMIT_MESSAGE_BYTES */
	unsigned request_ms;  /* for each part of a request, and for the client to take the answer; 0: the
				 usual */
	const struct token_keys *keys; /* of session ids (http_token.h); copied */
	/* What TLS clients are shown, or NULL: we speak in clear. What is in it may be replaced any time. */
	const struct certificate *certificate;
	const struct peers *peers; /* who may connect to our Unix socket, or NULL: whoever can */
};

#define HTTP_STATUSES 600

struct http {
	struct loop *loop;
	struct http_host host;
	struct http_settings settings;
	struct MHD_Daemon *daemon;
	struct loop_source source; /* the daemon's own epoll descriptor */
	struct loop_timer timer;   /* its next timeout */
	struct loop_timer beat;    /* keeps streams alive */
	bool resumed;              /* connections of ours wait for the daemon's next run */
	bool stopping;
	unsigned links;                   /* connections */
	unsigned streams;                 /* of events, open */
	uint64_t answered[HTTP_STATUSES]; /* requests, by status; 0: not at all */
	struct exchange *exchanges;       /* all that are open */
	struct link *leaving;             /* connections whose end the daemon may have missed */
	struct sessions *sessions;
	uint64_t next_id; /* of a request that has none */
	size_t bodies;    /* bytes of bodies that are being read, of all exchanges */
};

/* `listener` is a socket that listens, non-blocking; it is the daemon's from here on, also on failure. 0 or
 * -errno. */
int http_init(struct http *http, struct loop *loop, const struct http_host *host,
	      const struct http_settings *settings, int listener, struct err *err);
/* A caller is none any more: its conversations end, its requests under way are refused as those to come will
 * be. Nothing refers to it afterwards. */
void http_dismiss(struct http *http, const struct http_caller *caller);
/* Ids of sessions are signed and checked by other keys from here on. */
void http_rekey(struct http *http, const struct token_keys *keys);
/* After each turn: what was answered goes out. */
void http_flush(struct http *http);
/* Is an answer still owed, or not yet out? */
bool http_busy(const struct http *http);
/* No more connections; streams that only listen are told that it is over. */
void http_stop(struct http *http);
/* Every connection ends, every conversation is freed. Calls were abandoned before. */
void http_deinit(struct http *http);

#endif
