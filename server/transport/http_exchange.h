/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_HTTP_EXCHANGE_H
#define SALLYPORT_SERVER_TRANSPORT_HTTP_EXCHANGE_H

/* What the files http*.c share: a request with its answer, and a stream of events. Nobody else includes it.
 */

#include <microhttpd.h>

#include "protocol/buffer.h"
#include "protocol/limits.h"
#include "server/transport/http.h"

struct gnutls_session_int;
struct session;

/*
 * Where the answers to one POST go (a route of the protocol's), or what a session says unasked. It begins
 * when there is something that is not the whole answer. A session's stream may lose its connection and go on
 * at another: then it keeps what it has sent.
 */
struct stream {
	struct http *http;
	struct exchange *exchange; /* connected there, or NULL */
	struct session *session;   /* NULL: a modern request */
	struct stream *next;       /* of the session */
	uint32_t number;           /* in the session: 0 is what it says unasked */
	uint32_t events;           /* said so far */
	struct buffer bytes;       /* events: sent ones that are kept, then those that wait */
	size_t sent;               /* bytes at the front of `bytes` that the client has */
	bool begun;                /* it is a stream, no longer one message */
	bool last;                 /* nothing more will come */
	bool leaves;               /* its connection ends, and it waits for another */
	int code;                  /* of the error that is the answer; 0: none */
	bool crowded;              /* the answer is that too much is under way */
	uint64_t lost_at;          /* when it lost its connection (loop clock); 0: it has one, or never had */
};

/* Headers that we know. */
enum head {
	HEAD_ACCEPT,
	HEAD_AUTHORIZATION,
	HEAD_LENGTH,
	HEAD_TYPE,
	HEAD_HOST,
	HEAD_LAST_EVENT,
	HEAD_METHOD,
	HEAD_NAME,
	HEAD_ORIGIN,
	HEAD_REQUEST,
	HEAD_SESSION,
	HEAD_TRANSFER,
	HEAD_VERSION,
	HEAD_COUNT
};

enum exchange_state {
	EXCHANGE_HEAD,     /* it has no body */
	EXCHANGE_BODY,     /* is being read */
	EXCHANGE_WAITS,    /* it was received; no answer is there yet */
	EXCHANGE_ANSWERED, /* a response was queued */
};

/* A connection: exchanges one after the other. */
struct link {
	struct http *http;
	struct loop_source source; /* its end; the daemon does not look while a connection is suspended */
	struct exchange *exchange; /* at present, or NULL */
	struct gnutls_session_int *tls; /* or NULL */
	bool gone;                      /* the client says no more, and so hears no more */
	bool stranger;                  /* who connected may not ask here (peers.h) */
	bool crowded;                   /* one of too many: it has one answer, and ends */
	struct loop_timer timer;        /* it is the client's turn: http_deadline.c */
	uint64_t since, allowed;        /* when that began, and how long it may take; nanoseconds */
	uint64_t moved;                 /* bytes that have come in or gone out since */
	struct link *next, **link;      /* in http->leaving: the daemon is to hear of that */
};

/* One HTTP request. */
struct exchange {
	struct http *http;
	struct MHD_Connection *connection;
	struct exchange *previous, *next;
	const char *head[HEAD_COUNT]; /* the daemon's, until the exchange ends; NULL: no such header */
	struct http_caller *caller;
	struct mcp_peer *peer;   /* a conversation of its own: a modern request, or initialize; else NULL */
	struct session *session; /* or NULL */
	struct stream *stream;   /* or NULL: nothing is asked for */
	struct stream own;       /* of a modern request */
	struct link *link;
	struct buffer body;
	size_t dropped; /* bytes of a body that was refused */
	enum exchange_state state;
	unsigned status;   /* refused before it was read: with this status; 0: not refused */
	unsigned answered; /* with this status; 0: not (yet) */
	char id[LIMIT_REQUEST_ID_BYTES + 1]; /* X-Request-Id: the client's, or ours */
	const char *verb, *path;             /* the daemon's */
	struct mcp_heard heard;
	uint64_t begun, bytes_in, bytes_out;
	const char *reason;
	unsigned retry_s; /* when to come again, if that is known */
	bool probe;       /* answered with `reason` as it is */
	bool metrics;     /* answered with them */
	bool post, suspended, lost, takes_json, takes_events;
	bool streams; /* counted in caller->streams */
};

/* ---- http_link.c ---- */

/* As microhttpd has it: a connection begins, with its link as the socket's context, or ends. */
void link_changed(void *context, struct MHD_Connection *connection, void **slot,
		  enum MHD_ConnectionNotificationCode code);
/* Before a connection is suspended: has its client gone? */
bool link_gone(struct link *link);
/* The daemon has read what there was, perhaps without seeing the end behind it: the same end, once more and
 * by us, makes it look again. */
void links_end(struct http *http);

/* ---- http_head.c ---- */

/* Judges all that stands before the body, sets what the exchange needs of it; refuses by exchange->status. */
void head_judge(struct exchange *exchange, const char *url, const char *method);
const char *head_find(const struct exchange *exchange, const char *name);

/* ---- http_stream.c ---- */

/* Where messages of a stream's exchange go: mcp_sink.send with a stream as route. */
int stream_take(struct stream *stream, const struct mcp_delivery *delivery, struct buffer *message);
void stream_init(struct stream *stream, struct http *http, struct session *session, uint32_t number);
void stream_deinit(struct stream *stream);
/* It is a stream of events from here on. */
void stream_begin(struct stream *stream);
/* Bytes as they are: comments. */
void stream_put(struct stream *stream, const char *bytes, size_t length);
/* Gives back what need not be kept. */
void stream_forget_old(struct stream *stream);

/* ---- http_answer.c ---- */

/* The conversation that it is part of. */
struct mcp_peer *exchange_peer(const struct exchange *exchange);
/* The daemon is to look at this connection again. */
void exchange_wake(struct exchange *exchange);
/* Queues what there is, or waits. */
enum MHD_Result exchange_answer(struct exchange *exchange);
/* Queues an error in words, as JSON-RPC without an id. */
enum MHD_Result exchange_refuse(struct exchange *exchange, unsigned status, const char *reason);

/* ---- http_metrics.c ---- */

/* Counts it, with this status (0: not at all). */
void exchange_answered(struct exchange *exchange, unsigned status);
/* The whole text. 0 or -errno. */
int http_metrics(const struct http *http, struct buffer *out);

/* ---- http_record.c ---- */

/* Names the request: as the client does in X-Request-Id, if that is one word of harmless characters. */
void exchange_name(struct exchange *exchange);
/* It is over. */
void exchange_record(const struct exchange *exchange);

/* ---- http_limits.c ---- */

/* Seconds until the caller may ask again; 0: now, and that has been counted. */
unsigned caller_wait(struct http_caller *caller, uint64_t now);
/* Most that he may have. */
unsigned caller_streams(const struct http_caller *caller);
unsigned caller_sessions(const struct http_caller *caller);

/* ---- http_deadline.c ---- */

/* The client's turn: it has so long, and longer as bytes pass (link->moved); then the connection ends. */
void link_expect(struct link *link, unsigned milliseconds, uint64_t moved);
/* Our turn. */
void link_rest(struct link *link);

/* ---- http.c ---- */

/* It has no more to do with its conversation, which ends if it was its own. */
void exchange_part(struct exchange *exchange);
/* The body is whole: what it says goes to its conversation. */
void exchange_receive(struct exchange *exchange);

#endif
