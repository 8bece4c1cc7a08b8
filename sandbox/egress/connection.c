/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection: rules on the name, the name's addresses, rules on each address, then the addresses one
 * after the other, the next beside the last after a quarter of a second (RFC 8305), the first that stands
 * wins. The addresses that were judged are the ones that are connected to: nothing is resolved twice.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "sandbox/egress/broker.h"
#include "sandbox/egress/rules.h"
#include "sandbox/egress/wire.h"

#define ANSWER_BYTES 4096 /* four texts of rules.h, or one sentence */

static void close_attempts(struct connection *connection)
{
	for (size_t i = 0; i < connection->begun; i++)
		close_fd(&connection->attempts[i].fd);
	connection->running = 0;
}

/* The answer stands; it leaves now or when the client reads again. */
static void answer(struct connection *connection, uint16_t type, int value)
{
	close_attempts(connection);
	connection->header =
		(struct frame_header){.type = type, .call = connection->call, .value = (uint32_t)value};
	connection->answered = true;
	if (connection->client)
		client_flush(connection->client);
}

static void __attribute__((format(printf, 3, 4)))
answer_failed(struct connection *connection, int error, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (frame_put_text(&connection->payload, text) < 0) /* the errno alone still answers */
		buffer_clear(&connection->payload, 0);
	answer(connection, BROKER_FAILED, error);
}

static void answer_refused(struct connection *connection, const struct rules_answer *rules)
{
	if (frame_put_text(&connection->payload, rules->rule) < 0 ||
	    frame_put_text(&connection->payload, rules->reason) < 0 ||
	    frame_put_text(&connection->payload, rules->remedy) < 0 ||
	    frame_put_text(&connection->payload, rules->reach) < 0) {
		buffer_clear(&connection->payload, 0);
		answer_failed(connection, ENOMEM, "no memory");
		return;
	}
	answer(connection, BROKER_REFUSED, 0);
}

static void answer_connected(struct connection *connection, struct attempt *attempt)
{
	char text[ADDRESS_TEXT_BYTES];

	/* the description lives on in the client: epoll must forget it here */
	epoll_ctl(connection->broker->epoll, EPOLL_CTL_DEL, attempt->fd, NULL);
	address_text(&connection->addresses[attempt - connection->attempts], text);
	if (frame_put_text(&connection->payload, text) < 0) {
		buffer_clear(&connection->payload, 0);
		answer_failed(connection, ENOMEM, "no memory");
		return;
	}
	connection->fd = steal_fd(&attempt->fd);
	answer(connection, BROKER_CONNECTED, 0);
}

static void answer_unreachable(struct connection *connection)
{
	char text[ADDRESS_TEXT_BYTES], more[48] = "";

	address_text(&connection->addresses[0], text);
	if (connection->address_count > 1)
		snprintf(more, sizeof more, ", nor by %zu other address%s", connection->address_count - 1,
			 connection->address_count > 2 ? "es" : "");
	answer_failed(connection, connection->error, "connecting to %s port %u failed: %s (at %s%s)",
		      connection->host, connection->port, strerror(connection->error), text, more);
}

static int open_socket(const struct address *address, uint16_t port)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	bool four = address->family == AF_INET;
	_cleanup_fd_ int fd =
		socket(address->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	int one = 1;

	if (fd < 0)
		return -errno;
	/* the client has no need of setsockopt then; without it requests only wait a little */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	memcpy(&ipv4.sin_addr, address->bytes, 4);
	memcpy(&ipv6.sin6_addr, address->bytes, 16);
	if (connect(fd, four ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6,
		    four ? sizeof ipv4 : sizeof ipv6) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return steal_fd(&fd);
}

static void attempt_failed(struct connection *connection, int error)
{
	if (!connection->error)
		connection->error = error;
}

static void attempt_next(struct connection *connection);

static void attempt_ready(struct source *source, uint32_t events)
{
	struct attempt *attempt = (struct attempt *)source;
	struct connection *connection = attempt->connection;
	int error = 0;
	socklen_t length = sizeof error;

	(void)events;
	if (attempt->fd < 0 || connection->answered) /* closed earlier in this turn */
		return;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (!error) {
		answer_connected(connection, attempt);
		return;
	}
	attempt_failed(connection, error);
	close_fd(&attempt->fd);
	connection->running--;
	attempt_next(connection);
}

/* Begins the next address; those that fail at once are passed over. With none left and none running, that is
 * the answer. */
static void attempt_next(struct connection *connection)
{
	while (connection->begun < connection->address_count) {
		struct attempt *attempt = &connection->attempts[connection->begun];
		struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &attempt->source};

		attempt->source.ready = attempt_ready;
		attempt->connection = connection;
		attempt->fd = open_socket(&connection->addresses[connection->begun++], connection->port);
		if (attempt->fd >= 0 &&
		    epoll_ctl(connection->broker->epoll, EPOLL_CTL_ADD, attempt->fd, &event) < 0) {
			attempt_failed(connection, errno);
			close_fd(&attempt->fd);
			continue;
		}
		if (attempt->fd >= 0) {
			connection->running++;
			connection->next_attempt = broker_now() + LIMIT_BROKER_ATTEMPT_MS;
			return;
		}
		attempt_failed(connection, -attempt->fd);
		attempt->fd = -1;
	}
	if (!connection->running)
		answer_unreachable(connection);
}

