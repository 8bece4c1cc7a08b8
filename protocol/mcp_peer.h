/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_MCP_PEER_H
#define SALLYPORT_PROTOCOL_MCP_PEER_H

/* What the files mcp*.c share: the peer, its requests in flight, and how answers leave. Nobody else includes
 * it. */

#include "protocol/jsonrpc.h"
#include "protocol/mcp.h"
#include "protocol/mcp_input.h"
#include "protocol/mcp_tasks.h"

#define MCP_MODERN_VERSION    "2026-07-28"
#define MCP_OLDEST_VERSION    "2024-11-05"
#define MCP_BATCH_VERSION     "2025-03-26" /* the only one with batches */
#define MCP_TTL_MS            3600000      /* of tools and discovery: fixed while a process lives */
#define MCP_META              "io.modelcontextprotocol/" /* begins the following */
#define MCP_META_VERSION      MCP_META "protocolVersion"
#define MCP_META_CAPABILITIES MCP_META "clientCapabilities"
#define MCP_META_CLIENT       MCP_META "clientInfo"
#define MCP_META_LOG_LEVEL    MCP_META "logLevel"
#define MCP_META_SUBSCRIPTION "io.modelcontextprotocol/subscriptionId"
#define MCP_META_SERVER       "io.modelcontextprotocol/serverInfo"
#define MCP_STATE_KEY_BYTES   32
#define MCP_EXTENSION_TASKS   "io.modelcontextprotocol/tasks"

extern const char *const mcp_legacy_versions[]; /* newest first, ended by NULL */

/* Where a message came from, and so where its answers go. */
struct mcp_origin {
	struct mcp_peer *peer;
	struct mcp_batch *batch; /* or NULL */
	void *route;             /* mcp_receive_from() */
	enum mcp_era era;
	bool crowded; /* mcp_delivery */
};

/* ---- batches (2025-03-26): the answers of one array, gathered until the last is there ---- */

/* Owned by the requests in it that are open; the last one frees it. */
struct mcp_batch {
	struct mcp_peer *peer;
	void *route;
	struct buffer answers; /* "[A,B" */
	unsigned open;         /* requests of it that are unanswered, and 1 while it is still being read */
};

int mcp_batch_receive(struct mcp_origin origin, const struct mcp_headers *headers, const char *text,
		      size_t length);
/* One request of it was answered (with what is in `answer`) or will never be (NULL). */
void mcp_batch_answer(struct mcp_batch *batch, struct jsonrpc_id id, const struct buffer *answer);

/* ---- requests in flight ---- */

enum mcp_request_kind { MCP_REQUEST_CALL, MCP_REQUEST_SUBSCRIPTION };

/* First member of struct mcp_call and struct mcp_subscription. */
struct mcp_request {
	struct mcp_request *bucket_next;     /* in the table by id */
	struct mcp_request *previous, *next; /* in the list of all */
	struct mcp_origin origin;
	enum mcp_request_kind kind;
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
	unsigned calls;
};

/* Copies the id and enters the request, whose origin is set. 0 or -ENOMEM. */
int mcp_requests_add(struct mcp_request *request, struct jsonrpc_id id);
struct mcp_request *mcp_requests_find(struct mcp_peer *peer, struct jsonrpc_id id);
/* A call: nobody wants its answer. The host stops the work and gives it back. */
void mcp_request_cancel(struct mcp_request *request);
/* Its id is free again; it stays in the list. */
void mcp_requests_hide(struct mcp_request *request);
void mcp_requests_remove(struct mcp_request *request);
/* It goes on in another conversation, where its id means nothing. Never fails where that one has had a
 * request before; else 0 or -ENOMEM. */
int mcp_requests_move(struct mcp_request *request, struct mcp_peer *peer);

/* One who wants to hear of one resource: a subscriptions/listen request, or a legacy session. */
struct mcp_interest {
	struct mcp_interest *next;
	struct mcp_peer *peer;
	const struct mcp_request *subscription; /* NULL: the legacy session */
	bool due;                               /* to be told as soon as the subscription is acknowledged */
	bool pending;                           /* the host has not said yet whether it can be watched */
	char uri[];
};

/* ---- the caller and its peers ---- */

