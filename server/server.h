/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_SERVER_H
#define SALLYPORT_SERVER_SERVER_H

/*
 * What the frontend is without its transport: the loop, the spawner at the other end of the supervisor, calls
 * in flight, signals, the seal, and the end in order. A program embeds one and gives it a transport.
 */

#include <stdbool.h>

#include "protocol/error.h"
#include "sandbox/filter/filter.h"
#include "server/loop.h"
#include "server/realm.h"

/* How messages come and go; the program's transport begins with this. */
struct transport {
	enum filter_name filter; /* what the sealed process may still do */
	unsigned grace_ms; /* how long what is under way may take to be answered, once the end has begun */
	/* After each turn, when executors have been told what to do: writes what is to go out. */
	void (*flush)(struct transport *transport);
	/* Is a call in flight, or an answer not yet out? */
	bool (*busy)(const struct transport *transport);
	/* The end has begun: nothing more is taken in, and whoever listens is told. */
	void (*stop)(struct transport *transport);
};

struct server {
	struct loop loop; /* first: the turn hook comes with it */
	struct transport *transport;
	struct realm realm; /* its `next` are those of others' policies */
	struct loop_source signals;
	struct loop_timer end, idle;
	uint64_t busy; /* when a call last began */
	unsigned seen; /* calls begun so far, as of the last turn */
	bool ending;
};

/* Memory for a program's server: `size` bytes, all zero, untouched pages costing nothing. NULL: there is
 * none. */
void *server_memory(size_t size);
/* One more realm, which was prepared before server_start() and is the caller's; after that, before
 * server_run(). 0 or -errno. */
int server_add(struct server *server, struct realm *realm, struct err *err);
/* Starts everything that needs no transport. Must be called with one thread, before anything was read from a
 * client. `server` is zero and does not move. 0 or -errno. */
int server_start(struct server *server, struct settings *settings, struct err *err);
/* Seals the process and serves until the end. 0 or -errno. */
int server_run(struct server *server, struct transport *transport, struct err *err);
/* Begins the end: what is all but done may still answer, for as long as the transport says. `why`, or NULL,
 * is logged.
 */
void server_end(struct server *server, const char *why);
/* After server_run(): every call is ended, and everything the server had started. Its clients may be freed
 * then.
 */
void server_finish(struct server *server);
/* The exit code (options.h): EXIT_OK, or EXIT_UNCONFINED when a call was refused because a layer is not to be
 * had.
 */
int server_exit_code(const struct server *server);
void server_deinit(struct server *server);

#endif
