/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_INSIDE_H
#define SALLYPORT_SERVER_INSIDE_H

/*
 * Connections of the web executor to servers that listen on the loopback of a caller's sandbox (WEB_INSIDE,
 * tools/web/wire.h). The frontend makes a pair of sockets, hands one end to a nanny (KEEPER_CONNECT,
 * sandbox/keeper/wire.h), which connects inside and relays, and the other to the executor: of what passes it
 * sees nothing. Neither side is believed: the executor reaches the sandboxes of callers that it works for, by
 * number of connections no more than LIMIT_INSIDE_CONNECTIONS each, and a nanny says of its own connection
 * whether it stands.
 */

#include "protocol/frame.h"
#include "server/channel.h"

struct calls;
struct inside;
struct sandbox;

/* All of one realm, in struct sandboxes. */
struct insides {
	struct inside *all;
	unsigned waiting; /* of them, those that are not connected yet */
	bool serving;
};

/* A WEB_INSIDE. 0, or -EPROTO: the executor lies or does not listen. */
int inside_take(struct calls *calls, struct channel *web, const struct frame_header *header,
		const uint8_t *payload);
/* There may be room for what waits: a door that was full is not, a connection has ended. */
void inside_serve(struct insides *insides);
/* The sandbox is gone, and with it what was connected there. */
void inside_sandbox_ended(struct insides *insides, struct sandbox *sandbox);
/* Web executors before the present one are gone: nobody wants what they asked for. */
void inside_lost(struct calls *calls);
void inside_end(struct insides *insides);

#endif