struct mcp_caller {
	struct mcp_host host;
	char *server_meta; /* "io.modelcontextprotocol/serverInfo":{..} */
	struct buffer
		reply; /* answers given at once; keeps JSONRPC_ERROR_BYTES, so that an error always fits */
	struct buffer tools;            /* first page of tools/list, elements only; empty until asked */
	struct buffer discovery;        /* members of server/discover's result; empty until asked */
	unsigned tools_next;            /* where the second page begins, or 0 */
	unsigned calls, subscriptions;  /* in flight, of all its peers */
	struct mcp_interest *interests; /* the oldest first */
	unsigned interest_count;
	struct mcp_peer *peers;
	struct mcp_peer *background; /* whose calls are those of tasks; NULL: there was none yet */
	struct mcp_task *tasks;      /* the newest first */
	unsigned task_count;
	size_t task_bytes;                      /* of the results that are kept */
	uint8_t state_key[MCP_STATE_KEY_BYTES]; /* of what mcp_state_seal() signs */
	bool state_key_known;
};

struct mcp_peer {
	struct mcp_caller *caller;
	struct mcp_peer *previous, *next; /* of the same caller */
	struct mcp_sink sink;
	const char *version;          /* legacy: negotiated by initialize; NULL before */
	bool initialized;             /* legacy: notifications/initialized came */
	bool closing;                 /* nothing is sent any more */
	unsigned can;                 /* legacy: MCP_CAN of what initialize said */
	unsigned asked;               /* legacy: requests of ours so far; their ids */
	enum mcp_log_level log_level; /* legacy: logging/setLevel */
	char *client;                 /* name last told to the host */
	uint32_t patience;            /* what the host said of it */
	struct mcp_requests requests;
};

/* What a request's params._meta says that we know of; NULL: not there. */
struct mcp_meta {
	const cJSON *version, *capabilities, *client, *log_level, *progress_token;
};

/* One request on its way through the method table. */
struct mcp_incoming {
	struct mcp_origin origin;
	struct jsonrpc_message message;
	const struct mcp_headers *headers; /* or NULL */
	const char *text;                  /* of this message */
	size_t length;
	struct mcp_meta meta;
};

/* Handlers return 0, or -ENOMEM when nothing was answered yet (the caller then does). */
typedef int mcp_handler(struct mcp_incoming *incoming);

/* One message that is not a batch; also each element of one. */
int mcp_dispatch(struct mcp_origin origin, const struct mcp_headers *headers, const char *text,
		 size_t length);

/*
 * An answer given at once. mcp_reply_begin clears caller->reply and writes up to and with "result":{ ; the
 * caller adds members; mcp_reply_end adds what every result of this era bears and sends.
 */
