/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TRANSPORT_HTTP_TOKEN_H
#define SALLYPORT_SERVER_TRANSPORT_HTTP_TOKEN_H

/*
 * Ids of legacy sessions: what any replica must know to serve the session, signed (HMAC-SHA256, cut to 16
 * bytes) together with the name of the caller, so that nobody makes one up, alters one, or uses another
 * caller's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "protocol/error.h"

#define TOKEN_TEXT        256 /* most characters */
#define TOKEN_CLIENT_TEXT 64  /* of a client's name: a longer one is cut */
#define TOKEN_KEY_BYTES   32

struct token {
	uint64_t number; /* random, never 0: which session it is */
	uint64_t begun;  /* seconds since 1970, set by token_write() where it is 0 */
	char version[16];
	char client[TOKEN_CLIENT_TEXT + 1]; /* clientInfo.name, or empty */
	uint8_t capabilities;               /* mcp_peer_capabilities() */
};

struct token_keys {
	uint8_t key[TOKEN_KEY_BYTES];      /* signs and checks */
	uint8_t previous[TOKEN_KEY_BYTES]; /* only checks */
};

/* Random ones: what they sign, nobody else knows. 0 or -errno. */
int token_keys_new(struct token_keys *keys);
/*
 * Of a file that all replicas share, opened by secret_open(path): a line of 64 hexadecimal digits, the key;
 * and where that was changed, the one before in a second line. Empty lines and those that begin with # are
 * skipped. The file is to be readable by its owner, or its group, alone. 0, or -errno with a sentence.
 */
int token_keys_read(struct token_keys *keys, int fd, const char *path, struct err *err);
/* A number for a new session. 0 or -errno. */
int token_number(uint64_t *number);
/* As text with its NUL, in `text` of TOKEN_TEXT + 1. 0. */
int token_write(const struct token_keys *keys, const char *caller, struct token *token, char *text);
/* -EINVAL: nobody with our keys has written that for this caller, or it is too old. */
int token_read(const struct token_keys *keys, const char *caller, const char *text, struct token *token);

#endif
