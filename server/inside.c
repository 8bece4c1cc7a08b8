/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections to servers in sandboxes (inside.h). Only where a command runs can anything listen, so nothing
 * is built or waited for: each sandbox in which one of the caller's commands runs is asked, the newest first.
 */
#include "server/inside.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"
#include "server/command_parts.h"
#include "tools/web/wire.h"

struct inside {
	struct sandboxes *sandboxes;
	struct channel *web;
	unsigned epoch; /* of the executor that asked */
	uint32_t asked; /* its own number */
	uint32_t caller, port, place;
	uint32_t ms;
	uint32_t before;         /* sandboxes whose newest command has a lower number were not asked yet */
	int error;               /* what the last one said */
	struct sandbox *sandbox; /* that was asked; NULL: none yet */
	int outside;             /* the executor's end, until it is handed over */
	bool connected;
	struct loop_source leash;
	struct loop_timer timer;
	struct inside *next, **link;
};

/* ---- the end ---- */

/* Takes its hands off the sandbox: the nanny ends. */
static void leave(struct inside *inside)
{
	loop_close_sole(inside->sandboxes->loop, &inside->leash);
	close_fd(&inside->outside);
	if (!inside->sandbox)
		return;
	inside->sandbox->inside_count--;
	inside->sandboxes->inside_count--;
	inside->sandbox = NULL;
}

static void inside_free(struct inside *inside)
{
	leave(inside);
	loop_timer_clear(inside->sandboxes->loop, &inside->timer);
	if (!inside->connected)
		inside->sandboxes->insides.waiting--;
	*inside->link = inside->next;
	if (inside->next)
		inside->next->link = inside->link;
	free(inside);
}

/* ---- what the executor hears ---- */

/* 0 or -errno: then it is ended. */
static int reply(struct inside *inside, uint16_t type, uint32_t value, struct buffer *payload, int fd)
{
	int result;

	if (inside->epoch != inside->web->epoch) { /* who asked is gone */
		close_fd(&fd);
		buffer_deinit(payload);
		return 0;
	}
	inside->sandboxes->loop->again = true; /* a turn may be past its channel_push() */
	result = channel_send_value(inside->web, type, inside->asked, value, payload, fd);
	buffer_deinit(payload);
	return result;
}

static void describe(const struct inside *inside, char *text, size_t size)
{
	const unsigned port = inside->port;

	switch (inside->error) {
	case 0:
		snprintf(
			text, size,
			"nothing listens on port %u in your sandbox, where no command runs; start the server "
			"with run_command (wait_ms: 0) first",
			port);
		break;
	case ECONNREFUSED:
		snprintf(text, size,
			 "nothing listens on port %u in your sandbox; start the server with run_command "
			 "(wait_ms: 0) first, or wait until it says that it listens",
			 port);
		break;
	case EOPNOTSUPP:
		snprintf(text, size,
			 "under the profile %s a sandbox has no loopback of its own and commands cannot "
			 "listen, so there is nothing at port %u; the machine's own loopback is not reached",
			 confinement_name(inside->sandboxes->supervisor->found.profile), port);
		break;
	case ETIMEDOUT:
		snprintf(text, size,
			 "port %u in your sandbox did not take the connection within %u ms: the server there "
			 "has stopped or has too much to do, or %u other connections to it have not ended",
			 port, inside->ms, LIMIT_INSIDE_CONNECTIONS);
		break;
	case ECONNRESET:
		snprintf(
			text, size,
			"the sandbox ended while port %u in it was being connected to; start the server with "
			"run_command (wait_ms: 0) again",
			port);
		break;
	default:
		snprintf(text, size, "port %u in your sandbox cannot be reached at the moment: %s", port,
			 strerror(inside->error));
	}
}

/* Tells why not, and frees it. 0 or -errno. */
static int refuse(struct inside *inside, int error)
{
	struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	char text[400];
	int result;

	inside->error = error;
	describe(inside, text, sizeof text);
	result = frame_put_text(&payload, text);
	if (result == 0)
		result = reply(inside, WEB_UNCONNECTED, (uint32_t)(error ? error : ECONNREFUSED), &payload,
			       -1);
	inside_free(inside);
	return result;
}

/* ---- asking a sandbox ---- */

/* The newest of its commands that was begun for `caller` and still runs; 0: none. */
static uint32_t newest_command(const struct sandbox *sandbox, uint32_t caller)
{
	uint32_t newest = 0;

	for (const struct command *at = sandbox->running; at; at = at->next)
		if (at->caller && at->caller->number == caller && !at->look && at->state == COMMAND_RUNNING &&
		    at->number > newest)
			newest = at->number;
	return newest;
}