/* Keeps the addresses that the rules allow. If there is none, the first refusal is the answer. */
static void judge(struct connection *connection, const struct address *addresses, size_t count)
{
	struct rules_answer rules, refusal = {0};

	for (size_t i = 0; i < count; i++) {
		if (rules_address(connection->broker->plan, connection->host, connection->port, &addresses[i],
				  &rules))
			connection->addresses[connection->address_count++] = addresses[i];
		else if (!refusal.rule[0])
			refusal = rules;
	}
	if (connection->address_count)
		attempt_next(connection);
	else
		answer_refused(connection, &refusal);
}

static void looked_up(void *context, int result, const struct address *addresses, size_t count,
		      const char *why)
{
	struct connection *connection = context;

	connection->looking = false;
	if (connection->unwanted || connection->answered) /* the sweep frees it now */
		return;
	if (result < 0)
		answer_failed(connection, -result, "looking up %s failed: %s", connection->host, why);
	else
		judge(connection, addresses, count);
}

int connection_new(struct client *client, uint32_t call, const char *host, uint16_t port, uint32_t ms)
{
	struct connection *connection = calloc(1, sizeof *connection);
	struct rules_answer rules;

	if (!connection)
		return -ENOMEM;
	connection->broker = client->broker;
	connection->client = client;
	connection->call = call;
	connection->port = port;
	connection->fd = -1;
	connection->asked = broker_now();
	connection->deadline = connection->asked + (ms < LIMIT_BROKER_TOTAL_MS ? ms : LIMIT_BROKER_TOTAL_MS);
	snprintf(connection->host, sizeof connection->host, "%s", host);
	buffer_init(&connection->payload, ANSWER_BYTES);
	connection->next = client->connections;
	client->connections = connection;
	client->connection_count++;
	if (!rules_host(client->broker->plan, host, port, &rules)) {
		answer_refused(connection, &rules);
		return 0;
	}
	connection->looking = true;
	resolver_lookup(client->broker->resolver, host, looked_up, connection);
	return 0;
}

void connection_abandon(struct connection *connection)
{
	close_attempts(connection);
	close_fd(&connection->fd);
	connection->unwanted = true;
	connection->done = true;
}

int connection_retract(struct connection *connection)
{
	close_fd(&connection->fd);
	buffer_clear(&connection->payload, ANSWER_BYTES);
	connection->header.type = BROKER_FAILED;
	connection->header.value = EMFILE;
	return frame_put_text(&connection->payload, "too many connections are on their way; try again");
}

int connection_expire(struct connection *connection, uint64_t now)
{
	uint64_t next = connection->deadline;

	if (connection->answered || connection->done)
		return LIMIT_BROKER_TOTAL_MS;
	if (now >= connection->deadline) {
		answer_failed(connection, ETIMEDOUT, "%s %s port %u took longer than %.1f s",
			      connection->looking ? "looking up" : "connecting to", connection->host,
			      connection->port, (double)(now - connection->asked) / 1000);
		return LIMIT_BROKER_TOTAL_MS;
	}
	if (!connection->looking && connection->begun < connection->address_count) {
		if (now >= connection->next_attempt)
			attempt_next(connection);
		if (connection->answered)
			return LIMIT_BROKER_TOTAL_MS;
		if (connection->begun < connection->address_count && connection->next_attempt < next)
			next = connection->next_attempt;
	}
	return (int)(next - now);
}

void connection_free(struct connection *connection)
{
	close_attempts(connection);
	close_fd(&connection->fd);
	buffer_deinit(&connection->payload);
	free(connection);
}
