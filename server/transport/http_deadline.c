/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a client may take: to send a whole head, to send a whole body, to take its answer. The daemon
 * knows only connections on which nothing passes; one that gets a byte through now and then would live for
 * ever. So each connection has a timer, and what passes meanwhile earns more time, at the least speed that is
 * accepted.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "protocol/limits.h"
#include "server/transport/http_exchange.h"

#define REASON "the message did not come in whole in time (--request-timeout)"
#define BODY   "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32600,\"message\":\"" REASON "\"}}"

/* The daemon takes no response before the body is whole, so this is said past it, and nothing after it. */
static void say_too_slow(struct link *link, const char *id)
{
	char answer[512];
	int length = snprintf(answer, sizeof answer,
			      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nX-Request-Id: %s\r\n"
			      "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
			      id, sizeof BODY - 1, BODY);

	send(link->source.fd, answer, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void end(struct link *link)
{
	struct exchange *exchange = link->exchange;

	/* of a head that is not whole nobody knows whether it is one; and TLS is the daemon's to speak */
	if (exchange && exchange->state == EXCHANGE_BODY &&
	    !MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)) {
		exchange_answered(exchange, MHD_HTTP_REQUEST_TIMEOUT);
		say_too_slow(link, exchange->id);
	}
	shutdown(link->source.fd, SHUT_RDWR); /* the daemon sees that it has ended */
}

static uint64_t due(const struct link *link)
{
	return link->since + link->allowed + link->moved * 1000000000 / LIMIT_HTTP_LEAST_BYTES;
}

static void passed(struct loop_timer *timer)
{
	struct link *link = (struct link *)((char *)timer - offsetof(struct link, timer));

	if (due(link) <= link->http->loop->now || loop_timer_set(link->http->loop, timer, due(link)) < 0)
		end(link);
}

void link_expect(struct link *link, unsigned milliseconds, uint64_t moved)
{
	link->timer.fire = passed;
	link->since = link->http->loop->now;
	link->allowed = LOOP_MS(milliseconds);
	link->moved = moved;
	if (loop_timer_set(link->http->loop, &link->timer, due(link)) < 0)
		shutdown(link->source.fd, SHUT_RDWR); /* without a bound it may not go on */
}

void link_rest(struct link *link)
{
	loop_timer_clear(link->http->loop, &link->timer);
}
