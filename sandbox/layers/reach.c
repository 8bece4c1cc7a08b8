/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands without a network of their own that may reach something: the broker connects, the keeper asks for
 * it (notify/connect.c). Two sockets are made here and passed out: one that listens on the machine's
 * loopback, at which the broker takes its own connections for this sandbox and sends everybody else away
 * (egress/reach.c), and the broker's end of the channel. The keeper keeps the other end.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/rules.h"
#include "sandbox/spawner/setup.h"

int layer_reach(struct layer_context *context)
{
	struct sockaddr_in loopback = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct frame_header header = {.type = SETUP_LISTENING};
	_cleanup_fd_ int listener = -1, near = -1, far = -1;
	int channel[2], result;

	if (!rules_for_commands(&context->executor->plan))
		return 0;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0)
		return layer_failed(&context->failure, "socket", "AF_INET");
	if (bind(listener, (const struct sockaddr *)&loopback, sizeof loopback) < 0)
		return layer_failed(&context->failure, "bind", "127.0.0.1");
	if (listen(listener, LIMIT_LISTENER_QUEUE) < 0)
		return layer_failed(&context->failure, "listen", "127.0.0.1");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return layer_failed(&context->failure, "socketpair", NULL);
	near = channel[0];
	far = channel[1];
	result = frame_send(SETUP_SOCKET, &header, NULL, 0, (const int[]){listener, far}, 2, 0);
	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "send", "listening socket");
	}
	context->executor->reach = steal_fd(&near);
	return 0;
}
