/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The networks of sandboxes. Their listening sockets came out of them when they were built (listeners.h), so
 * what is accepted here comes from a command, and the address that it connected to says what it wants. All of
 * one sandbox ends with its network; nothing of it is seen by another.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/names.h"
#include "sandbox/egress/wire.h"

static struct network *find(struct broker *broker, uint32_t number)
{
	for (struct network *at = broker->networks; at; at = at->next)
		if (at->number == number && !at->dead)
			return at;
	return NULL;
}

static void mute(struct entrance *entrance, bool muted)
{
	struct broker *broker = entrance->network->broker;

	if (entrance->muted == muted ||
	    broker_watch(broker, EPOLL_CTL_MOD, entrance->fd, muted ? 0 : EPOLLIN, &entrance->source) < 0)
		return;
	entrance->muted = muted;
	broker->aging += muted ? 1 : (size_t)-1;
}

/* No network may have more than a quarter of what there is, so that three greedy ones leave room. */
static bool has_room(const struct network *network)
{
	const struct broker *broker = network->broker;
	size_t most = broker->relay_max / 4;

	return network->relay_count < (most < LIMIT_BROKER_RELAYS ? most : LIMIT_BROKER_RELAYS) &&
	       broker->relay_count < broker->relay_max;
}

/* Takes it; what cannot be served is closed. */
static void take(struct network *network, int accepted, const struct sockaddr_storage *from)
{
	struct address address;
	uint16_t port;

	if (!destination_address(network, accepted, from, &address, &port))
		close(accepted);
	else if (destination_is_question(network, &address, port))
		(void)stream_new(network, accepted);
	else
		(void)relay_new(network, accepted, &address, port);
}

/* What cannot be taken now waits in the kernel's queue: the command sees a slow connection, not a lost one.
 */
static void accept_ready(struct source *source, uint32_t events)
{
	struct entrance *entrance = (struct entrance *)source;
	struct network *network = entrance->network;

	(void)events;
	if (network->dead)
		return;
	for (size_t i = 0; i < LIMIT_RELAY_ACCEPTS && !entrance->muted; i++) {
		struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
		socklen_t length = sizeof from;
		int accepted;

		if (!has_room(network)) {
			mute(entrance, true);
			return;
		}
		accepted = accept4(entrance->fd, (struct sockaddr *)&from, &length,
				   SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (accepted < 0 &&
		    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
			mute(entrance, true);
		if (accepted < 0)
			return;
		take(network, accepted, &from);
	}
}

static void datagrams_ready(struct source *source, uint32_t events)
{
	struct entrance *entrance = (struct entrance *)source;

	(void)events;
	if (!entrance->network->dead)
		inquiry_datagrams(entrance->network, entrance->fd);
}

static void requests_ready(struct source *source, uint32_t events)
{
	struct entrance *entrance = (struct entrance *)source;

	if (!(events & EPOLLIN)) /* the keeper is gone, and all of its sandbox with it */
		entrance->network->dead = true;
	if (!entrance->network->dead)
		reach_serve(entrance->network);
}

static int entrance_add(struct network *network, int socket)
{
	_cleanup_fd_ int fd = socket;
	struct entrance *entrance = &network->entrances[network->entrance_count];
	int type, listens, flags = fcntl(fd, F_GETFL);
	socklen_t length = sizeof type, listens_length = sizeof listens;

	if (network->entrance_count == ARRAY_SIZE(network->entrances))
		return -E2BIG;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_length) < 0)
		return -errno;
	if (type == SOCK_STREAM && !listens)
		return -EINVAL;
	*entrance = (struct entrance){.source = {type == SOCK_DGRAM       ? datagrams_ready
						 : type == SOCK_SEQPACKET ? requests_ready
									  : accept_ready},
				      .network = network,
				      .fd = fd};
	if (type == SOCK_SEQPACKET) {
		int result = reach_new(network, fd);

		if (result < 0)
			return result;
	}
	int result = broker_watch(network->broker, EPOLL_CTL_ADD, fd, EPOLLIN, &entrance->source);

	if (result < 0)
		return result;
	(void)steal_fd(&fd);
	network->entrance_count++;
	return 0;
}

static struct network *network_new(struct broker *broker, uint32_t number)
{
	struct network *network = calloc(1, sizeof *network);
	uint32_t begin = number * 4096;

