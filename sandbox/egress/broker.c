/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's event loop: control socket, clients, sandboxes, the resolver, and the sweep that frees. */
#include "sandbox/egress/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/wire.h"

#define LOOK_MS 1000 /* how exact the age of a relay is */

int broker_watch(struct broker *broker, int operation, int fd, uint32_t events, struct source *source)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	return epoll_ctl(broker->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

static int receive_client(struct broker *broker, const struct frame_header *header,
			  struct frame_descriptors *descriptors)
{
	(void)header;
	if (descriptors->count != 1)
		return -EPROTO;
	(void)client_new(broker, frame_descriptors_take(descriptors, 0)); /* one too many sees end of file */
	return 0;
}

static int receive_network(struct broker *broker, const struct frame_header *header,
			   struct frame_descriptors *descriptors)
{
	if (descriptors->count == 0)
		return -EPROTO;
	(void)network_add(broker, header->call, descriptors); /* its commands reach nothing then */
	return 0;
}

static int receive_network_end(struct broker *broker, const struct frame_header *header,
			       struct frame_descriptors *descriptors)
{
	if (descriptors->count != 0)
		return -EPROTO;
	network_end(broker, header->call);
	return 0;
}

static const struct {
	uint16_t type;
	int (*receive)(struct broker *broker, const struct frame_header *header,
		       struct frame_descriptors *descriptors);
} orders[] = {
	{BROKER_CLIENT, receive_client},
	{BROKER_NETWORK, receive_network},
	{BROKER_NETWORK_END, receive_network_end},
};

/* The spawner is trusted, but a broken frame still ends us: nothing after it makes sense. */
static void control_ready(struct source *source, uint32_t events)
{
	struct broker *broker =
		(struct broker *)(void *)((char *)source - offsetof(struct broker, control_source));
	struct frame_descriptors descriptors;
	struct frame_header header;
	int result;

	(void)events;
	result = frame_receive(broker->control, &header, &broker->payload, &descriptors, MSG_DONTWAIT);
	if (result == -EAGAIN)
		return;
	if (result == 0) {
		result = -EPROTO;
		for (size_t i = 0; i < ARRAY_SIZE(orders); i++)
			if (orders[i].type == header.type && header.length == 0)
				result = orders[i].receive(broker, &header, &descriptors);
		frame_descriptors_close(&descriptors);
	}
	if (result < 0)
		broker->ended = true;
}

size_t broker_relays(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max / 4 >= LIMIT_BROKER_RELAYS_ALL)
		return LIMIT_BROKER_RELAYS_ALL;
	return files.rlim_max / 4 + 1;
}

int broker_init(struct broker *broker, const struct plan *plan, struct resolver *resolver, int control,
		int denials, size_t relays, struct err *err)
{
	*broker = (struct broker){.plan = plan,
				  .resolver = resolver,
				  .control = control,
				  .denials = denials,
				  .relay_max = relays,
				  .control_source = {control_ready}};
	buffer_init(&broker->payload, LIMIT_MESSAGE_FRAME_BYTES);
	broker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (broker->epoll < 0 ||
	    broker_watch(broker, EPOLL_CTL_ADD, broker->control, EPOLLIN, &broker->control_source) < 0)
		return err_set(err, -errno, "no event loop: %s", strerror(errno));
	resolver_attach(resolver, broker->epoll);
	return 0;
}

static void sweep(struct broker *broker)
{
	clients_sweep(broker);
	networks_sweep(broker);
	dials_sweep(broker);
}

void broker_deinit(struct broker *broker)
{
	for (struct client *at = broker->clients; at; at = at->next)
		at->dead = true;
	for (struct network *at = broker->networks; at; at = at->next)
		at->dead = true;
	for (struct dial *at = broker->dials; at; at = at->next)
		dial_abandon(at);
	resolver_free(broker->resolver); /* lets go of every lookup */
	broker->resolver = NULL;
	sweep(broker);
	buffer_deinit(&broker->payload);
	close_fd(&broker->epoll);
}

/* Milliseconds until something is due. */
static int expire(struct broker *broker)
{
	int timeout = LIMIT_BROKER_TOTAL_MS;
	uint64_t now = clock_ms();

	resolver_expire(broker->resolver);
	for (struct dial *at = broker->dials; at; at = at->next) {
		int left = dial_expire(at, now);

		timeout = left < timeout ? left : timeout;
	}
	if (broker->aging && now >= broker->next_look) {
		networks_look(broker, now);
		broker->next_look = now + LOOK_MS;
	}
	if (broker->aging && (uint64_t)timeout > broker->next_look - now)
		timeout = (int)(broker->next_look - now);
	return timeout;
}

int broker_run(struct broker *broker, struct err *err)
{
	struct epoll_event events[64];

	while (!broker->ended) {
		int timeout = expire(broker), count;

		sweep(broker);
		timeout = resolver_timeout(broker->resolver, timeout);
		count = epoll_wait(broker->epoll, events, ARRAY_SIZE(events), timeout);
		if (count < 0 && errno != EINTR)
			return err_set(err, -errno, "waiting for events: %s", strerror(errno));
		for (int i = 0; i < count; i++) {
			struct source *source = events[i].data.ptr;

			if (events[i].data.u64 & 1)
				resolver_ready(broker->resolver, (int)(events[i].data.u64 / 2),
					       events[i].events);
			else
				source->ready(source, events[i].events);
		}
	}
	return 0;
}
