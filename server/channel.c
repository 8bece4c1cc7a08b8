/* SPDX-License-Identifier: Apache-2.0 */
/* Channels to executors (channel.h says what is trusted: nothing that comes back). */
#include "server/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* Its channel is rings, with a socket for descriptors; else a socket. */
static bool has_rings(const struct supervised *supervised)
{
	return supervised->kind == SPAWNER_FILES || supervised->kind == SPAWNER_SEARCH;
}

struct channel_request {
	struct channel_request *next;
	uint16_t type;
	uint32_t call, value;
	bool begun; /* a first piece was sent */
	int fd;     /* goes with it; -1: none */
	struct buffer payload;
};

static void free_request(struct channel_request *request)
{
	close_fd(&request->fd);
	buffer_deinit(&request->payload);
	free(request);
}

static void drop_requests(struct channel *channel)
{
	while (channel->first) {
		struct channel_request *request = channel->first;

		channel->first = request->next;
		free_request(request);
	}
	channel->last = &channel->first;
	channel->queued = 0;
}

/* Lets go of everything that belongs to the present executor, for whom it is over. */
static void disconnect(struct channel *channel)
{
	channel->ready = false;
	channel->epoch++;
	loop_timer_clear(channel->loop, &channel->idle);
	loop_close(channel->loop, &channel->awake);
	loop_close(channel->loop, &channel->socket);
	close_fd(&channel->wake);
	ring_unmap(&channel->rings);
	drop_requests(channel);
}

/* ---- what the supervisor tells ---- */

static void executor_failed(struct supervised *supervised, const struct supervisor_failure *failure)
{
	struct channel *channel = (struct channel *)supervised;

	disconnect(channel);
	channel->lost(channel->context, channel, failure, true);
}

static void executor_died(struct supervised *supervised, bool gone)
{
	struct channel *channel = (struct channel *)supervised;

	if (!channel->over) /* by itself */
		disconnect(channel);
	channel->over = false;
	channel->lost(channel->context, channel, NULL, gone);
	if (channel->first &&
	    channel->supervised.state == SUPERVISED_NONE) /* came while the last one ended */
		supervisor_start(channel->supervisor, supervised);
}

static void end_executor(struct channel *channel)
{
	if (channel->supervised.state != SUPERVISED_RUNNING)
		return;
	disconnect(channel);
	channel->over = true;
	supervisor_kill(&channel->supervised);
}

/* Timers are not moved with every call: this one looks, when it fires, what has become of the time. */
static void idled(struct loop_timer *timer)
{
	struct channel *channel = (struct channel *)((char *)timer - offsetof(struct channel, idle));
	uint64_t now = channel->loop->now, due = channel->used + LOOP_MS(channel->idle_ms);

	if (channel->calls == 0 && !channel->first && now >= due)
		end_executor(channel);
	else
		loop_timer_set(channel->loop, timer, now >= due ? now + LOOP_MS(channel->idle_ms) : due);
}

static int connect_rings(struct channel *channel, struct frame_descriptors *descriptors)
{
	_cleanup_fd_ int memfd = frame_descriptors_take(descriptors, 0);
	_cleanup_fd_ int awake = -1;
	int result;

	channel->wake = frame_descriptors_take(descriptors, 1);
	awake = frame_descriptors_take(descriptors, 2);
	if (memfd < 0 || channel->wake < 0 || awake < 0)
		return -EPROTO;
	result = ring_map(&channel->rings, memfd, true, NULL);
	if (result < 0)
		return result;
	/* edge-triggered: a wake is seen once and need not be read away */
	result = loop_watch(channel->loop, &channel->awake, awake, EPOLLIN | EPOLLET);
	if (result == 0)
		steal_fd(&awake);
	return result;
}

