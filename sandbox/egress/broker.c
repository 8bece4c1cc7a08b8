/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's event loop: control socket, clients, connections, the resolver, and the sweep that frees. */
#include "sandbox/egress/broker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/wire.h"

uint64_t broker_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The spawner brings a client. It is trusted, but a broken frame still ends us: nothing after it makes sense.
 */
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
	if (result < 0 || header.type != BROKER_CLIENT || descriptors.count != 1)
		broker->ended = true;
	else /* a client too many sees end of file */
		(void)client_new(broker, frame_descriptors_take(&descriptors, 0));
	if (result == 0)
		frame_descriptors_close(&descriptors);
}

int broker_init(struct broker *broker, const struct plan *plan, struct resolver *resolver, int control,
		struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = &broker->control_source};

	*broker = (struct broker){
		.plan = plan, .resolver = resolver, .control = control, .control_source = {control_ready}};
	buffer_init(&broker->payload, LIMIT_MESSAGE_FRAME_BYTES);
	broker->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (broker->epoll < 0 || epoll_ctl(broker->epoll, EPOLL_CTL_ADD, control, &event) < 0)
		return err_set(err, -errno, "no event loop: %s", strerror(errno));
	resolver_attach(resolver, broker->epoll);
	return 0;
}

/* A dead client's connections go; those that the resolver still holds go when it lets go of them. */
static void sweep_connections(struct client *client)
{
	for (struct connection **at = &client->connections; *at;) {
		struct connection *connection = *at;

		if (client->dead)
			connection_abandon(connection);
		if (connection->done && !connection->looking) {
			*at = connection->next;
			client->connection_count--;
			connection_free(connection);
		} else {
			at = &connection->next;
		}
	}
}

static void sweep(struct broker *broker)
{
	for (struct client **at = &broker->clients; *at;) {
		struct client *client = *at;
		size_t before = client->connection_count;

		sweep_connections(client);
		if (client->dead && client->socket >= 0)
			close_fd(&client->socket);
		if (client->dead && !client->connections) {
			*at = client->next;
			broker->client_count--;
			client_free(client);
			continue;
		}
		if (!client->dead && client->connection_count < before)
			client_flush(client); /* it may be heard again */
		at = &client->next;
	}
}

void broker_deinit(struct broker *broker)
{
	resolver_free(broker->resolver); /* lets go of every lookup first */
	broker->resolver = NULL;
	for (struct client *at = broker->clients; at; at = at->next)
		at->dead = true;
	sweep(broker);
	buffer_deinit(&broker->payload);
	close_fd(&broker->epoll);
}

static int expire(struct broker *broker)
{
	int timeout = LIMIT_BROKER_TOTAL_MS;
	uint64_t now = broker_now();

	resolver_expire(broker->resolver);
	for (struct client *client = broker->clients; client; client = client->next) {
		for (struct connection *at = client->connections; at; at = at->next) {
			int left = connection_expire(at, now);

			timeout = left < timeout ? left : timeout;
		}
	}
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