/* Of those with a command below inside->before, the one with the newest. */
static struct sandbox *next_sandbox(const struct inside *inside, uint32_t *newest)
{
	struct sandbox *found = NULL;

	*newest = 0;
	for (struct sandbox *at = inside->sandboxes->all; at; at = at->next) {
		uint32_t number = at->door.fd < 0 ? 0 : newest_command(at, inside->caller);

		if (number > *newest && number < inside->before) {
			*newest = number;
			found = at;
		}
	}
	return found;
}

static int send_request(const struct inside *inside, const struct sandbox *sandbox, int leash, int end)
{
	struct frame_header header = {.type = KEEPER_CONNECT};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	const int descriptors[] = {leash, end};
	int result = frame_put_u32(&payload, inside->port);

	while ((header.call = ++inside->sandboxes->commands) == 0)
		;
	if (result == 0)
		result = frame_put_u32(&payload, inside->place);
	return result < 0
		       ? result
		       : frame_send(sandbox->door.fd, &header, buffer_data(&payload), buffer_length(&payload),
				    descriptors, ARRAY_SIZE(descriptors), MSG_DONTWAIT);
}

/* 0, -EAGAIN: it has no room at the moment, or another -errno. */
static int ask(struct inside *inside, struct sandbox *sandbox)
{
	_cleanup_fd_ int our_leash = -1, leash = -1, outside = -1, end = -1;
	int pair[2], result;

	if (sandbox->inside_count >= LIMIT_INSIDE_CONNECTIONS)
		return -EAGAIN;
	if (!sandboxes_may_connect(inside->sandboxes))
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	our_leash = pair[0];
	leash = pair[1];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	outside = pair[0];
	end = pair[1];
	frame_refuse_descriptors(our_leash);
	frame_refuse_descriptors(outside);
	result = loop_watch(inside->sandboxes->loop, &inside->leash, our_leash, EPOLLIN);
	if (result < 0)
		return result;
	steal_fd(&our_leash);
	result = send_request(inside, sandbox, leash, end);
	if (result < 0) {
		loop_close_sole(inside->sandboxes->loop, &inside->leash);
		if (result == -EAGAIN) /* the door tells when it has room */
			loop_change(inside->sandboxes->loop, &sandbox->door, EPOLLIN | EPOLLOUT);
		return result;
	}
	inside->outside = steal_fd(&outside);
	inside->sandbox = sandbox;
	sandbox->inside_count++;
	inside->sandboxes->inside_count++;
	sandbox->taken++;
	return 0;
}

/* Asks the next sandbox, or waits for room there. May free it. 0, or -errno of telling that there is none. */
static int try_next(struct inside *inside)
{
	struct sandbox *sandbox;
	uint32_t newest;

	while ((sandbox = next_sandbox(inside, &newest))) {
		int result = ask(inside, sandbox);

		if (result == -EAGAIN)
			return 0;
		inside->before = newest;
		if (result == 0)
			return 0;
		inside->error = -result;
	}
	return refuse(inside, inside->error);
}

/* The executor does not take its answers. */
static void check(struct channel *web, int result)
{
	if (result < 0)
		channel_condemn(web);
}

void inside_serve(struct insides *insides)
{
	struct inside *next;

	if (insides->serving)
		return;
	insides->serving = true;
	for (struct inside *at = insides->waiting ? insides->all : NULL; at; at = next) {
		struct channel *web = at->web;

		next = at->next;
		if (!at->sandbox)
			check(web, try_next(at));
	}
	insides->serving = false;
}

/* ---- what its nanny says ---- */

static bool is_error(uint32_t value)
{
	return value > 0 && value < 4096; /* MAX_ERRNO of the kernel */
}

static void connected(struct inside *inside)
{
	struct buffer nothing = {.max = LIMIT_MESSAGE_FRAME_BYTES};

	inside->connected = true;
	inside->sandboxes->insides.waiting--;
	loop_timer_clear(inside->sandboxes->loop, &inside->timer);
	check(inside->web, reply(inside, WEB_CONNECTED, 0, &nothing, steal_fd(&inside->outside)));
}

