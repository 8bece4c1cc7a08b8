/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_PROTOCOL_JSONRPC_H
#define SALLYPORT_PROTOCOL_JSONRPC_H

/*
 * JSON-RPC 2.0 as MCP uses it: what kind of message it is, ids, and the frame around answers. Knows no
 * method.
 */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/limits.h"

/* An id as it came, raw JSON: it is echoed byte for byte. length 0: none, written as null. */
struct jsonrpc_id {
	const char *raw;
	size_t length;
};

enum jsonrpc_kind {
	JSONRPC_REQUEST,
	JSONRPC_NOTIFICATION, /* never answered, whatever is wrong with it */
	JSONRPC_RESPONSE,     /* to a request of ours */
	JSONRPC_INVALID,      /* answered with an error: code and err */
};

struct jsonrpc_message {
	enum jsonrpc_kind kind;
	struct jsonrpc_id id; /* borrowed from the text */
	cJSON *tree;          /* the whole message; owned */
	const char *method;
	const cJSON *params; /* an object, or NULL when absent or null */
	int code;            /* JSONRPC_INVALID: the error's code */
};

/*
 * Reads one message that is not a batch. Returns 0, or -ENOMEM. Everything wrong with the text is an outcome
 * (JSONRPC_INVALID), with the reason for the client in err. jsonrpc_message_deinit() frees the tree.
 */
int jsonrpc_read(struct jsonrpc_message *message, const char *text, size_t length, struct err *err);
void jsonrpc_message_deinit(struct jsonrpc_message *message);

/* True if the first thing in the text is an array. */
bool jsonrpc_is_batch(const char *text, size_t length);

/*
 * What two spellings of one id have in common, for finding requests: "a" and "\u0061", 1 and 1.0. `key` has
 * room for JSONRPC_KEY_BYTES. Returns its length. The id is valid JSON of at most LIMIT_ID_BYTES.
 */
#define JSONRPC_KEY_BYTES (LIMIT_ID_BYTES + 2)
size_t jsonrpc_id_key(struct jsonrpc_id id, char *key);

/* {"jsonrpc":"2.0","id":ID,"result":   (the result and the closing brace are the caller's) */
int jsonrpc_write_result(struct buffer *out, struct jsonrpc_id id);
/* A whole error answer, without newline; an id of no length is left out. `data`, if not NULL, is JSON. */
int jsonrpc_write_error(struct buffer *out, struct jsonrpc_id id, int code, const char *message,
			const char *data);
/* {"jsonrpc":"2.0","method":METHOD,"params":{   (members and both closing braces are the caller's) */
int jsonrpc_write_notification(struct buffer *out, const char *method);

/* Room that suffices for jsonrpc_write_error with a message of at most 256 bytes and no data. */
#define JSONRPC_ERROR_BYTES (LIMIT_ID_BYTES + 6 * 256 + 128)

#endif
