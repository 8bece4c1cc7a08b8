/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server without its transport (server.h): sets the parts up in order, and ends them in order. It trusts
 * the settings (they were checked before) and nothing that comes in later.
 */
#include "server/server.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "server/log.h"
#include "server/options.h"
#include "server/seal.h"

/* ---- the end ---- */

void server_end(struct server *server, const char *why)
{
	if (server->ending)
		return;
	server->ending = true;
	if (why)
		log_line("%s", why);
	server->transport->stop(server->transport);
	if (loop_timer_set(&server->loop, &server->end, loop_clock() + LOOP_MS(server->transport->grace_ms)) <
	    0)
		server->loop.stop = true;
}

static void signalled(struct loop_source *source, uint32_t events)
{
	struct server *server = (struct server *)((char *)source - offsetof(struct server, signals));

	loop_change(&server->loop, source, 0); /* it stays pending, and has been heard */
	server_end(server, NULL);
}

static void grace_passed(struct loop_timer *timer)
{
	struct server *server = (struct server *)((char *)timer - offsetof(struct server, end));

	server->loop.stop = true;
}

static void spawner_gone(struct loop_source *source, uint32_t events)
{
	struct server *server = (struct server *)((char *)source - offsetof(struct server, signals));

	server->loop.stop = true;
}

static void nothing_turned(struct loop *loop)
{
}

/* Waits until the spawner has ended all it started and itself; the kernel does it if it takes too long. */
static void await_spawner(struct server *server, int spawner)
{
	if (spawner < 0)
		return;
	loop_close(&server->loop, &server->signals);
	server->signals.ready = spawner_gone;
	server->loop.turned = nothing_turned;
	server->loop.stop = false;
	if (loop_watch(&server->loop, &server->signals, spawner, EPOLLIN) < 0)
		return;
	loop_timer_set(&server->loop, &server->end, loop_clock() + LOOP_MS(LIMIT_END_MS));
	loop_run(&server->loop, NULL);
}

/* ---- turns ---- */

/* A while without calls: freed memory, kept so that none of it is faulted in call after call, goes back. */
static void idled(struct loop_timer *timer)
{
	struct server *server = (struct server *)((char *)timer - offsetof(struct server, idle));
	uint64_t now = server->loop.now, due = server->busy + LOOP_MS(LIMIT_IDLE_MS);

	if (!server->transport->busy(server->transport) && now >= due)
		malloc_trim(0);
	else
		loop_timer_set(&server->loop, timer, now >= due ? now + LOOP_MS(LIMIT_IDLE_MS) : due);
}

/* After each turn: requests out first, so that executors work while we write. */
static void turned(struct loop *loop)
{
	struct server *server = (struct server *)loop;
	unsigned generation = 0;

	for (struct realm *realm = &server->realm; realm; realm = realm->next)
		realm_serve(realm);
	server->transport->flush(server->transport);
	for (struct realm *realm = &server->realm; realm; realm = realm->next) {
		realm_rest(realm);
		generation += realm->calls.generation;
	}
	if (generation != server->seen) {
		server->seen = generation;
		server->busy = loop->now;
		if (!server->idle.place)
			loop_timer_set(loop, &server->idle, loop->now + LOOP_MS(LIMIT_IDLE_MS));
	}
	if (server->ending && !server->transport->busy(server->transport))
		loop->stop = true;
}

/* ---- the beginning ---- */

static int watch_signals(struct server *server, struct err *err)
{
	sigset_t signals;
	int fd, result;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a log that may not grow (ulimit -f) is to hear of it, not we */
	signal(SIGCHLD, SIG_IGN); /* spares and spawners: nothing is learnt from how they end */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_set(err, -errno, "signalfd: %s", err_name(errno));
	server->signals = (struct loop_source){.fd = -1, .ready = signalled};
	result = loop_watch(&server->loop, &server->signals, fd, EPOLLIN);
	if (result < 0)
		close(fd);
	return result < 0 ? err_set(err, result, "signals cannot be watched: %s", err_name(result)) : 0;
}

/* Unsealed this process still answers, so that it can say why, but no tool is ever started. */
static void seal(struct server *server)
{
	struct err err = {""};
	int result = seal_frontend(server->transport->filter, &err);

	if (result == 0)
		return;
	for (struct realm *realm = &server->realm; realm; realm = realm->next)
		realm->supervisor.unsealed = -result;
	log_line("%s; every call is refused", err.text);
}

void *server_memory(size_t size)
{
	/* pages of its own, most of which (slots for thousands of calls) stay untouched; calloc would clear
	 * them all */
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mallopt(M_MMAP_THRESHOLD, LIMIT_HEAP_KEEP_BYTES);
	mallopt(M_TRIM_THRESHOLD, LIMIT_HEAP_KEEP_BYTES);
	return memory == MAP_FAILED ? NULL : memory;
}

int server_start(struct server *server, struct settings *settings, struct err *err)
{
	/* forked first, while this process is still small */
	int result = realm_prepare(&server->realm, settings, err);

	if (result < 0)
		return result;
	server->end.fire = grace_passed;
	server->idle.fire = idled;
	result = loop_init(&server->loop, turned, err);
	if (result == 0)
		result = watch_signals(server, err);
	return result < 0 ? result : realm_begin(&server->realm, &server->loop, err);
}

int server_add(struct server *server, struct realm *realm, struct err *err)
{
	int result = realm_begin(realm, &server->loop, err);

	if (result < 0)
		return result;
	realm->next = server->realm.next;
	server->realm.next = realm;
	return 0;
}

int server_run(struct server *server, struct transport *transport, struct err *err)
{
	server->transport = transport;
	seal(server);
	return loop_run(&server->loop, err);
}

void server_finish(struct server *server)
{
	for (struct realm *realm = &server->realm; realm; realm = realm->next)
		calls_abandon(&realm->calls);
	server->transport->flush(server->transport);
	for (struct realm *realm = &server->realm; realm; realm = realm->next)
		await_spawner(server, supervisor_end(&realm->supervisor));
}

int server_exit_code(const struct server *server)
{
	for (const struct realm *realm = &server->realm; realm; realm = realm->next)
		if (realm->calls.confinement_missing)
			return EXIT_UNCONFINED;
	return EXIT_OK;
}

void server_deinit(struct server *server)
{
	for (struct realm *realm = &server->realm, *next; realm; realm = next) {
		next = realm->next;
		realm_deinit(realm);
	}
	loop_deinit(&server->loop);
}
