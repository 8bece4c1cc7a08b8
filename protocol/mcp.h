/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_MCP_H
#define SALLYPORT_PROTOCOL_MCP_H

/*
 * The Model Context Protocol, both eras by one method table, without any I/O: a message goes in, messages
 * come out through `mcp_sink`, tool calls come out through `mcp_host` and are answered later, in any order.
 *
 *   modern  2026-07-28: stateless, every request carries its _meta
 *   legacy  2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25: initialize, then a session
 *
 * A struct mcp_peer is one conversation: all there is over stdio, a legacy session over HTTP, or there a
 * single modern request. It keeps what legacy sessions need (version, client's name), the requests in flight
 * by their ids, open subscriptions and unfinished batches. A struct mcp_caller is one who holds
 * conversations, as many at a time as he likes: one host program, one list of tools, one set of resources and
 * of bounds.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/json.h"
#include "protocol/limits.h"

struct mcp_caller;
struct mcp_peer;
struct mcp_call;

enum mcp_era { MCP_UNKNOWN, MCP_LEGACY, MCP_MODERN };

/* JSON-RPC and MCP error codes (JSON-RPC 2.0 section 5.1; MCP 2026-07-28 basic, "Error Codes") */
enum {
	MCP_PARSE_ERROR = -32700,
	MCP_INVALID_REQUEST = -32600,
	MCP_METHOD_NOT_FOUND = -32601,
	MCP_INVALID_PARAMS = -32602,
	MCP_INTERNAL_ERROR = -32603,
	MCP_RESOURCE_NOT_FOUND =
		-32002, /* legacy only: "Implementations .. MUST NOT emit" it in 2026-07-28 */
	MCP_HEADER_MISMATCH = -32020,
	MCP_MISSING_CAPABILITY = -32021,
	MCP_UNSUPPORTED_VERSION = -32022,
};

/* Lists of whose changes clients may hear. */
enum mcp_list { MCP_LIST_PROMPTS, MCP_LIST_RESOURCES, MCP_LIST_TOOLS, MCP_LISTS };

/* Of log messages (RFC 5424, 6.2.1), the least severe first. */
enum mcp_log_level {
	MCP_LOG_DEBUG,
	MCP_LOG_INFO,
	MCP_LOG_NOTICE,
	MCP_LOG_WARNING,
	MCP_LOG_ERROR,
	MCP_LOG_CRITICAL,
	MCP_LOG_ALERT,
	MCP_LOG_EMERGENCY,
};

/* What completion/complete asks: what may an argument be that begins with `value`? Texts of the client's. */
struct mcp_completion {
	bool prompt;            /* `ref` is the name of a prompt; else the URI of a resource template */
	const char *ref;        /* at most LIMIT_RESOURCE_URI_BYTES */
	const char *argument;   /* its name, at most LIMIT_TOOL_NAME_BYTES */
	const char *value;      /* typed so far, at most LIMIT_RESOURCE_URI_BYTES */
	const cJSON *arguments; /* an object of strings: those that are settled; or NULL */
};

/* What a message was, for a transport's own records: texts of the client's, cut where they are long. */
struct mcp_heard {
	char method[LIMIT_METHOD_NAME_BYTES + 1];
	char tool[LIMIT_TOOL_NAME_BYTES + 1]; /* of a tools/call */
};

/* What HTTP headers say of a message (2026-07-28, transports/streamable-http, "Request Metadata"); NULL:
 * there is no such header. */
struct mcp_headers {
	const char *version; /* MCP-Protocol-Version */
	const char *method;  /* Mcp-Method */
	const char *name;    /* Mcp-Name */
	/* Any other, NULL if there is none. */
	const char *(*find)(void *context, const char *name);
	void *context;
	struct mcp_heard *heard; /* is told what the message was; or NULL */
};

/* An argument of a tool that clients repeat in a header (x-mcp-header in its schema). */
struct mcp_tool_header {
	const char *name;    /* the whole: "Mcp-Param-Region"; NULL ends a list */
	const char *path[5]; /* where it stands in the arguments, ended by NULL */
};

