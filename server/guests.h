/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_GUESTS_H
#define SALLYPORT_SERVER_GUESTS_H

/* Callers over HTTP: one for each token, in the order of the tokens, with the policy that the token has. */

#include "protocol/error.h"
#include "server/access.h"
#include "server/client.h"
#include "server/token_policies.h"
#include "server/transport/http.h"

/* One who has a token. */
struct guest {
	char name[ACCESS_NAME_BYTES + 1];
	struct http_caller caller;
	struct client client;
};

struct guests {
	struct server *server;
	const struct token_policies *policies;
	struct guest **all;
	size_t count;
};

/* Those of the tokens at the start. 0, or -errno with a sentence. */
int guests_begin(struct guests *guests, struct server *server, const struct token_policies *policies,
		 const struct access *access, struct err *err);
/*
 * The tokens are those of `fresh` from now on, which is taken over: `access`, those so far, is given back.
 * Whose token, name and policy are still the same stays, with all that is his; others go, and new ones come.
 * 0; -errno with a sentence: then nothing has changed.
 */
int guests_change(struct guests *guests, struct http *http, struct access *access, struct access *fresh,
		  struct err *err);
void guests_end(struct guests *guests);

#endif
