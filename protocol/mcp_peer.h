/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_MCP_PEER_H
#define SALLYPORT_PROTOCOL_MCP_PEER_H

/* What the files mcp*.c share: the peer, its requests in flight, and how answers leave. Nobody else includes
 * it. */

#include "protocol/jsonrpc.h"
#include "protocol/mcp.h"

#define MCP_MODERN_VERSION    "2026-07-28"
#define MCP_BATCH_VERSION     "2025-03-26" /* the only one with batches */
#define MCP_TTL_MS            3600000      /* of tools and discovery: fixed while a process lives */
#define MCP_META_VERSION      "io.modelcontextprotocol/protocolVersion"
#define MCP_META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"
#define MCP_META_CLIENT       "io.modelcontextprotocol/clientInfo"
#define MCP_META_LOG_LEVEL    "io.modelcontextprotocol/logLevel"
#define MCP_META_SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"
#define MCP_META_SERVER       "io.modelcontextprotocol/serverInfo"

extern const char *const mcp_legacy_versions[]; /* newest first, ended by NULL */

/* ---- batches (2025-03-26): the answers of one array, gathered until the last is there ---- */

/* Owned by the requests in it that are open; the last one frees it. */
struct mcp_batch {
	struct mcp_peer *peer;
	struct buffer answers; /* "[A,B" */
	unsigned open;         /* requests of it that are unanswered, and 1 while it is still being read */
};

int mcp_batch_receive(struct mcp_peer *peer, const char *text, size_t length);
/* One request of it was answered (with what is in `answer`) or will never be (NULL). */
void mcp_batch_answer(struct mcp_batch *batch, struct jsonrpc_id id, const struct buffer *answer);

/* ---- requests in flight ---- */

enum mcp_request_kind { MCP_REQUEST_CALL, MCP_REQUEST_SUBSCRIPTION };

/* First member of struct mcp_call and struct mcp_subscription. */
struct mcp_request {
	struct mcp_request *bucket_next;     /* in the table by id */
	struct mcp_request *previous, *next; /* in the list of all */
	struct mcp_peer *peer;
	struct mcp_batch *batch;
	enum mcp_request_kind kind;
	enum mcp_era era;
	bool listed;   /* in the list */
	bool findable; /* in the table: neither answered nor cancelled */
	uint32_t hash;
	struct jsonrpc_id id;
	const char *key; /* jsonrpc_id_key */
	size_t key_length;
	char *bytes; /* of id and key, when room is too small */
	char room[48];
};

struct mcp_requests {
	struct mcp_request *all; /* newest first */
	struct mcp_request **buckets;
	size_t bucket_count, findable;
	unsigned calls, subscriptions;
};

/* Copies the id and enters the request. 0 or -ENOMEM. */
int mcp_requests_add(struct mcp_peer *peer, struct mcp_request *request, struct jsonrpc_id id);
struct mcp_request *mcp_requests_find(struct mcp_peer *peer, struct jsonrpc_id id);
/* Its id is free again; it stays in the list. */
void mcp_requests_hide(struct mcp_request *request);
void mcp_requests_remove(struct mcp_request *request);

/* ---- the peer ---- */

struct mcp_peer {
	struct mcp_host host;
	struct mcp_sink sink;
	const char *version; /* legacy: negotiated by initialize; NULL before */
	bool initialized;    /* legacy: notifications/initialized came */
	bool closing;        /* nothing is sent any more */
	char *client;        /* name last told to the host */
	char *server_meta;   /* "io.modelcontextprotocol/serverInfo":{..} */
	struct buffer
		reply; /* answers given at once; keeps JSONRPC_ERROR_BYTES, so that an error always fits */
	struct buffer tools; /* first page of tools/list, elements only; empty until asked */
	unsigned tools_next; /* where the second page begins, or 0 */
	struct mcp_requests requests;
};

/* One request on its way through the method table. */
struct mcp_incoming {
	struct mcp_peer *peer;
	struct mcp_batch *batch;
	enum mcp_era era;
	struct jsonrpc_message message;
	const char *text; /* of this message */
	size_t length;
	const cJSON *meta; /* params._meta, an object, or NULL */
};

/* Handlers return 0, or -ENOMEM when nothing was answered yet (the caller then does). */
typedef int mcp_handler(struct mcp_incoming *incoming);

/* One message that is not a batch; also each element of one. */
int mcp_dispatch(struct mcp_peer *peer, struct mcp_batch *batch, const char *text, size_t length);

/*
 * An answer given at once. mcp_reply_begin clears peer->reply and writes up to and with "result":{ ; the
 * caller adds members; mcp_reply_end adds what every result of this era bears and sends.
 */
int mcp_reply_begin(struct mcp_incoming *incoming, struct json_writer *writer);
int mcp_reply_end(struct mcp_incoming *incoming, struct json_writer *writer);
int mcp_reply_error(struct mcp_incoming *incoming, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int mcp_reply_error_data(struct mcp_incoming *incoming, int code, const char *message, const char *data);
/* For a message that could not be read or served for lack of memory. Whether it wants an answer shows in
 * whether it has an id. `counted`: its batch already waits for it. */
int mcp_answer_out_of_memory(struct mcp_incoming *incoming, bool counted);
/* Sends what is in `answer`: into the batch, or with a newline through the sink. Empties it. */
int mcp_answer(struct mcp_peer *peer, struct mcp_batch *batch, struct jsonrpc_id id, struct buffer *answer);
/* Adds the newline and sends: notifications. */
int mcp_send(struct mcp_peer *peer, struct buffer *message);
/* The members that end every modern result: _meta (with `more`, members as JSON, may be NULL) and resultType.
 */
int mcp_write_result_tail(struct mcp_peer *peer, enum mcp_era era, struct buffer *out, const char *more,
			  size_t more_length);
/* The client's name, if it is new. */
void mcp_note_client(struct mcp_peer *peer, const cJSON *info);
bool mcp_known_log_level(const char *level);

/* ---- calls ---- */

struct mcp_call {
	struct mcp_request request;
	cJSON *tree; /* the request; arguments point into it */
	void *user;
	char *progress_token; /* raw JSON, NULL: none was given */
	double progress;      /* last told */
	struct buffer out;
	struct json_writer writer;
	size_t content; /* where the content blocks begin in out; 0: nothing begun */
	bool text_open, members_open;
};

/* A call and everything it owns; its batch no longer waits for it. */
void mcp_call_free(struct mcp_call *call);

/* ---- the methods ---- */

mcp_handler mcp_legacy_initialize, mcp_legacy_ping, mcp_legacy_set_level;
mcp_handler mcp_modern_discover, mcp_modern_listen;
mcp_handler mcp_tools_list, mcp_tools_call;
/* Decides the era and checks what it asks of params._meta. 0; 1 when it was refused and answered; -ENOMEM. */
int mcp_modern_check(struct mcp_incoming *incoming);
void mcp_subscription_end(struct mcp_request *request); /* frees it, no answer */

#endif
