/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_EGRESS_BROKER_H
#define SALLYPORT_SANDBOX_EGRESS_BROKER_H

/*
 * The broker's inside. broker.c is its event loop and who its customers are; dial.c how one connection comes
 * about. There are two kinds of customers: clients (client.c: web executors, which ask by frames and get
 * sockets) and sandboxes (network.c: commands, which know nothing of us; relay.c copies for their
 * connections, inquiry.c answers their DNS questions). A sandbox without a network of its own has a keeper
 * that asks for its commands (reach.c).
 *
 * Whatever ends is only marked and freed by the sweep at the end of a turn, so that no event of the same turn
 * can meet something freed.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "protocol/buffer.h"
#include "protocol/error.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/addresses.h"
#include "sandbox/egress/host.h"
#include "sandbox/egress/resolver.h"
#include "sandbox/egress/rules.h"
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
	int denials; /* to the frontend: what commands were refused; -1: nobody listens */
	bool ended;
	struct client *clients;
	size_t client_count;
	struct network *networks;
	size_t relay_count, relay_max; /* of all networks; as many as descriptors suffice for */
	struct dial *dials;
	size_t aging;          /* relays, streams, muted entrances: what is looked at from time to time */
	uint64_t next_look;    /* when that is due */
	struct buffer payload; /* of the frame being read */
};

/* How many connections of commands there is room for: two descriptors each, half are left for what listens,
 * for clients and names. Before the process is sealed. */
size_t broker_relays(void);
/* `plan`, `control` and `denials` are borrowed, `resolver` is taken. 0 or -errno; broker_deinit() in either
 * case. */
int broker_init(struct broker *broker, const struct plan *plan, struct resolver *resolver, int control,
		int denials, size_t relays, struct err *err);
void broker_deinit(struct broker *broker);
/* Serves until the control socket ends: 0, or -errno if the loop itself failed. */
int broker_run(struct broker *broker, struct err *err);
/* Adds, changes or (events 0) mutes what epoll says about a descriptor. 0 or -errno. */
int broker_watch(struct broker *broker, int operation, int fd, uint32_t events, struct source *source);

/* ---- dial.c: from a host to a connected socket ---- */

/* One address, being tried. */
struct attempt {
	struct source source;
	struct dial *dial;
	int fd; /* -1: not begun, or over */
};

struct dial_result {
	enum { DIAL_CONNECTED, DIAL_REFUSED, DIAL_FAILED } kind;
	int fd;                           /* connected: whoever takes it sets -1; epoll knows nothing of it */
	const struct address *address;    /* connected: to whom */
	const struct rules_answer *rules; /* refused */
	int error;                        /* failed: errno, and a sentence */
	const char *text;
};

struct dial {
	struct broker *broker;
	struct dial *next;
	/* Called exactly once, unless abandoned; the dial is gone for its owner then. */
	void (*done)(void *context, struct dial_result *result);
	void *context;
	char host[HOST_TEXT_BYTES];
	uint16_t port;
	uint64_t asked, deadline, next_attempt; /* monotonic milliseconds */
	bool looking;                           /* the resolver holds it */
	bool over;                              /* answered or abandoned */
	struct address addresses[LIMIT_BROKER_ADDRESSES];
	struct attempt attempts[LIMIT_BROKER_ADDRESSES];
	size_t address_count, begun, running;
	int error; /* of the attempt that failed first: the best address says the most */
};

/* Makes one, which does nothing yet; NULL without memory. `ms`: how long it may take at most. */
struct dial *dial_new(struct broker *broker, const char *host, uint16_t port, uint32_t ms,
		      void (*done)(void *context, struct dial_result *result), void *context);
/* May call `done` before it returns. */
void dial_start(struct dial *dial);
void dial_abandon(struct dial *dial);
/* Deadlines and next attempts. Returns milliseconds until it wants to be asked again. */
int dial_expire(struct dial *dial, uint64_t now);
/* Frees what is over, unless the resolver still holds it. */
void dials_sweep(struct broker *broker);

/* ---- client.c, connection.c: web executors ---- */

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

/* One BROKER_CONNECT, from the question to the answer's leaving. */
struct connection {
	struct client *client;
	struct connection *next;
	uint32_t call;
	struct dial *dial; /* NULL: over */
	bool answered;     /* header, payload and fd wait to be sent */
	struct frame_header header;
	struct buffer payload;
	int fd;
	bool done;
};

/* Takes the socket, also on failure. */
int client_new(struct broker *broker, int socket);
/* Sends what is answered, as far as the client reads; sets what epoll watches it for. */
void client_flush(struct client *client);
/* Frees what is done, and clients that are dead. */
void clients_sweep(struct broker *broker);