/* What the protocol needs of the program around it. All pointers live as long as the caller. */
struct mcp_host {
	void *context;
	const char *name, *title, *version; /* serverInfo */
	const char *instructions;           /* or NULL */
	unsigned subscriptions;             /* most that are open at a time; 0: LIMIT_SUBSCRIPTIONS */
	bool logs;                          /* mcp_call_log() is used */
	bool tasks;                         /* mcp_tasks.h is used */
	bool resources_change;              /* mcp_list_changed() is told of resources */
	/* What signs the states of questions (mcp_input.h): 32 bytes, the same in all processes that are to
	 * serve a client, another for each principal. NULL: made up for this caller. */
	const uint8_t *state_key;
	unsigned calls; /* most that are in flight; 0: LIMIT_CALLS_IN_FLIGHT */
	/* Appends the tools as the elements of a JSON array, without brackets. `begin` is the index of the
	 * first one; returns the index after the last one appended, or 0 when that was the end, or -errno.
	 * Used for tools/list pages. */
	int (*tools)(void *context, unsigned begin, struct buffer *out);
	/* True if there is a tool of this name; otherwise tools/call is answered -32602 by the protocol. */
	bool (*tool_known)(void *context, const char *name);
	/* Those of its arguments that headers repeat, or NULL. May be NULL itself: no tool has any. */
	const struct mcp_tool_header *(*tool_headers)(void *context, const char *name);
	/* A tools/call was accepted. From here the host owns `call` until it gives it back with
	 * mcp_call_finish() or mcp_call_drop(); it may do so before returning. `arguments` (NULL when there
	 * were none) lives as long as the call. */
	void (*call)(void *context, struct mcp_call *call, const char *name, const cJSON *arguments);
	/* Appends resources, or templates of them, as the elements of a JSON array, without brackets: all
	 * there are, they are few. 0 or -errno. */
	int (*resources)(void *context, struct buffer *out);
	int (*resource_templates)(void *context, struct buffer *out);
	/* A resources/read was accepted: as `call` above, but what is written are contents, each with this
	 * uri (it lives as long as the call), and a failure is a protocol error. mcp_call_not_found() if
	 * there is no such resource. */
	void (*read)(void *context, struct mcp_call *call, const char *uri);
	/* Appends prompts, as `resources`. NULL: there are none, and no method for them. */
	int (*prompts)(void *context, struct buffer *out);
	/* A prompts/get was accepted: as `call`, but what is written are messages, and a failure is a
	 * protocol error. mcp_call_error() with MCP_INVALID_PARAMS if there is no such prompt or an argument
	 * is missing. `arguments` is an object of strings, or NULL. */
	void (*prompt)(void *context, struct mcp_call *call, const char *name, const cJSON *arguments);
	/* A completion/complete was accepted: as `call` above, but what is written are values, strings in an
	 * array, LIMIT_COMPLETIONS at most, ended by mcp_completion_end(); a failure is a protocol error.
	 * mcp_call_unknown_completion() if there is no such prompt or template, or it has no such argument.
	 * `asked` lives as long as the call. */
	void (*complete)(void *context, struct mcp_call *call, const struct mcp_completion *asked);
	/* Somebody wants to hear of changes of a resource: from here on mcp_resource_updated() tells of each,
	 * until `unwatch`, which is called once when nobody wants to any more. May be called again for more
	 * who want to. Returns 0; 1 when it will not change any more, which the new one is told at once;
	 * -EINPROGRESS: mcp_resource_watched() tells later; -ENOENT: there is none; -ENOSPC: too many are
	 * watched; or -ENOMEM. */
	int (*watch)(void *context, const char *uri);
	void (*unwatch)(void *context, const char *uri);
	/* The client cancelled: stop the work; then mcp_call_drop(). Never called twice for a call. An answer
	 * given all the same is not sent. */
	void (*cancel)(void *context, struct mcp_call *call);
	/* A client's name is known (clientInfo.name of initialize or of _meta, at most
	 * LIMIT_CLIENT_NAME_BYTES), or a conversation has begun (NULL). May be called more than once. Returns
	 * the milliseconds within which its calls are to be answered, which mcp_call_patience() tells of
	 * each. May be NULL. */
	uint32_t (*client)(void *context, const char *name);
};

