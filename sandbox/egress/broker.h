/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_BROKER_H
#define SALLYPORT_SANDBOX_EGRESS_BROKER_H

/*
 * The broker's inside. broker.c is its event loop, client.c what clients say, connection.c how one connection
 * comes about. Whatever ends is only marked (`dead`, `done`) and freed by the sweep at the end of a turn, so
 * that no event of the same turn can meet something freed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/addresses.h"
#include "sandbox/egress/host.h"
#include "sandbox/egress/resolver.h"
#include "sandbox/plan.h"

/* What epoll's data.ptr points to. */
struct source {
	void (*ready)(struct source *source, uint32_t events);
};

struct broker {
	const struct plan *plan;
	struct resolver *resolver;
	int epoll;
	struct source control_source;
	int control; /* the spawner's */
	bool ended;
	struct client *clients;
	size_t client_count;
	struct buffer payload; /* of the frame being read */
};

struct client {
	struct source source;
	struct broker *broker;
	struct client *next;
	int socket;
	uint32_t interest; /* what epoll watches it for */
	struct connection *connections;
	size_t connection_count;
	bool dead;
};

/* One address of one connection, being tried. */
struct attempt {
	struct source source;
	struct connection *connection;
	int fd; /* -1: not begun, or over */
};

/* One BROKER_CONNECT, from the question to the answer's leaving. */
struct connection {
	struct broker *broker;
	struct client *client;
	struct connection *next;
	uint32_t call;
	char host[HOST_TEXT_BYTES];
	uint16_t port;
	uint64_t asked, deadline, next_attempt; /* monotonic milliseconds */
	bool looking;                           /* the resolver holds it */
	bool unwanted;                          /* abandoned, or its client is dead: no answer */
	struct address addresses[LIMIT_BROKER_ADDRESSES];
	struct attempt attempts[LIMIT_BROKER_ADDRESSES];
	size_t address_count, begun, running;
	int error;     /* of the attempt that failed first: the best address says the most */
	bool answered; /* header, payload and fd wait to be sent */
	struct frame_header header;
	struct buffer payload;
	int fd;
	bool done;
};

/* `plan` and `control` are borrowed, `resolver` is taken. 0 or -errno; broker_deinit() in either case. */
int broker_init(struct broker *broker, const struct plan *plan, struct resolver *resolver, int control,
		struct err *err);
void broker_deinit(struct broker *broker);
/* Serves until the control socket ends: 0, or -errno if the loop itself failed. */
int broker_run(struct broker *broker, struct err *err);
uint64_t broker_now(void);

/* Takes the socket, also on failure. */
int client_new(struct broker *broker, int socket);
void client_free(struct client *client);
/* Sends what is answered, as far as the client reads; sets what epoll watches it for. */
void client_flush(struct client *client);

/* Begins; the connection is in the client's list from here on. 0 or -ENOMEM. */
int connection_new(struct client *client, uint32_t call, const char *host, uint16_t port, uint32_t ms);
/* The client no longer wants it. */
void connection_abandon(struct connection *connection);
/* Its socket cannot be passed on: the answer becomes BROKER_FAILED. 0 or -ENOMEM. */
int connection_retract(struct connection *connection);
/* Deadlines and next attempts. Returns milliseconds until it wants to be asked again. */
int connection_expire(struct connection *connection, uint64_t now);
void connection_free(struct connection *connection);

#endif