	if (!network)
		return NULL;
	/* without it addresses begin where a former broker's began, at worst */
	(void)!getrandom(&begin, sizeof begin, GRND_NONBLOCK);
	network->names = names_new(begin);
	if (!network->names) {
		free(network);
		return NULL;
	}
	network->broker = broker;
	network->number = number;
	network->next = broker->networks;
	broker->networks = network;
	return network;
}

int network_add(struct broker *broker, uint32_t number, struct frame_descriptors *descriptors)
{
	struct network *network = find(broker, number);
	int result = 0;

	if (!network)
		network = network_new(broker, number);
	if (!network)
		result = -ENOMEM;
	for (size_t i = 0; i < descriptors->count && result == 0; i++)
		result = entrance_add(network, frame_descriptors_take(descriptors, i));
	frame_descriptors_close(descriptors);
	if (result < 0 && network)
		network->dead = true;
	return result;
}

void network_end(struct broker *broker, uint32_t number)
{
	struct network *network = find(broker, number);

	if (network) /* else it could not be served and has ended already */
		network->dead = true;
}

/* The day begins with the first byte, and the next one with the first after it. */
bool network_spend(struct network *network, size_t bytes)
{
	uint64_t now = clock_ms();

	if (!network->day_begun || now - network->day_begun >= LIMIT_NETWORK_MS) {
		network->day_begun = now;
		network->day_bytes = 0;
	}
	network->day_bytes += bytes;
	return network->day_bytes <= network->broker->plan->network_bytes;
}

/* ---- telling ---- */

static bool may_tell(struct network *network)
{
	uint64_t second = clock_ms() / 1000;

	if (second != network->denial_second) {
		network->denial_second = second;
		network->denial_count = 0;
	}
	return network->denial_count++ < LIMIT_BROKER_DENIALS;
}

static int put_denial(struct buffer *payload, const char *operation, const char *host, unsigned port,
		      const struct rules_answer *rules)
{
	char target[HOST_TEXT_BYTES + sizeof rules->reason + 16], number[16] = "";

	if (port)
		snprintf(number, sizeof number, ":%u", port);
	snprintf(target, sizeof target, strchr(host, ':') ? "[%s]%s: %s" : "%s%s: %s", host, number,
		 rules->reason);
	if (frame_put_text(payload, "network") < 0 || frame_put_text(payload, operation) < 0 ||
	    frame_put_text(payload, target) < 0 || frame_put_text(payload, rules->rule) < 0 ||
	    frame_put_text(payload, rules->remedy) < 0)
		return -ENOMEM;
	return frame_put_text(payload, rules->reach);
}

void network_deny(struct network *network, const char *operation, const char *host, unsigned port,
		  const struct rules_answer *rules)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_DENIAL_BYTES};
	struct frame_header header = {.type = BROKER_DENIED, .call = network->number};

	if (network->broker->denials < 0 || !may_tell(network) ||
	    put_denial(&payload, operation, host, port, rules) < 0)
		return;
	(void)frame_send(network->broker->denials, &header, buffer_data(&payload), buffer_length(&payload),
			 NULL, 0, MSG_DONTWAIT);
}

/* ---- age and end ---- */

void networks_look(struct broker *broker, uint64_t now)
{
	for (struct network *network = broker->networks; network; network = network->next) {
		for (struct relay *at = network->relays; at; at = relay_next(at))
			relay_look(at, now);
		for (struct stream *at = network->streams; at; at = stream_next(at))
			stream_look(at, now);
		for (size_t i = 0; i < network->entrance_count; i++)
			mute(&network->entrances[i], false); /* descriptors or memory may be there again */
	}
}

static void network_free(struct network *network)
{
	relays_sweep(network, true);
	streams_sweep(network, true);
	for (size_t i = 0; i < network->entrance_count; i++) {
		network->broker->aging -= network->entrances[i].muted;
		close_fd(&network->entrances[i].fd);
	}
	reach_free(network->reach);
	names_free(network->names);
	free(network);
}

void networks_sweep(struct broker *broker)
{
	size_t before = broker->relay_count;

	for (struct network **at = &broker->networks; *at;) {
		struct network *network = *at;

		if (network->stale) {
			network->stale = false;
			relays_sweep(network, false);
			streams_sweep(network, false);
		}
		if (network->dead) {
			*at = network->next;
			network_free(network);
		} else {
			at = &network->next;
		}
	}
	if (broker->relay_count == before)
		return;
	for (struct network *network = broker->networks; network; network = network->next)
		for (size_t i = 0; i < network->entrance_count; i++)
			if (network->entrances[i].muted && has_room(network))
				mute(&network->entrances[i], false);
}