int mcp_caller_new(struct mcp_caller **caller, const struct mcp_host *host);
void mcp_caller_free(struct mcp_caller *caller); /* its peers are freed before */

/* What a message to the client belongs to. */
struct mcp_delivery {
	void *route;  /* what mcp_receive_from() was given with the request; NULL: to the client at large */
	bool last;    /* the answer: no more belongs to what was received then */
	bool leave;   /* no message: mcp_call_leave() */
	bool none;    /* no message, and last: it was cancelled, and will have no answer; only with a route */
	int code;     /* of an error; 0: none */
	bool crowded; /* nothing was done, since too much is under way already; the message says so */
};

/* Where messages go. Each is one line of JSON with its newline. Takes the content of `message` (it may swap
 * the buffer's allocation out; the buffer is empty afterwards), and calls nothing of this header. Returns 0
 * or -errno. */
struct mcp_sink {
	void *context;
	int (*send)(void *context, const struct mcp_delivery *delivery, struct buffer *message);
};

int mcp_peer_new(struct mcp_peer **peer, struct mcp_caller *caller, const struct mcp_sink *sink);
void mcp_peer_free(
	struct mcp_peer *peer); /* calls still in flight are dropped; the host has forgotten them before */

/* One message from the client, without its newline. Anything malformed is answered; the return value is only
 * 0, or -ENOMEM when not even that was possible: nothing came of the message, the peer stays usable. */
int mcp_receive(struct mcp_peer *peer, const char *message, size_t length);
/* The same for a transport that answers where it was asked, `route` being its own word for that; `headers`,
 * or NULL where the transport has none, must say what the message says. */
int mcp_receive_from(struct mcp_peer *peer, void *route, const struct mcp_headers *headers,
		     const char *message, size_t length);
/* Does something that was received with this route still wait for its answer? */
bool mcp_route_waits(const struct mcp_peer *peer, const void *route);
/* Nobody waits for answers on this route any more (NULL: on any, and a legacy session's subscriptions end
 * too): its calls are cancelled, its subscriptions end. Nothing is sent for them. */
void mcp_route_gone(struct mcp_peer *peer, const void *route);
/* A line was longer than LIMIT_MESSAGE_BYTES and its bytes were thrown away: answers that. */
int mcp_refuse_oversized(struct mcp_peer *peer);

/* The legacy version that initialize settled, or NULL. */
const char *mcp_peer_version(const struct mcp_peer *peer);
/* clientInfo.name, as far as it is known, or NULL. */
const char *mcp_peer_client(const struct mcp_peer *peer);
/* A legacy session that was begun elsewhere: as after initialize. `client`, or NULL, is its clientInfo.name.
 * 0, or -EINVAL: there is no such version. */
int mcp_peer_resume(struct mcp_peer *peer, const char *version, const char *client, unsigned capabilities);
/* What the client said in initialize that it can do: bits for mcp_peer_resume(). */
unsigned mcp_peer_capabilities(const struct mcp_peer *peer);

unsigned mcp_in_flight(const struct mcp_peer *peer);
/* Ends open subscriptions gracefully (2026-07-28, "Graceful Closure"), before the transport closes. */
void mcp_close(struct mcp_peer *peer);
/* Tells clients that asked for it that a list changed. */
void mcp_list_changed(struct mcp_caller *caller, enum mcp_list list);
/* Tells who has subscribed to it that a resource changed. Costs a look at each of their subscriptions;
 * without memory it is not told. */
void mcp_resource_updated(struct mcp_caller *caller, const char *uri);
/* What `watch` left open. NULL: it is watched from here on. Else why not, in words: whoever wanted to is told
 * so, and `unwatch` is not called. */
void mcp_resource_watched(struct mcp_caller *caller, const char *uri, const char *refusal);
/* There is no such resource any more: subscriptions to it end, silently and without `unwatch`. */
void mcp_resource_gone(struct mcp_caller *caller, const char *uri);

/* ---- calls ---- */

