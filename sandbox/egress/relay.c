/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of a command: it was accepted, destination.c says which host it means, the host is
 * dialled (dial.c judges), and from then on bytes are copied both ways and not looked at. Each direction ends
 * for itself, as TCP's do. What one side does not take waits in one small buffer, and as long as that is full
 * nothing more is read: the slower side sets the pace, through us as without us.
 *
 * Trusts neither side. What is refused or broken is reset, so that nobody takes it for a complete answer.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "sandbox/egress/broker.h"

struct side {
	struct source source;
	struct relay *relay;
	int fd;
	bool ended;         /* it will send no more */
	bool shut;          /* and was told that it will get no more */
	struct buffer held; /* came from it, and is not taken by the other yet */
	bool watched;
	uint32_t interest;
};

struct relay {
	struct network *network;
	struct relay *next;
	struct dial *dial;    /* NULL: over */
	struct side sides[2]; /* the command's, the other one's */
	uint64_t begun, last; /* ms; the last byte */
	uint64_t bytes;
	bool done;
	char host[HOST_TEXT_BYTES]; /* for people: whom the command wanted */
	uint16_t port;
};

static const struct rules_answer too_much = {
	.rule = "limits.networkBytes",
	.reason = "the commands of this sandbox have sent and received as much as they may in 24 hours",
	.remedy = "Go on when the day is over, or ask for a higher limits.networkBytes."};
static const struct rules_answer too_large = {.rule = "bound of one connection",
					      .reason = "one connection has carried as much as any may",
					      .remedy = "Fetch it in parts."};
static const struct rules_answer too_long = {.rule = "bound of one connection",
					     .reason =
						     "it was open for a day, or half an hour without a byte",
					     .remedy = "Connect again."};

struct relay *relay_next(struct relay *relay)
{
	return relay->next;
}

static struct side *other(struct side *side)
{
	return &side->relay->sides[side == side->relay->sides];
}

static void finish(struct relay *relay)
{
	relay->done = true;
	relay->network->stale = true;
}