int mcp_reply_begin(struct mcp_incoming *incoming, struct json_writer *writer);
int mcp_reply_end(struct mcp_incoming *incoming, struct json_writer *writer);
int mcp_reply_missing(struct mcp_incoming *incoming, unsigned missing); /* MCP_MISSING_CAPABILITY */
int mcp_reply_error(struct mcp_incoming *incoming, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int mcp_reply_error_data(struct mcp_incoming *incoming, int code, const char *message, const char *data);
/* For a message that could not be read or served for lack of memory. Whether it wants an answer shows in
 * whether it has an id. `counted`: its batch already waits for it. */
int mcp_answer_out_of_memory(struct mcp_incoming *incoming, bool counted);
/* Sends what is in `answer`: into the batch, or with a newline through the sink. Empties it. `code` is that
 * of an error, else 0. */
int mcp_answer(const struct mcp_origin *origin, struct jsonrpc_id id, int code, struct buffer *answer);
/* Adds the newline and sends. */
/* What was received with this route will have no answer. */
void mcp_send_none(struct mcp_peer *peer, void *route);
int mcp_send(struct mcp_peer *peer, const struct mcp_delivery *delivery, struct buffer *message);
/* The members that end every modern result: _meta (with `more`, members as JSON, may be NULL) and resultType.
 */
int mcp_write_result_tail(const struct mcp_origin *origin, const char *type, struct buffer *out,
			  const char *more, size_t more_length);
/* The client's name, if it is new: in clientInfo, or itself. */
void mcp_note_client(struct mcp_peer *peer, const cJSON *info);
void mcp_note_client_name(struct mcp_peer *peer, const char *name);
bool mcp_known_version(const char *version); /* a legacy one */
/* Of a name; -EINVAL: there is no such level. */
int mcp_log_level_read(const char *name);
/* Are there changes of it to hear of? */
bool mcp_list_changes(const struct mcp_caller *caller, enum mcp_list list);

/* ---- calls ---- */

struct mcp_question;

struct mcp_input_state {
	struct mcp_question *questions; /* asked, in their order */
	struct json_writer writer;      /* into the params of the last one */
	cJSON *answers;                 /* of questions that this call waited for; owned */
	char *state;                    /* what the host gave when it asked, or NULL */
	bool waits;                     /* for answers, in the library */
};

enum mcp_call_kind {
	MCP_CALL_TOOL,      /* tools/call */
	MCP_CALL_READ,      /* resources/read */
	MCP_CALL_PROMPT,    /* prompts/get */
	MCP_CALL_COMPLETE,  /* completion/complete */
	MCP_CALL_SUBSCRIBE, /* resources/subscribe, until the host knows whether it can be watched */
	MCP_CALL_KINDS
};

struct mcp_call {
	struct mcp_request request;
	enum mcp_call_kind kind;
	cJSON *tree; /* the request; arguments point into it */
	void *user;
	const char *uri; /* of MCP_CALL_READ and MCP_CALL_SUBSCRIBE, in the tree; else NULL */
	struct mcp_completion completion; /* of MCP_CALL_COMPLETE: texts in the tree; else all NULL */
	char *progress_token;             /* raw JSON, NULL: none was given */
	int log_level;                    /* enum mcp_log_level from which on it is told; -1: of none */
	unsigned can;                     /* MCP_CAN of the client */
	struct mcp_input_state input;     /* what was asked of the client */
	struct mcp_task *task;            /* whose call it is, or NULL */
	double progress;                  /* last told */
	struct buffer out;
	struct json_writer writer;
	size_t content; /* where the content blocks begin in out; 0: nothing begun */
	bool text_open, members_open;
	bool completion_ended; /* mcp_completion_end() was called */
};

/* Makes a call of a request, with room for an error answer. NULL in *call: it was refused and answered. 0 or
 * -ENOMEM. */
int mcp_call_accept(struct mcp_incoming *incoming, enum mcp_call_kind kind, struct mcp_call **call);
/* It goes to the host: for the first time, or with more of what it asked for. */
void mcp_call_run(struct mcp_call *call);
/* Forgets everything that was written; the room for an error stays. */
void mcp_call_clear(struct mcp_call *call);
/* The answer is complete in call->out: away with it, and with the call. `code` is that of an error, else 0.
 */
int mcp_call_answer(struct mcp_call *call, int code);
/* An answer without members, of a resources/subscribe. */
int mcp_call_finish_empty(struct mcp_call *call);
/* mcp_call_error(), with `data`: JSON, or NULL. */
int mcp_call_error_data(struct mcp_call *call, int code, const char *message, const char *data);
/* A call and everything it owns; its batch no longer waits for it. */
void mcp_call_free(struct mcp_call *call);

/* ---- the methods ---- */

mcp_handler mcp_legacy_initialize, mcp_legacy_ping, mcp_legacy_set_level;
mcp_handler mcp_modern_discover, mcp_subscriptions_listen;
mcp_handler mcp_tools_list, mcp_tools_call;
mcp_handler mcp_resources_list, mcp_resources_templates, mcp_resources_read;
mcp_handler mcp_resources_subscribe, mcp_resources_unsubscribe; /* legacy */
mcp_handler mcp_completion_complete;
mcp_handler mcp_prompts_list, mcp_prompts_get;
mcp_handler mcp_tasks_get, mcp_tasks_update, mcp_tasks_cancel;
/* An answer without members. */
int mcp_reply_empty(struct mcp_incoming *incoming);
/* Decides the era and checks what it asks of params._meta. 0; 1 when it was refused and answered; -ENOMEM. */
int mcp_modern_check(struct mcp_incoming *incoming);
void mcp_subscription_end(struct mcp_request *request); /* frees it, no answer */
/* Begins a notification in caller->reply, of this subscription (with its _meta), or of none (NULL); the
 * writer stands behind it, in params. What it returns is in writer->result too. */
int mcp_notification_begin(struct mcp_peer *peer, const struct mcp_request *subscription, const char *method,
			   struct json_writer *writer);
/* Ends a notification in caller->reply, and sends it where `subscription` (or NULL) came from. 0 or -errno.
 */
int mcp_notification_end(struct mcp_peer *peer, const struct mcp_request *subscription,
			 struct json_writer *writer);

/* ---- mcp_headers.c: do headers say what the body says? 0; 1 when it was refused and answered; -ENOMEM ----
 */

/* `version` is that of _meta. */
int mcp_headers_check_version(struct mcp_incoming *incoming, const cJSON *version);
int mcp_headers_check(struct mcp_incoming *incoming);
/* Those that repeat arguments (an object, or NULL). */
int mcp_headers_check_arguments(struct mcp_incoming *incoming, const char *tool, const cJSON *arguments);

/* ---- mcp_resources.c ---- */

/* params.uri. 0; 1 when it was refused and answered; -ENOMEM. */
int mcp_take_uri(struct mcp_incoming *incoming, const char **uri);
int mcp_reply_not_found(struct mcp_incoming *incoming, const char *uri);

/* ---- mcp_interests.c: who wants to hear of what; `subscription` NULL is the peer's legacy session ---- */

/* Notes what of resourceSubscriptions (an array of strings, or NULL) can be honoured. 0 or -ENOMEM. */
int mcp_interests_add(struct mcp_request *subscription, const cJSON *uris);
/* Writes the member resourceSubscriptions with what was noted; nothing if nothing was. */
void mcp_interests_write(const struct mcp_request *subscription, struct json_writer *writer);
/* Is something of it still pending? */
bool mcp_interests_pending(const struct mcp_request *subscription);
/* Has it been acknowledged? Before that it is told nothing. The legacy session (NULL) always is. */
bool mcp_subscription_open(const struct mcp_request *subscription);
/* Nothing of it is pending any more: acknowledges it, and tells what is due. It is ended when that fails: 0
 * or -errno. */
int mcp_subscription_acknowledge(struct mcp_request *subscription);
/* Tells of those that are due. */
void mcp_interests_tell(const struct mcp_request *subscription);
void mcp_interests_forget(struct mcp_peer *peer, const struct mcp_request *subscription);
/* The capability, in both eras. */
void mcp_resources_write_capability(const struct mcp_host *host, struct json_writer *writer);

void mcp_prompts_write_capability(struct json_writer *writer);
/* mcp_completion.c: the same */
void mcp_completion_write_capability(struct json_writer *writer);

/* ---- mcp_capabilities.c: what a client can do ---- */

/* Bits, one for each enum mcp_input and then: */
#define MCP_CAN(input) (1u << (input))
#define MCP_CAN_TASKS  (1u << MCP_INPUTS)

/* Of a client's capabilities, an object or NULL. */
unsigned mcp_capabilities_read(const cJSON *capabilities);
/* What this server can do, an object, as that revision has it. */
void mcp_capabilities_write(const struct mcp_host *host, const char *version, struct json_writer *writer);
/* The `data` of MCP_MISSING_CAPABILITY, with its NUL. 0 or -ENOMEM. */
int mcp_capabilities_write_required(struct buffer *data, unsigned missing);
int mcp_call_missing(struct mcp_call *call, unsigned missing);

/* ---- mcp_input.c ---- */

/* Takes what a modern request says in answer to questions. 0; -EINVAL: with what is wrong in `err`; -ENOMEM.
 */
int mcp_input_take(struct mcp_call *call, struct err *err);
/* A response came to a request of ours. */
void mcp_input_answered(struct mcp_incoming *incoming);
/* An answer by its key, which becomes ours: 1 when that was the last one missing, 0, -EINVAL when it is not
 * what was asked for, -ENOENT when nothing was asked so, -ENOMEM. */
int mcp_input_give(struct mcp_call *call, const char *key, cJSON *answer);
/* inputRequests, a member: those that are unanswered. */
void mcp_input_write(const struct mcp_call *call, struct json_writer *writer);
/* The client need not answer any more. */
void mcp_input_withdraw(struct mcp_call *call);
void mcp_input_deinit(struct mcp_call *call);

/* ---- mcp_state.c: requestState, signed for one caller and one request ---- */

/* Writes it as a string. */
void mcp_state_seal(const struct mcp_call *call, const char *state, struct json_writer *writer);
/* What was sealed; the caller frees it. -EINVAL: not by us, not for this request, or too long ago; -ENOMEM.
 */
int mcp_state_open(const struct mcp_call *call, const char *sealed, char **state);

/* ---- mcp_tasks.c ---- */

/* May this client ask for tasks? 0; 1 when it was refused and answered; -ENOMEM. */
int mcp_tasks_check(struct mcp_incoming *incoming);
/* The call of a task waits for the client, or goes on. */
void mcp_task_waits(struct mcp_task *task, bool waits);
/* The call of a task has ended with this message; NULL: without one. */
void mcp_task_settle(struct mcp_task *task, const struct buffer *answer, int code);
void mcp_tasks_free(struct mcp_caller *caller);

/* ---- mcp_resources.c: a list that the host has whole ---- */
int mcp_reply_list(struct mcp_incoming *incoming, const char *key,
		   int (*list)(void *context, struct buffer *out), int ttl_ms, const char *scope);

#endif