static void executor_started(struct supervised *supervised, struct frame_descriptors *descriptors)
{
	struct channel *channel = (struct channel *)supervised;
	_cleanup_fd_ int socket = -1;
	int result = 0;

	if (has_rings(supervised)) {
		result = connect_rings(channel, descriptors);
		socket = frame_descriptors_take(descriptors, 3);
	} else {
		socket = frame_descriptors_take(descriptors, 0);
	}
	if (result == 0)
		result = socket < 0 ? -EPROTO : loop_watch(channel->loop, &channel->socket, socket, EPOLLIN);
	if (result < 0) {
		end_executor(channel);
		return;
	}
	steal_fd(&socket);
	channel->ready = true;
	channel->used = channel->loop->now;
	/* without memory for the timer it just stays */
	if (channel->idle_ms)
		loop_timer_set(channel->loop, &channel->idle, channel->used + LOOP_MS(channel->idle_ms));
}

static void wake(struct channel *channel)
{
	/* full: it has more wakes than it reads; broken: it is dead, which its socket says. Never waits */
	if (write(channel->wake, "", 1) < 0)
		return;
}

/* ---- replies ---- */

void channel_condemn(struct channel *channel)
{
	end_executor(channel);
}

static void drain_ring(struct channel *channel)
{
	for (unsigned count = 0; channel->ready; count++) {
		struct frame_header header;
		const uint8_t *payload;
		int result;

		if (count == LIMIT_TURN_FRAMES) {
			channel->loop->again = true;
			break;
		}
		result = ring_peek(&channel->rings.in, &header, &payload);
		if (result == 0)
			break;
		if (result > 0)
			result = channel->reply(channel->context, channel, &header, payload);
		if (result < 0) {
			channel_condemn(channel);
			return;
		}
		if (channel->ready)
			ring_release(&channel->rings.in, &header);
	}
	if (channel->ready && ring_should_feed(&channel->rings.in))
		wake(channel);
}

static void socket_ready(struct loop_source *source, uint32_t events)
{
	struct channel *channel = (struct channel *)((char *)source - offsetof(struct channel, socket));

	for (unsigned count = 0; source->fd >= 0 && count < LIMIT_TURN_FRAMES; count++) {
		struct frame_header header;
		int result = frame_receive(source->fd, &header, &channel->payload, NULL, MSG_DONTWAIT);

		if (result == -EAGAIN)
			return;
		if (result == 0 && has_rings(&channel->supervised))
			result = -EPROTO; /* nothing is said here */
		if (result == 0)
			result = channel->reply(channel->context, channel, &header,
						(uint8_t *)buffer_data(&channel->payload));
		if (result < 0) {
			channel_condemn(channel);
			return;
		}
	}
}

/* A wake: the replies are taken after the turn's events. */
static void awake_ready(struct loop_source *source, uint32_t events)
{
}

void channel_drain(struct channel *channel)
{
	if (channel->ready && channel->rings.base) {
		ring_awake(&channel->rings.in);
		drain_ring(channel);
	}
}

void channel_rest(struct channel *channel)
{
	if (channel->ready && channel->rings.base && !ring_prepare_sleep(&channel->rings.in))
		channel->loop->again = true;
}

/* ---- requests ---- */

enum { PIECE_WAITS, PIECE_SENT, PIECE_WAS_LAST };

/* Sends the next piece of `request`, or tells that there is no room, or -errno. */
static int send_piece(struct channel *channel, struct channel_request *request)
{
	size_t left = buffer_length(&request->payload), length;
	struct frame_header header = {.type = request->type, .call = request->call, .value = request->value};
	bool lied;

	if (!channel->rings.base) {
		int result = frame_send(channel->socket.fd, &header, buffer_data(&request->payload), left,
					&request->fd, request->fd >= 0, MSG_DONTWAIT);

		if (result < 0)
			return result == -EAGAIN ? PIECE_WAITS : result;
		channel->queued -= left;
		return PIECE_WAS_LAST;
	}
	length = left < LIMIT_FRAME_BYTES ? left : LIMIT_FRAME_BYTES;
	if (request->fd >= 0) { /* before the request, so that who reads that finds it (tools/files/wire.h) */
		struct frame_header bare = header;
		int result = frame_send(channel->socket.fd, &bare, NULL, 0, &request->fd, 1, MSG_DONTWAIT);

		if (result < 0)
			return result == -EAGAIN ? PIECE_WAITS : result;
		close_fd(&request->fd);
		request->begun = true;
	}
	if (ring_room(&channel->rings.out) < length && ring_starve(&channel->rings.out, (uint32_t)length))
		return PIECE_WAITS;
	void *to = ring_reserve(&channel->rings.out, (uint32_t)length, &lied);
	if (!to)
		return lied ? -EPROTO : PIECE_WAITS;
	if (length)
		memcpy(to, buffer_data(&request->payload), length);
	header.length = (uint32_t)length;
	header.flags = length < left ? FRAME_MORE : 0;
	ring_commit(&channel->rings.out, &header);
	buffer_consume(&request->payload, length);
	request->begun = true;
	channel->queued -= length;
	return length == left ? PIECE_WAS_LAST : PIECE_SENT;
}

