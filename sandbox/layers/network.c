/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of a sandbox: a namespace with nothing but a loopback. Where the policy names hosts for
 * commands, that loopback also has the range of addresses that names stand for, and sockets listen on it that
 * the broker accepts on from outside (sandbox/egress/listeners.h). They are made here, passed out, and
 * closed: nothing inside holds a socket that leads anywhere, and what has no listener is refused or
 * unreachable by the kernel.
 */
#include "sandbox/layers/layer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/egress/rules.h"
#include "sandbox/spawner/setup.h"

static int bring_up(struct layer_context *context)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	_cleanup_fd_ int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (any < 0)
		return layer_failed(&context->failure, "socket", "AF_INET");
	if (ioctl(any, SIOCSIFFLAGS, &request) < 0)
		return layer_failed(&context->failure, "SIOCSIFFLAGS", "lo");
	return 0;
}

/* ---- addresses: rtnetlink(7) ---- */

struct address_request {
	struct nlmsghdr header;
	struct ifaddrmsg body;
	struct rtattr attribute;
	uint8_t bytes[16];
};

struct address_answer {
	struct nlmsghdr header;
	struct nlmsgerr error;
	char rest[256]; /* what was asked, and what the kernel says about it */
};

/* Makes `address` the loopback's own, with all of its prefix. 0 or -errno. */
static int add_address(int netlink, const struct address *address, unsigned prefix)
{
	size_t length = address->family == AF_INET ? 4 : 16;
	struct address_request request = {
		.header = {.nlmsg_type = RTM_NEWADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE},
		.body = {.ifa_family = (uint8_t)address->family,
			 .ifa_prefixlen = (uint8_t)prefix,
			 .ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD,
			 .ifa_index = 1}, /* lo is the first in every namespace */
		.attribute = {.rta_type = IFA_LOCAL, .rta_len = (unsigned short)RTA_LENGTH(length)}};
	struct address_answer answer;

	request.header.nlmsg_len = (uint32_t)(offsetof(struct address_request, bytes) + length);
	memcpy(request.bytes, address->bytes, length);
	if (send(netlink, &request, request.header.nlmsg_len, 0) < 0 ||
	    recv(netlink, &answer, sizeof answer, 0) < (ssize_t)offsetof(struct address_answer, rest))
		return errno ? -errno : -EPROTO;
	if (answer.header.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error == -EEXIST ? 0 : answer.error.error;
}

static int add_addresses(struct layer_context *context)
{
	const struct plan *plan = &context->executor->plan;
	struct address own = {.family = AF_INET};
	_cleanup_fd_ int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint32_t number = htonl(SYNTHETIC_OWN);
	int result;

	if (netlink < 0)
		return layer_failed(&context->failure, "socket", "AF_NETLINK");
	memcpy(own.bytes, &number, sizeof number);
	/* an address of the loopback makes all of its prefix local */
	result = add_address(netlink, &own, SYNTHETIC_PREFIX_BITS);
	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "RTM_NEWADDR", "198.18.0.0/15");
	}
	for (size_t i = 0; i < plan->allowed_count; i++) {
		struct address address;

		/* what no interface can have (multicast, or IPv6 where there is none) nobody connects to
		 * either */
		if (listeners_local(&plan->allowed[i], &address))
			(void)add_address(netlink, &address, address.family == AF_INET ? 32 : 128);
	}
	return 0;
}

/* ---- sockets ---- */

/* A bound socket, or -errno with the failure noted. */
static int open_listener(struct layer_context *context, const struct listener *listener, int type)
{
	struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(listener->port)};
	struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(listener->port)};
	bool four = listener->address.family == AF_INET;
	_cleanup_fd_ int fd = socket(listener->address.family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char name[ADDRESS_TEXT_BYTES + 16], address[ADDRESS_TEXT_BYTES];
	int one = 1;

	address_text(&listener->address, address);
	snprintf(name, sizeof name, "%s port %u", address, listener->port);
	if (fd < 0)
		return layer_failed(&context->failure, "socket", name);
	if (!four && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) < 0)
		return layer_failed(&context->failure, "IPV6_V6ONLY", name);
	memcpy(&ipv4.sin_addr, listener->address.bytes, 4);
	memcpy(&ipv6.sin6_addr, listener->address.bytes, 16);
	if (bind(fd, four ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6,
		 four ? sizeof ipv4 : sizeof ipv6) < 0)
		return layer_failed(&context->failure, "bind", name);
	if (type == SOCK_STREAM && listen(fd, LIMIT_LISTENER_QUEUE) < 0)
		return layer_failed(&context->failure, "listen", name);
	return steal_fd(&fd);
}

static int pass_out(struct layer_context *context, int *sockets, size_t *count)
{
	struct frame_header header = {.type = SETUP_LISTENING};
	int result = *count ? frame_send(SETUP_SOCKET, &header, NULL, 0, sockets, *count, 0) : 0;

	while (*count)
		close(sockets[--*count]);
	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "send", "listening sockets");
	}
	return 0;
}

/* One socket; those that stand are passed out when the frame is full. */
static int add_listener(struct layer_context *context, const struct listener *listener, int type,
			int *sockets, size_t *count)
{
	int fd = open_listener(context, listener, type);

	/* an IPv6 address that could not be added, or a kernel without: nobody connects to it */
	if (fd < 0)
		return listener->address.family == AF_INET6 || fd == -EADDRNOTAVAIL ? 0 : fd;
	sockets[(*count)++] = fd;
	return *count == LIMIT_FRAME_DESCRIPTORS ? pass_out(context, sockets, count) : 0;
}

static int listen_inside(struct layer_context *context)
{
	struct listener list[LIMIT_LISTENERS];
	const struct listener dns = {{AF_INET, {127, 0, 0, 1}}, LISTENERS_DNS_PORT};
	int sockets[LIMIT_FRAME_DESCRIPTORS];
	int listeners = listeners_list(&context->executor->plan, list, ARRAY_SIZE(list)), result;
	size_t count = 0;

	if (listeners < 0) {
		errno = -listeners;
		return layer_failed(&context->failure, "listening sockets",
				    "network.allowedDomains names too many ports");
	}
	result = add_listener(context, &dns, SOCK_DGRAM, sockets, &count);
	for (int i = 0; i < listeners && result == 0; i++)
		result = add_listener(context, &list[i], SOCK_STREAM, sockets, &count);
	if (result < 0) {
		struct layer_failure failure = context->failure;

		(void)pass_out(context, sockets, &count); /* closes them */
		context->failure = failure;
		return result;
	}
	return pass_out(context, sockets, &count);
}

int layer_network(struct layer_context *context)
{
	int result = bring_up(context);

	if (result < 0 || !rules_for_commands(&context->executor->plan))
		return result;
	result = add_addresses(context);
	return result < 0 ? result : listen_inside(context);
}