/* Ends both connections with a reset. */
static void break_off(struct relay *relay)
{
	const struct linger at_once = {.l_onoff = 1};

	for (size_t i = 0; i < ARRAY_SIZE(relay->sides); i++) {
		if (relay->sides[i].fd < 0)
			continue;
		(void)setsockopt(relay->sides[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close_fd(&relay->sides[i].fd);
	}
	finish(relay);
}

/*
 * Reading as long as nothing of it is held, writing as long as something of the other's is. A side that is
 * through in both directions is not watched at all: epoll would not stop saying so.
 */
static int watch(struct side *side)
{
	struct broker *broker = side->relay->network->broker;
	uint32_t wanted = 0;
	int result;

	if (!side->ended && !buffer_length(&side->held))
		wanted |= EPOLLIN;
	if (buffer_length(&other(side)->held))
		wanted |= EPOLLOUT;
	if (side->ended && side->shut) {
		if (side->watched)
			(void)broker_watch(broker, EPOLL_CTL_DEL, side->fd, 0, NULL);
		side->watched = false;
		return 0;
	}
	if (side->watched && wanted == side->interest)
		return 0;
	result = broker_watch(broker, side->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, side->fd, wanted,
			      &side->source);
	side->watched = result == 0;
	side->interest = wanted;
	return result;
}

/* As much of `bytes` as the side takes now; the number, or -errno. */
static ssize_t give(struct side *side, const char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t sent = send(side->fd, bytes + done, length - done, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			break;
		if (sent < 0)
			return -errno;
		done += (size_t)sent;
	}
	return (ssize_t)done;
}

static void deny(const struct relay *relay, const struct rules_answer *why)
{
	network_deny(relay->network, "connect", relay->host, relay->port, why);
}

/* One piece from `from` to the other side. 0 or -errno. */
static int copy(struct side *from)
{
	static char piece[LIMIT_RELAY_BUFFER_BYTES]; /* there is one thread */
	struct relay *relay = from->relay;
	ssize_t got = recv(from->fd, piece, sizeof piece, 0), sent;

	if (got < 0)
		return errno == EAGAIN ? 0 : -errno;
	relay->last = clock_ms();
	if (got == 0) {
		from->ended = true;
		return 0;
	}
	relay->bytes += (uint64_t)got;
	if (!network_spend(relay->network, (size_t)got) || relay->bytes > LIMIT_RELAY_BYTES) {
		deny(relay, relay->bytes > LIMIT_RELAY_BYTES ? &too_large : &too_much);
		return -EDQUOT;
	}
	sent = give(other(from), piece, (size_t)got);
	if (sent < 0)
		return (int)sent;
	return buffer_append(&from->held, piece + sent, (size_t)(got - sent));
}

/* What was held of `from` and the other side takes now. 0 or -errno. */
static int empty(struct side *from)
{
	ssize_t sent = give(other(from), buffer_data(&from->held), buffer_length(&from->held));

	if (sent < 0)
		return (int)sent;
	if (sent > 0)
		from->relay->last = clock_ms();
	buffer_consume(&from->held, (size_t)sent);
	if (!buffer_length(&from->held))
		buffer_clear(&from->held, 0);
	return 0;
}

static void settle(struct relay *relay)
{
	for (size_t i = 0; i < ARRAY_SIZE(relay->sides); i++) {
		struct side *from = &relay->sides[i], *to = other(from);

		if (from->ended && !buffer_length(&from->held) && !to->shut) {
			(void)shutdown(to->fd, SHUT_WR);
			to->shut = true;
		}
	}
	if (relay->sides[0].shut && relay->sides[1].shut)
		finish(relay);
	else if (watch(&relay->sides[0]) < 0 || watch(&relay->sides[1]) < 0)
		break_off(relay);
}

static void side_ready(struct source *source, uint32_t events)
{
	struct side *side = (struct side *)source;
	struct relay *relay = side->relay;
	int result = 0;

	if (relay->done || side->fd < 0)
		return;
	bool readable = !side->ended && !buffer_length(&side->held);

	if ((events & EPOLLERR) && !readable)
		result = -EIO; /* reset; what it had said before is still read if there is room for it */
	if (result == 0 && (events & (EPOLLOUT | EPOLLHUP)) && buffer_length(&other(side)->held))
		result = empty(other(side));
	if (result == 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && readable)
		result = copy(side);
	if (result < 0)
		break_off(relay);
	else
		settle(relay);
}

/* ---- beginning ---- */

static void dialled(void *context, struct dial_result *result)
{
	struct relay *relay = context;

	if (result->kind == DIAL_REFUSED)
		network_deny(relay->network, "connect", relay->dial->host, relay->dial->port, result->rules);
	relay->dial = NULL;
	if (result->kind != DIAL_CONNECTED) {
		break_off(relay);
		return;
	}
	relay->sides[1].fd = result->fd;
	result->fd = -1;
	relay->last = clock_ms();
	settle(relay);
}

int relay_new(struct network *network, int accepted, const struct address *address, uint16_t port)
{
	struct relay *relay = calloc(1, sizeof *relay);
	int one = 1;

	if (!relay) {
		close(accepted);
		return -ENOMEM;
	}
	*relay = (struct relay){.network = network, .next = network->relays, .begun = clock_ms()};
	relay->last = relay->begun;
	for (size_t i = 0; i < ARRAY_SIZE(relay->sides); i++) {
		relay->sides[i] = (struct side){.source = {side_ready}, .relay = relay, .fd = -1};
		buffer_init(&relay->sides[i].held, LIMIT_RELAY_BUFFER_BYTES);
	}
	relay->sides[0].fd = accepted;
	network->relays = relay;
	network->relay_count++;
	network->broker->relay_count++;
	network->broker->aging++;
	(void)setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	relay->port = port;
	if (destination_host(network, address, port, relay->host)) {
		if (network_spend(network, 0))
			relay->dial = dial_new(network->broker, relay->host, port, LIMIT_BROKER_TOTAL_MS,
					       dialled, relay);
		else
			deny(relay, &too_much);
	}
	if (relay->dial)
		dial_start(relay->dial);
	else
		break_off(relay);
	return 0;
}

void relay_look(struct relay *relay, uint64_t now)
{
	if (relay->done ||
	    (now - relay->last <= LIMIT_RELAY_IDLE_MS && now - relay->begun <= LIMIT_RELAY_TOTAL_MS))
		return;
	deny(relay, &too_long);
	break_off(relay);
}

void relays_sweep(struct network *network, bool all)
{
	for (struct relay **at = &network->relays; *at;) {
		struct relay *relay = *at;

		if (all && !relay->done)
			break_off(relay);
		if (!relay->done) {
			at = &relay->next;
			continue;
		}
		*at = relay->next;
		if (relay->dial)
			dial_abandon(relay->dial);
		for (size_t i = 0; i < ARRAY_SIZE(relay->sides); i++) {
			close_fd(&relay->sides[i].fd);
			buffer_deinit(&relay->sides[i].held);
		}
		free(relay);
		network->relay_count--;
		network->broker->relay_count--;
		network->broker->aging--;
	}
}