/* For the host's own use: a pointer it may set and read. */
void mcp_call_set_user(struct mcp_call *call, void *user);
void *mcp_call_user(const struct mcp_call *call);
/* Milliseconds, as mcp_host.client said; 0 where it says nothing. */
uint32_t mcp_call_patience(const struct mcp_call *call);
/* Of a resources/read; NULL of a tools/call. */
const char *mcp_call_uri(const struct mcp_call *call);
/* Of a completion/complete; NULL of any other. */
const struct mcp_completion *mcp_call_completion(const struct mcp_call *call);
bool mcp_call_wants_progress(const struct mcp_call *call);
/* `progress` must grow with each (milliseconds since the start do); `message` may be NULL. Ignored without a
 * token. */
void mcp_call_progress(struct mcp_call *call, double progress, const char *message, size_t message_length);
/* The same with what it grows to; 0: not known. */
void mcp_call_progress_of(struct mcp_call *call, double progress, double total, const char *message,
			  size_t message_length);

/* The answer will take its time: a transport whose clients can come back for it need not hold their
 * connection until then (2025-11-25, transports, "Sending Messages to the Server", 6). Legacy sessions only;
 * else nothing happens. */
void mcp_call_leave(const struct mcp_call *call);
/* Tells the client, if it wants to hear of that level. `data` is JSON; `logger` may be NULL. */
void mcp_call_log(struct mcp_call *call, enum mcp_log_level level, const char *logger,
		  const struct buffer *data);

/*
 * The result is written by the host straight into the call's outgoing message, in this order:
 *   mcp_result_begin                    {"jsonrpc":"2.0","id":..,"result":{"content":[ or "contents":[ or
 * "messages":[ content blocks                      by mcp_result_text_* or a json_writer on the same buffer
 *   mcp_result_members                  ]  and from here members: "structuredContent", "isError"
 *   mcp_call_finish(.., meta)           "_meta" (the host's members merged with the protocol's),
 * "resultType", }} newline; sent
 */
struct buffer *mcp_result_begin(struct mcp_call *call);
/* A writer positioned for a content block. What fails in it is told at the end; of a writer of the host's own
 * that failed, the host must tell by mcp_call_fail. */
struct json_writer *mcp_result_writer(struct mcp_call *call);
void mcp_result_text_begin(struct mcp_call *call);
int mcp_result_text(struct mcp_call *call, const void *bytes, size_t length, uint64_t *replaced);
void mcp_result_text_end(struct mcp_call *call);
/* An image or audio: `kind` is "image" or "audio". No text may be open. */
void mcp_result_media(struct mcp_call *call, const char *kind, const char *media_type, const void *bytes,
		      size_t length);
/* Ends the content array; returns a writer positioned for members of the result object (json_key first). */
struct json_writer *mcp_result_members(struct mcp_call *call);
/* Forgets what was written since mcp_result_begin, so that an error can be told instead. */
void mcp_result_restart(struct mcp_call *call);
/* Sends the answer and frees the call. `meta`, if not NULL, holds members of _meta as JSON without braces. If
 * the result could not be written (memory, LIMIT_ANSWER_BYTES) the client gets an error result in its place.
 * Returns what the sink returned. */
int mcp_call_finish(struct mcp_call *call, const struct buffer *meta);
/* The whole answer at once: one text block, isError. `meta` as above. Of all but a tools/call: a protocol
 * error.
 */
int mcp_call_fail(struct mcp_call *call, const char *text, const struct buffer *meta);
/* A protocol error instead of a result. */
int mcp_call_error(struct mcp_call *call, int code, const char *message);
/* Of a resources/read: there is no such resource, in the words of the call's era. */
int mcp_call_not_found(struct mcp_call *call);
/* Of a completion/complete: there is nothing of that name to complete. */
int mcp_call_unknown_completion(struct mcp_call *call);
/* Behind the values of a completion/complete: how many there are in all, and whether that is more than were
 * written. Then mcp_call_finish(). */
void mcp_completion_end(struct mcp_call *call, uint64_t total, bool total_known, bool more);
/* Frees the call without an answer (it was cancelled). */
void mcp_call_drop(struct mcp_call *call);

#endif
