/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands without a network of their own (wire.h): their keeper asks for what they want to connect to. The
 * answer is a connection to ourselves: to the one socket that listens for this sandbox on the machine's
 * loopback, at which it is then accepted like those of other sandboxes, and relayed under the same bounds. It
 * comes from a port of ours, which was noted together with the destination; whoever else connects there is
 * sent away.
 *
 * A keeper lives among hostile processes and is taken for one.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/wire.h"

/* A connection of ours that is made, and not accepted yet. */
struct coming {
	uint16_t from; /* our port; 0: none */
	uint16_t port;
	struct address address;
};

struct reach {
	int channel;                               /* the keeper's; borrowed from its entrance */
	struct coming coming[LIMIT_BROKER_COMING]; /* a ring: what was never accepted makes room */
	size_t next;
};

int reach_new(struct network *network, int channel)
{
	struct frame_header header = {.type = BROKER_BEGAN};

	if (network->reach)
		return -EPROTO;
	network->reach = calloc(1, sizeof *network->reach);
	if (!network->reach)
		return -ENOMEM;
	network->reach->channel = channel;
	/* what a broker before us was asked, it will not answer */
	return frame_send(channel, &header, NULL, 0, NULL, 0, MSG_DONTWAIT);
}

void reach_free(struct reach *reach)
{
	free(reach);
}

bool reach_accepted(struct reach *reach, const struct sockaddr_storage *from, struct address *address,
		    uint16_t *port)
{
	const struct sockaddr_in *peer = (const struct sockaddr_in *)from;

	if (peer->sin_family != AF_INET || ntohl(peer->sin_addr.s_addr) != INADDR_LOOPBACK)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(reach->coming); i++) {
		struct coming *at = &reach->coming[i];

		if (!at->from || at->from != ntohs(peer->sin_port))
			continue;
		*address = at->address;
		*port = at->port;
		at->from = 0;
		return true;
	}
	return false;
}

static void note(struct reach *reach, uint16_t from, const struct address *address, uint16_t port)
{
	/* a port is ours again only when what came from it is over */
	for (size_t i = 0; i < ARRAY_SIZE(reach->coming); i++)
		if (reach->coming[i].from == from)
			reach->coming[i].from = 0;
	reach->coming[reach->next] = (struct coming){from, port, *address};
	reach->next = (reach->next + 1) % ARRAY_SIZE(reach->coming);
}

/* A connection to the socket that listens for this sandbox, or -errno. */
static int connect_here(struct network *network, const struct address *address, uint16_t port)
{
	_cleanup_fd_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	struct sockaddr_in local;
	socklen_t length = sizeof local;
	int one = 1;

	/* what a command has set of its own socket is lost: most want this, and nobody is hurt by it */
	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    getsockname(network->entrances[0].fd, (struct sockaddr *)&local, &length) < 0)
		return -errno;
	if (local.sin_family != AF_INET) /* it was to be the first that came */
		return -EPROTO;
	if (connect(fd, (struct sockaddr *)&local, sizeof local) < 0 && errno != EINPROGRESS)
		return -errno;
	length = sizeof local;
	if (getsockname(fd, (struct sockaddr *)&local, &length) < 0)
		return -errno;
	note(network->reach, ntohs(local.sin_port), address, port);
	return steal_fd(&fd);
}

/* What is known to be refused before anything is dialled, was told. 0 or -errno, as a network without a way
 * there would answer. */
static int judge(struct network *network, const struct address *address, uint16_t port)
{
	char host[HOST_TEXT_BYTES];
	struct rules_answer rules;

	if (destination_is_question(network, address, port))
		return 0;
	if (!destination_host(network, address, port, host))
		return -ECONNREFUSED;
	if (rules_connect(network->broker->plan, host, port, &rules))
		return 0;
	network_deny(network, "connect", host, port, &rules);
	return destination_is_synthetic(address) || address_is_loopback(address) ? -ECONNREFUSED
										 : -ENETUNREACH;
}

static int receive_reach(struct network *network, const struct frame_header *header,
			 struct frame_reader *reader, struct frame_descriptors *descriptors)
{
	struct frame_header answer = {.type = BROKER_REACHED, .call = header->call};
	char text[ADDRESS_TEXT_BYTES];
	_cleanup_fd_ int fd = -1;
	struct address address;
	uint32_t port;
	int result;

	frame_get_text(reader, text, sizeof text);
	port = frame_get_u32(reader);
	if (frame_done(reader) < 0 || descriptors->count || port > 65535 || address_parse(&address, text) < 0)
		return -EPROTO;
	result = port ? judge(network, &address, (uint16_t)port) : -ECONNREFUSED;
	if (result == 0)
		result = fd = connect_here(network, &address, (uint16_t)port);
	answer.value = result < 0 ? (uint32_t)-result : 0;
	result = frame_send(network->reach->channel, &answer, NULL, 0, &fd, fd >= 0, MSG_DONTWAIT);
	if (result == -ETOOMANYREFS) { /* more descriptors under way than the kernel lets us */
		answer.value = EAGAIN;
		result = frame_send(network->reach->channel, &answer, NULL, 0, NULL, 0, MSG_DONTWAIT);
	}
	return result;
}

static int receive_ask(struct network *network, const struct frame_header *header,
		       struct frame_reader *reader, struct frame_descriptors *descriptors)
{
	(void)header;
	if (frame_done(reader) < 0 || descriptors->count != 1)
		return -EPROTO;
	(void)line_new(network, frame_descriptors_take(descriptors, 0)); /* or its questions find nobody */
	return 0;
}

static const struct {
	uint16_t type;
	int (*receive)(struct network *network, const struct frame_header *header,
		       struct frame_reader *reader, struct frame_descriptors *descriptors);
} frames[] = {
	{BROKER_REACH, receive_reach},
	{BROKER_ASK, receive_ask},
};

static int receive(struct network *network)
{
	_cleanup_(frame_descriptors_close) struct frame_descriptors descriptors;
	struct buffer *payload = &network->broker->payload;
	struct frame_header header;
	struct frame_reader reader;
	int result;

	frame_descriptors_init(&descriptors);
	result = frame_receive(network->reach->channel, &header, payload, &descriptors, MSG_DONTWAIT);
	if (result < 0)
		return result;
	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		if (frames[i].type == header.type && !header.flags)
			return frames[i].receive(network, &header, &reader, &descriptors);
	return -EPROTO;
}

void reach_serve(struct network *network)
{
	int result = 0;

	/* a turn's worth; a keeper that does not read its answers asks no more either */
	for (size_t i = 0; i < LIMIT_RELAY_ACCEPTS && result == 0; i++)
		result = receive(network);
	if (result < 0 && result != -EAGAIN)
		network->dead = true;
}
