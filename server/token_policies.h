/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_TOKEN_POLICIES_H
#define SALLYPORT_SERVER_TOKEN_POLICIES_H

/* Policies that tokens have of their own (access.h): each is read once, at the start, and has a realm for all
 * of its tokens. The workspaces are those of the command line for everybody. */

#include <stddef.h>

#include "protocol/error.h"
#include "server/access.h"
#include "server/options.h"
#include "server/server.h"

struct token_policy {
	char *path;
	struct settings settings;
	struct realm *realm;
};

struct token_policies {
	struct token_policy *all;
	size_t count;
};

/* Reads those that `access` names (`main`: the settings of all the others) and prepares their realms, before
 * server_start(). 0, or -errno with a sentence. */
int token_policies_prepare(struct token_policies *policies, const struct access *access,
			   const struct options *options, const struct settings *main, struct err *err);
/* After server_start(): their realms are the server's from here on, until it is freed. 0 or -errno. */
int token_policies_begin(struct token_policies *policies, struct server *server, struct err *err);
/* The realm of a token's policy; the server's own for NULL; NULL: that policy was not there at the start. */
struct realm *token_policies_find(const struct token_policies *policies, struct server *server,
				  const char *path);
/* After server_deinit(). */
void token_policies_deinit(struct token_policies *policies);

#endif