static void leash_ready(struct loop_source *source, uint32_t events)
{
	struct inside *inside = (struct inside *)((char *)source - offsetof(struct inside, leash));
	struct sandboxes *sandboxes = inside->sandboxes;
	struct sandbox *sandbox = inside->sandbox;
	struct channel *web = inside->web;
	struct frame_header header;
	int result = frame_receive(source->fd, &header, &sandboxes->frame, NULL, MSG_DONTWAIT);

	if (result == -EAGAIN)
		return;
	if (result == 0 && !inside->connected && header.type == KEEPER_CONNECTED && !header.length) {
		connected(inside);
		return;
	}
	if (inside->connected) {
		inside_free(inside); /* it has ended */
	} else {
		leave(inside);
		inside->error = result == 0 && header.type == KEEPER_FAILED && is_error(header.value)
					? (int)header.value
					: ECONNRESET;
		check(web, try_next(inside));
	}
	if (result == 0 &&
	    header.type != KEEPER_FAILED) /* it lies: the sandbox goes, and all that runs there */
		sandbox_end(sandbox);
	inside_serve(&sandboxes->insides);
}

static void timed_out(struct loop_timer *timer)
{
	struct inside *inside = (struct inside *)((char *)timer - offsetof(struct inside, timer));
	struct insides *insides = &inside->sandboxes->insides;
	struct channel *web = inside->web;

	check(web, refuse(inside, ETIMEDOUT));
	inside_serve(insides);
}

/* ---- what the executor asks ---- */

/* Has the present executor been asked anything for this caller? What was answered early may still load. */
static bool works_for(const struct calls *calls, uint32_t number)
{
	for (const struct sandbox *at = calls->sandboxes->all; at; at = at->next)
		for (const struct command *command = at->running; command; command = command->next)
			if (command->caller && command->caller->number == number)
				return command->caller->web_epoch == calls->web.epoch + 1;
	return false;
}

static bool is_place(uint32_t place)
{
	return place <= 1 || place >> 24 == IN_LOOPBACKNET;
}

int inside_take(struct calls *calls, struct channel *web, const struct frame_header *header,
		const uint8_t *payload)
{
	struct sandboxes *sandboxes = calls->sandboxes;
	struct insides *insides = &sandboxes->insides;
	struct inside *inside;
	struct frame_reader reader;
	uint32_t caller, port, ms;

	frame_read(&reader, payload, header->length);
	caller = frame_get_u32(&reader);
	port = frame_get_u32(&reader);
	ms = frame_get_u32(&reader);
	if (frame_done(&reader) < 0 || port < 1 || port > UINT16_MAX || !is_place(header->value))
		return -EPROTO;
	inside = calloc(1, sizeof *inside);
	if (!inside)
		return 0; /* it waits no longer than it said */
	*inside = (struct inside){.sandboxes = sandboxes,
				  .web = web,
				  .epoch = web->epoch,
				  .asked = header->call,
				  .caller = caller,
				  .port = port,
				  .place = header->value,
				  .ms = ms < LIMIT_WEB_TOTAL_MS ? ms : LIMIT_WEB_TOTAL_MS,
				  .before = UINT32_MAX,
				  .outside = -1,
				  .leash = {.fd = -1, .ready = leash_ready},
				  .timer = {.fire = timed_out},
				  .next = insides->all,
				  .link = &insides->all};
	if (inside->next)
		inside->next->link = &inside->next;
	insides->all = inside;
	insides->waiting++;
	if (sandboxes->supervisor->found.profile > CONFINEMENT_FULL)
		return refuse(inside, EOPNOTSUPP) < 0 ? -EPROTO : 0;
	if (insides->waiting > LIMIT_INSIDE_WAITING)
		return refuse(inside, EBUSY) < 0 ? -EPROTO : 0;
	if (!works_for(calls, caller))
		return refuse(inside, 0) < 0 ? -EPROTO : 0;
	if (loop_timer_set(sandboxes->loop, &inside->timer, sandboxes->loop->now + LOOP_MS(inside->ms)) < 0)
		return refuse(inside, ENOMEM) < 0 ? -EPROTO : 0;
	return try_next(inside) < 0 ? -EPROTO : 0;
}

/* ---- ends elsewhere ---- */

void inside_sandbox_ended(struct insides *insides, struct sandbox *sandbox)
{
	struct inside *next;

	for (struct inside *at = insides->all; at; at = next) {
		struct channel *web = at->web;

		next = at->next;
		if (at->sandbox != sandbox)
			continue;
		if (at->connected) {
			inside_free(at);
			continue;
		}
		leave(at);
		at->error = ECONNRESET;
		check(web, try_next(at));
	}
}

void inside_lost(struct calls *calls)
{
	struct inside *next;

	for (struct inside *at = calls->sandboxes->insides.all; at; at = next) {
		next = at->next;
		if (at->epoch != calls->web.epoch)
			inside_free(at);
	}
}

void inside_end(struct insides *insides)
{
	while (insides->all)
		inside_free(insides->all);
}