void channel_push(struct channel *channel)
{
	if (!channel->ready || !channel->first)
		return;
	while (channel->first) {
		struct channel_request *request = channel->first;
		int result;

		do
			result = send_piece(channel, request);
		while (result == PIECE_SENT);
		if (result < 0) {
			channel_condemn(channel);
			return;
		}
		if (result == PIECE_WAITS)
			break;
		channel->first = request->next;
		if (!channel->first)
			channel->last = &channel->first;
		free_request(request);
	}
	bool blocked = channel->first && (!channel->rings.base || channel->first->fd >= 0);

	loop_change(channel->loop, &channel->socket, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (channel->rings.base && ring_should_wake(&channel->rings.out))
		wake(channel);
}

int channel_send(struct channel *channel, uint16_t type, uint32_t call, struct buffer *payload)
{
	return channel_send_value(channel, type, call, 0, payload, -1);
}

int channel_send_descriptor(struct channel *channel, uint16_t type, uint32_t call, struct buffer *payload,
			    int fd)
{
	return channel_send_value(channel, type, call, 0, payload, fd);
}

int channel_send_value(struct channel *channel, uint16_t type, uint32_t call, uint32_t value,
		       struct buffer *payload, int fd)
{
	_cleanup_fd_ int descriptor = fd;
	struct channel_request *request;

	if (channel->queued + buffer_length(payload) > LIMIT_CHANNEL_QUEUE_BYTES)
		return -ENOBUFS;
	if (!has_rings(&channel->supervised) && buffer_length(payload) > LIMIT_MESSAGE_FRAME_BYTES)
		return -EMSGSIZE;
	request = malloc(sizeof *request);
	if (!request)
		return -ENOMEM;
	*request = (struct channel_request){
		.type = type, .call = call, .value = value, .fd = steal_fd(&descriptor), .payload = *payload};
	buffer_init(payload, payload->max);
	channel->queued += buffer_length(&request->payload);
	*channel->last = request;
	channel->last = &request->next;
	if (channel->supervised.state == SUPERVISED_NONE)
		supervisor_start(channel->supervisor, &channel->supervised);
	return 0;
}

bool channel_withdraw(struct channel *channel, uint16_t type, uint32_t call)
{
	for (struct channel_request **at = &channel->first; *at; at = &(*at)->next) {
		struct channel_request *request = *at;

		if (request->call != call || request->type != type || request->begun)
			continue;
		*at = request->next;
		if (channel->last == &request->next)
			channel->last = at;
		channel->queued -= buffer_length(&request->payload);
		free_request(request);
		return true;
	}
	return false;
}

void channel_init(struct channel *channel, struct supervisor *supervisor, enum spawner_kind kind,
		  const char *name)
{
	*channel = (struct channel){
		.supervisor = supervisor, .loop = supervisor->loop, .name = name, .wake = -1};
	channel->supervised = (struct supervised){
		.kind = kind, .started = executor_started, .failed = executor_failed, .died = executor_died};
	channel->awake = (struct loop_source){.fd = -1, .ready = awake_ready};
	channel->socket = (struct loop_source){.fd = -1, .ready = socket_ready};
	channel->idle.fire = idled;
	channel->last = &channel->first;
	buffer_init(&channel->payload, LIMIT_MESSAGE_FRAME_BYTES);
}

void channel_deinit(struct channel *channel)
{
	disconnect(channel);
	buffer_deinit(&channel->payload);
}
