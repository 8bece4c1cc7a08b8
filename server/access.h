/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_ACCESS_H
#define SALLYPORT_SERVER_ACCESS_H

/*
 * Who may ask over HTTP: bearer tokens (RFC 6750), each with a name. A file has one a line, "NAME TOKEN", or
 * "NAME TOKEN policy=FILE" for one with a policy of its own; empty lines and those that begin with # are
 * skipped. Tokens are kept as hashes only.
 */

#include <stddef.h>
#include <stdint.h>

#include "protocol/error.h"

#define ACCESS_NAME_BYTES 64
#define ACCESS_TOKEN_TEXT 43 /* of one that is made here: 32 bytes as base64url */

struct access_row {
	char name[ACCESS_NAME_BYTES + 1]; /* letters, digits, ".", "_", "-" */
	uint8_t hash[32];                 /* SHA-256 of the token */
	char *policy;                     /* absolute path, or NULL */
};

struct access {
	struct access_row *rows;
	size_t count;
};

/* Reads what secret_open(path) gave, a file that nobody but its owner (and root) may write. Tokens have at
 * least LIMIT_TOKEN_MIN_BYTES. 0, or -errno with a sentence that names the line. */
int access_read(struct access *access, int fd, const char *path, struct err *err);
/* One made up, for `name`; its text goes to `token` of ACCESS_TOKEN_TEXT + 1. */
int access_make(struct access *access, const char *name, char *token, struct err *err);
/* Which row's token does this Authorization header bear? -1: none. The time it takes says nothing of how far
 * a token was right. */
int access_find(const struct access *access, const char *authorization);
void access_deinit(struct access *access);

#endif
