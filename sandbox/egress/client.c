/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients say to the broker. A client is a web executor that parses what servers send, so it is taken
 * for hostile: it gets connections that the rules allow and nothing else, no more at once than the limit, and
 * its socket is closed at the first malformed frame.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/wire.h"

static struct connection *find_connection(struct client *client, uint32_t call)
{
	for (struct connection *at = client->connections; at; at = at->next)
		if (at->call == call && !at->done)
			return at;
	return NULL;
}

static int receive_connect(struct client *client, const struct frame_header *header,
			   struct frame_reader *reader)
{
	char host[HOST_TEXT_BYTES];
	uint32_t port, ms;

	frame_get_text(reader, host, sizeof host);
	port = frame_get_u32(reader);
	ms = frame_get_u32(reader);
	if (frame_done(reader) < 0 || port == 0 || port > 65535 || !host_is_normal(host))
		return -EPROTO;
	return connection_new(client, header->call, host, (uint16_t)port, ms);
}

static int receive_abandon(struct client *client, const struct frame_header *header,
			   struct frame_reader *reader)
{
	struct connection *connection = find_connection(client, header->call);

	if (frame_done(reader) < 0)
		return -EPROTO;
	if (connection) /* else the answer is on its way */
		connection_abandon(connection);
	return 0;
}

static const struct {
	uint16_t type;
	int (*receive)(struct client *client, const struct frame_header *header, struct frame_reader *reader);
} frames[] = {
	{BROKER_CONNECT, receive_connect},
	{BROKER_ABANDON, receive_abandon},
};

static int receive(struct client *client)
{
	struct buffer *payload = &client->broker->payload;
	struct frame_header header;
	struct frame_reader reader;
	int result = frame_receive(client->socket, &header, payload, NULL, MSG_DONTWAIT);

	if (result < 0)
		return result;
	if (header.flags) /* every frame is whole */
		return -EPROTO;
	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		if (frames[i].type == header.type)
			return frames[i].receive(client, &header, &reader);
	return -EPROTO;
}

static void watch(struct client *client, bool sending)
{
	struct epoll_event event = {.data.ptr = &client->source};

	if (client->connection_count < LIMIT_BROKER_CONNECTS)
		event.events |= EPOLLIN;
	if (sending)
		event.events |= EPOLLOUT;
	if (event.events == client->interest)
		return;
	client->interest = event.events;
	if (epoll_ctl(client->broker->epoll, EPOLL_CTL_MOD, client->socket, &event) < 0)
		client->dead = true;
}

static int send_answer(struct client *client, struct connection *connection)
{
	return frame_send(client->socket, &connection->header, buffer_data(&connection->payload),
			  buffer_length(&connection->payload), &connection->fd, connection->fd >= 0,
			  MSG_DONTWAIT);
}

void client_flush(struct client *client)
{
	bool blocked = false;

	for (struct connection *at = client->connections; at && !client->dead && !blocked; at = at->next) {
		int result;

		if (!at->answered || at->done)
			continue;
		result = send_answer(client, at);
		if (result == -ETOOMANYREFS) /* more descriptors under way than the kernel lets us */
			result = connection_retract(at) < 0 ? -ENOMEM : send_answer(client, at);
		if (result == -EAGAIN) {
			blocked =
				true; /* it reads too slowly; what it has not taken waits in its own places */
		} else if (result < 0) {
			client->dead = true;
		} else {
			at->done = true;
			close_fd(&at->fd);
		}
	}
	if (!client->dead)
		watch(client, blocked);
}

static void client_ready(struct source *source, uint32_t events)
{
	struct client *client = (struct client *)source;
	int result = 0;

	if (events & (EPOLLHUP | EPOLLERR))
		client->dead = true;
	/* a turn's worth at most, so that one client cannot keep the others waiting */
	for (size_t i = 0; i < LIMIT_BROKER_CONNECTS && !client->dead && result == 0 && (events & EPOLLIN) &&
			   client->connection_count < LIMIT_BROKER_CONNECTS;
	     i++)
		result = receive(client);
	if (result < 0 && result != -EAGAIN)
		client->dead = true;
	if (!client->dead)
		client_flush(client);
}

int client_new(struct broker *broker, int socket)
{
	_cleanup_fd_ int owned = socket;
	struct client *client;
	struct epoll_event event = {.events = EPOLLIN};

	if (broker->client_count == LIMIT_BROKER_CLIENTS)
		return -EMFILE;
	client = calloc(1, sizeof *client);
	if (!client)
		return -ENOMEM;
	event.data.ptr = &client->source;
	if (epoll_ctl(broker->epoll, EPOLL_CTL_ADD, owned, &event) < 0) {
		int result = -errno;

		free(client);
		return result;
	}
	*client = (struct client){.source = {client_ready},
				  .broker = broker,
				  .socket = steal_fd(&owned),
				  .interest = EPOLLIN,
				  .next = broker->clients};
	broker->clients = client;
	broker->client_count++;
	return 0;
}

/* A dead client's connections go with it. */
static void sweep_connections(struct client *client)
{
	for (struct connection **at = &client->connections; *at;) {
		struct connection *connection = *at;

		if (client->dead)
			connection_abandon(connection);
		if (connection->done) {
			*at = connection->next;
			client->connection_count--;
			connection_free(connection);
		} else {
			at = &connection->next;
		}
	}
}

void clients_sweep(struct broker *broker)
{
	for (struct client **at = &broker->clients; *at;) {
		struct client *client = *at;
		size_t before = client->connection_count;

		sweep_connections(client);
		if (!client->dead && client->connection_count < before)
			client_flush(client); /* it may be heard again */
		if (client->dead && !client->connections) {
			*at = client->next;
			broker->client_count--;
			close_fd(&client->socket);
			free(client);
			continue;
		}
		at = &client->next;
	}
}
