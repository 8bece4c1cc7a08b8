/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A nanny between a server that listens inside the sandbox and who fetches from it outside (KEEPER_CONNECT).
 * The connection to the server stays here: a descriptor that came from inside could make those outside wait
 * when they close it. They have one end of a pair that the frontend made, and see bytes.
 *
 * Nothing here is more than any command could do: the loopback is the sandbox's own.
 */
#include "sandbox/keeper/inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/keeper/wire.h"

/* One way. Nothing is read before what came last was written. */
struct flow {
	int from, to;
	size_t start, end;
	bool ended; /* no more comes, and that was passed on */
	char *bytes;
};

enum { LEASH, SERVER, OUTSIDE };

/* ---- connecting ---- */

/* Waits until `fd` is connected or the leash says anything. 0 or -errno. */
static int await(int leash, int fd)
{
	struct pollfd watched[2];
	socklen_t size = sizeof(int);
	int error = 0;

	watched[LEASH] = (struct pollfd){.fd = leash, .events = POLLIN};
	watched[SERVER] = (struct pollfd){.fd = fd, .events = POLLOUT};
	while (poll(watched, ARRAY_SIZE(watched), -1) < 0)
		if (errno != EINTR)
			return -errno;
	if (watched[LEASH].revents)
		return -ECANCELED;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? -errno : -error;
}

/* A connected socket or -errno. */
static int connect_to(int leash, const struct sockaddr *address, socklen_t length)
{
	_cleanup_fd_ int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int one = 1;
	int result = 0;

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(fd, address, length) < 0)
		result = errno == EINPROGRESS ? await(leash, fd) : -errno;
	return result < 0 ? result : steal_fd(&fd);
}

static int connect_inside(int leash, uint16_t port, uint32_t place)
{
	const struct sockaddr_in6 ipv6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr_in ipv4 = {.sin_family = AF_INET,
					 .sin_port = htons(port),
					 .sin_addr.s_addr = htonl(place > 1 ? place : INADDR_LOOPBACK)};
	int fd = -ECONNREFUSED, second;

	if (place != 1)
		fd = connect_to(leash, (const struct sockaddr *)&ipv4, sizeof ipv4);
	if (fd >= 0 || place > 1 || fd == -ECANCELED)
		return fd;
	second = connect_to(leash, (const struct sockaddr *)&ipv6, sizeof ipv6);
	/* without IPv6 what the other said holds */
	return second < 0 && place == 0 ? fd : second;
}

/* ---- relaying ---- */

/* False when the connection is broken. */
static bool take(struct flow *flow)
{
	ssize_t got = recv(flow->from, flow->bytes, LIMIT_INSIDE_BYTES, MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->start = 0;
	flow->end = (size_t)got;
	if (got == 0) {
		flow->ended = true;
		return shutdown(flow->to, SHUT_WR) == 0;
	}
	return true;
}

static bool give(struct flow *flow)
{
	while (flow->start < flow->end) {
		ssize_t sent = send(flow->to, flow->bytes + flow->start, flow->end - flow->start,
				    MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->start += (size_t)sent;
	}
	return true;
}

static bool has_some(const struct flow *flow)
{
	return flow->start < flow->end;
}

/* As much as passes without waiting, a bounded piece at a time. */
static bool move(struct flow *flow)
{
	if (!flow->ended && !has_some(flow) && !take(flow))
		return false;
	return give(flow);
}

/* It takes no more: what was for it is dropped, and what it says may still come. */
static void give_up(struct flow *flow)
{
	flow->ended = true;
	flow->start = flow->end;
}

/* What can go on now; a connection that ended is not waited for unless its end is what is waited for. */
static struct pollfd wait_for(int fd, const struct flow *from, const struct flow *to, bool end)
{
	short events = (short)((from->ended || has_some(from) ? 0 : POLLIN) | (has_some(to) ? POLLOUT : 0));

	return (struct pollfd){.fd = events || end ? fd : -1, .events = events};
}

static void relay(int leash, struct flow *in, struct flow *out)
{
	struct pollfd watched[3];

	watched[LEASH] = (struct pollfd){.fd = leash, .events = POLLIN};
	while (!in->ended || !out->ended || has_some(in) || has_some(out)) {
		watched[SERVER] = wait_for(in->to, out, in, false);
		watched[OUTSIDE] = wait_for(in->from, in, out, in->ended);
		if (poll(watched, ARRAY_SIZE(watched), -1) < 0) {
			if (errno != EINTR)
				return;
			continue;
		}
		if (watched[LEASH].revents || watched[OUTSIDE].revents & (POLLERR | POLLNVAL))
			return;
		/* both ways are closed out there: nobody hears the server any more */
		if (in->ended && watched[OUTSIDE].revents & POLLHUP)
			return;
		if (!move(in))
			give_up(in);
		if (!move(out))
			return;
	}
}

/* ---- one request ---- */

static int read_request(const struct frame_header *header, const struct buffer *payload,
			const struct frame_descriptors *descriptors, uint16_t *port, uint32_t *place)
{
	struct frame_reader reader;
	uint32_t number;

	frame_read(&reader, buffer_data(payload), buffer_length(payload));
	number = frame_get_u32(&reader);
	*place = frame_get_u32(&reader);
	*port = (uint16_t)number;
	if (frame_done(&reader) < 0 || header->value || descriptors->count != 2 || number < 1 ||
	    number > UINT16_MAX || (*place > 1 && *place >> 24 != IN_LOOPBACKNET))
		return -EPROTO;
	return 0;
}

static void answer(int leash, uint32_t call, int result)
{
	struct frame_header header = {.type = result < 0 ? KEEPER_FAILED : KEEPER_CONNECTED,
				      .call = call,
				      .value = result < 0 ? (uint32_t)-result : 0};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};

	if (result < 0 && (frame_put_text(&payload, "connect") < 0 || frame_put_text(&payload, "") < 0))
		return;
	frame_send(leash, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0, MSG_DONTWAIT);
}

void inside_serve(const struct frame_header *header, const struct buffer *payload,
		  const struct frame_descriptors *descriptors)
{
	const int leash = descriptors->fds[0], outside = descriptors->fds[1];
	_cleanup_fd_ int server = -1;
	_cleanup_free_ char *bytes = NULL;
	uint16_t port;
	uint32_t place;
	int result = read_request(header, payload, descriptors, &port, &place);

	if (result == 0 && !(bytes = malloc(2 * LIMIT_INSIDE_BYTES)))
		result = -ENOMEM;
	if (result == 0)
		result = server = connect_inside(leash, port, place);
	answer(leash, header->call, result);
	if (result < 0)
		return;
	relay(leash, &(struct flow){.from = outside, .to = server, .bytes = bytes},
	      &(struct flow){.from = server, .to = outside, .bytes = bytes + LIMIT_INSIDE_BYTES});
}
