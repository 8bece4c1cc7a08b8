/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_CLIENT_H
#define SALLYPORT_SERVER_CLIENT_H

/*
 * A caller as the protocol sees it: what struct mcp_host asks goes to the tools and resources of this caller.
 * One over stdio; over HTTP one for each token.
 */

#include "protocol/error.h"
#include "server/caller.h"
#include "server/calls.h"
#include "server/settings.h"

struct client {
	struct calls *calls;
	const struct settings *settings;
	struct caller caller;  /* its `mcp` is where conversations begin */
	enum confinement told; /* as what the instructions name the profile */
	char instructions[1024];
};

/* `client` must not move afterwards; `calls` and `settings` outlive it. `in_flight` and `subscriptions`: as
 * mcp_host's. */
int client_init(struct client *client, struct calls *calls, const struct settings *settings,
		unsigned in_flight, unsigned subscriptions, struct err *err);
/* Its sandboxes end. Its conversations were freed before, its calls abandoned. */
void client_deinit(struct client *client);

#endif
