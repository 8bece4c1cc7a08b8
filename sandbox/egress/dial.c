/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a host to a connected socket: rules on the name, the name's addresses, rules on each address, then the
 * addresses one after the other, the next beside the last after a quarter of a second (RFC 8305), the first
 * that stands wins. The addresses that were judged are the ones that are connected to: nothing is resolved
 * twice.
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
#include "protocol/clock.h"
#include "sandbox/egress/broker.h"

static void end(struct dial *dial)
{
	for (size_t i = 0; i < dial->begun; i++)
		close_fd(&dial->attempts[i].fd);
	dial->running = 0;
	dial->over = true;
}

static void answer(struct dial *dial, struct dial_result *result)
{
	end(dial);
	dial->done(dial->context, result);
	close_fd(&result->fd);
}

static void __attribute__((format(printf, 3, 4))) fail(struct dial *dial, int error, const char *format, ...)
{
	struct dial_result result = {.kind = DIAL_FAILED, .fd = -1, .error = error};
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	result.text = text;
	answer(dial, &result);
}

static void refuse(struct dial *dial, const struct rules_answer *rules)
{
	answer(dial, &(struct dial_result){.kind = DIAL_REFUSED, .fd = -1, .rules = rules});
}

static void connected(struct dial *dial, struct attempt *attempt)
{
	struct dial_result result = {.kind = DIAL_CONNECTED,
				     .address = &dial->addresses[attempt - dial->attempts]};

	/* the description lives on elsewhere: epoll must forget it here */
	epoll_ctl(dial->broker->epoll, EPOLL_CTL_DEL, attempt->fd, NULL);
	result.fd = steal_fd(&attempt->fd);
	answer(dial, &result);
}

static void unreachable(struct dial *dial)
{
	char text[ADDRESS_TEXT_BYTES], more[48] = "";

	address_text(&dial->addresses[0], text);
	if (dial->address_count > 1)
		snprintf(more, sizeof more, ", nor by %zu other address%s", dial->address_count - 1,
			 dial->address_count > 2 ? "es" : "");
	fail(dial, dial->error, "connecting to %s port %u failed: %s (at %s%s)", dial->host, dial->port,
	     strerror(dial->error), text, more);
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
	/* whoever gets it has no need of setsockopt then; without it requests only wait a little */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	memcpy(&ipv4.sin_addr, address->bytes, 4);
	memcpy(&ipv6.sin6_addr, address->bytes, 16);
	if (connect(fd, four ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6,
		    four ? sizeof ipv4 : sizeof ipv6) < 0 &&
	    errno != EINPROGRESS)
		return -errno;
	return steal_fd(&fd);
}

static void attempt_failed(struct dial *dial, int error)
{
	if (!dial->error)
		dial->error = error;
}

static void attempt_next(struct dial *dial);

static void attempt_ready(struct source *source, uint32_t events)
{
	struct attempt *attempt = (struct attempt *)source;
	struct dial *dial = attempt->dial;
	int error = 0;
	socklen_t length = sizeof error;

	(void)events;
	if (attempt->fd < 0 || dial->over) /* closed earlier in this turn */
		return;
	if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (!error) {
		connected(dial, attempt);
		return;
	}
	attempt_failed(dial, error);
	close_fd(&attempt->fd);
	dial->running--;
	attempt_next(dial);
}

/* Begins the next address; those that fail at once are passed over. With none left and none running, that is
 * the answer. */
static void attempt_next(struct dial *dial)
{
	while (dial->begun < dial->address_count) {
		struct attempt *attempt = &dial->attempts[dial->begun];

		attempt->source.ready = attempt_ready;
		attempt->dial = dial;
		attempt->fd = open_socket(&dial->addresses[dial->begun++], dial->port);
		if (attempt->fd >= 0 &&
		    broker_watch(dial->broker, EPOLL_CTL_ADD, attempt->fd, EPOLLOUT, &attempt->source) < 0) {
			attempt_failed(dial, errno);
			close_fd(&attempt->fd);
			continue;
		}
		if (attempt->fd >= 0) {
			dial->running++;
			dial->next_attempt = clock_ms() + LIMIT_BROKER_ATTEMPT_MS;
			return;
		}
		attempt_failed(dial, -attempt->fd);
		attempt->fd = -1;
	}
	if (!dial->running)
		unreachable(dial);
}

/* Keeps the addresses that the rules allow. If there is none, the first refusal is the answer. */
static void judge(struct dial *dial, const struct address *addresses, size_t count)
{
	struct rules_answer rules, refusal = {0};

	for (size_t i = 0; i < count; i++) {
		if (rules_address(dial->broker->plan, dial->host, dial->port, &addresses[i], &rules))
			dial->addresses[dial->address_count++] = addresses[i];
		else if (!refusal.rule[0])
			refusal = rules;
	}
	if (dial->address_count)
		attempt_next(dial);
	else
		refuse(dial, &refusal);
}

static void looked_up(void *context, int result, const struct address *addresses, size_t count,
		      const char *why)
{
	struct dial *dial = context;

	dial->looking = false;
	if (dial->over) /* the sweep frees it now */
		return;
	if (result < 0)
		fail(dial, -result, "looking up %s failed: %s", dial->host, why);
	else
		judge(dial, addresses, count);
}

struct dial *dial_new(struct broker *broker, const char *host, uint16_t port, uint32_t ms,
		      void (*done)(void *context, struct dial_result *result), void *context)
{
	struct dial *dial = calloc(1, sizeof *dial);

	if (!dial)
		return NULL;
	dial->broker = broker;
	dial->done = done;
	dial->context = context;
	dial->port = port;
	dial->asked = clock_ms();
	dial->deadline = dial->asked + (ms < LIMIT_BROKER_TOTAL_MS ? ms : LIMIT_BROKER_TOTAL_MS);
	snprintf(dial->host, sizeof dial->host, "%s", host);
	dial->next = broker->dials;
	broker->dials = dial;
	return dial;
}

void dial_start(struct dial *dial)
{
	struct rules_answer rules;

	if (!rules_host(dial->broker->plan, dial->host, dial->port, &rules)) {
		refuse(dial, &rules);
		return;
	}
	dial->looking = true;
	resolver_lookup(dial->broker->resolver, dial->host, looked_up, dial);
}

void dial_abandon(struct dial *dial)
{
	end(dial);
}

int dial_expire(struct dial *dial, uint64_t now)
{
	uint64_t next = dial->deadline;

	if (dial->over)
		return LIMIT_BROKER_TOTAL_MS;
	if (now >= dial->deadline) {
		fail(dial, ETIMEDOUT, "%s %s port %u took longer than %.1f s",
		     dial->looking ? "looking up" : "connecting to", dial->host, dial->port,
		     (double)(now - dial->asked) / 1000);
		return LIMIT_BROKER_TOTAL_MS;
	}
	if (!dial->looking && dial->begun < dial->address_count) {
		if (now >= dial->next_attempt)
			attempt_next(dial);
		if (dial->over)
			return LIMIT_BROKER_TOTAL_MS;
		if (dial->begun < dial->address_count && dial->next_attempt < next)
			next = dial->next_attempt;
	}
	return (int)(next - now);
}

void dials_sweep(struct broker *broker)
{
	for (struct dial **at = &broker->dials; *at;) {
		struct dial *dial = *at;

		if (dial->over && !dial->looking) {
			*at = dial->next;
			free(dial);
		} else {
			at = &dial->next;
		}
	}
}