/* Begins; the connection is in the client's list from here on. 0 or -ENOMEM. */
int connection_new(struct client *client, uint32_t call, const char *host, uint16_t port, uint32_t ms);
/* The client no longer wants it. */
void connection_abandon(struct connection *connection);
/* Its socket cannot be passed on: the answer becomes BROKER_FAILED. 0 or -ENOMEM. */
int connection_retract(struct connection *connection);
void connection_free(struct connection *connection);

/* ---- network.c: sandboxes ---- */

/* A socket that listens inside a sandbox, or its DNS socket, or the channel of its keeper. */
struct entrance {
	struct source source;
	struct network *network;
	int fd;
	bool muted; /* nothing more is taken from it until something has ended */
};

struct network {
	struct broker *broker;
	struct network *next;
	uint32_t number; /* the spawner's, for its sandbox */
	struct entrance entrances[LIMIT_LISTENERS + 1];
	size_t entrance_count;
	struct reach *reach; /* of a sandbox without a network of its own; NULL otherwise */
	struct names *names;
	struct relay *relays;
	size_t relay_count;
	struct stream *streams;
	size_t stream_count, line_count; /* all of them; those that are lines */
	uint64_t day_begun, day_bytes;   /* what plan->network_bytes counts in; ms */
	uint64_t denial_second;          /* what LIMIT_BROKER_DENIALS counts in */
	unsigned denial_count;
	bool stale; /* some relay or stream is done */
	bool dead;
};

/* Adds listening sockets to the network of that number, which begins to exist with the first. Takes all of
 * `descriptors`. 0, or -errno when it cannot serve: then nothing of that network is served. */
int network_add(struct broker *broker, uint32_t number, struct frame_descriptors *descriptors);
void network_end(struct broker *broker, uint32_t number);
/* Tells who listens that something was refused; drops it when nobody reads, or too much of it comes. */
void network_deny(struct network *network, const char *operation, const char *host, unsigned port,
		  const struct rules_answer *rules);
/* Counts bytes of its commands. False: that is more than they may in a day. */
bool network_spend(struct network *network, size_t bytes);
/* Relays and streams that are too old or idle. */
void networks_look(struct broker *broker, uint64_t now);
void networks_sweep(struct broker *broker);

/* ---- destination.c: whom a connection is for ---- */

/* Where a connection that was accepted from there wants to go. False: nobody knows. */
bool destination_address(struct network *network, int accepted, const struct sockaddr_storage *from,
			 struct address *address, uint16_t *port);
bool destination_is_synthetic(const struct address *address);
/* Is it our DNS that is meant? */
bool destination_is_question(const struct network *network, const struct address *address, uint16_t port);
/* The host in its one spelling. False: the address stands for nobody, which was told. */
bool destination_host(struct network *network, const struct address *address, uint16_t port,
		      char host[HOST_TEXT_BYTES]);

/* ---- reach.c: what keepers ask where there is no network of their own ---- */

/* `channel` is borrowed for as long as the network lives. 0 or -errno. */
int reach_new(struct network *network, int channel);
void reach_free(struct reach *reach);
/* What waits on the channel. */
void reach_serve(struct network *network);
/* Whom the connection is for that came in from there; false: it is none of ours. */
bool reach_accepted(struct reach *reach, const struct sockaddr_storage *from, struct address *address,
		    uint16_t *port);

/* ---- relay.c: one connection of a command ---- */

struct relay *relay_next(struct relay *relay);
/* Takes the accepted socket, which wants to go there. 0 or -errno. */
int relay_new(struct network *network, int accepted, const struct address *address, uint16_t port);
void relay_look(struct relay *relay, uint64_t now);
/* Frees those that are done (or all). */
void relays_sweep(struct network *network, bool all);

/* ---- inquiry.c: DNS questions of commands ---- */

/* Answers what waits on a datagram socket. */
void inquiry_datagrams(struct network *network, int fd);
struct stream *stream_next(struct stream *stream);
/* A connection that asks over TCP (RFC 7766). Takes it. 0 or -errno. */
int stream_new(struct network *network, int accepted);
/* What stands for UDP where commands have none: a SOCK_SEQPACKET socket, each message a question. With more
 * than LIMIT_DNS_LINES the one that was silent longest ends. Takes it. 0 or -errno. */
int line_new(struct network *network, int socket);
void stream_look(struct stream *stream, uint64_t now);
void streams_sweep(struct network *network, bool all);

#endif
