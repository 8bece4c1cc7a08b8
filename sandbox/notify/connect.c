/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections, where commands have no network of their own (notify.h). What a command makes as a socket of
 * TCP is one, and reaches nobody by itself. connect() is asked here: the address is read once, the broker
 * judges it and hands over a connection, which takes the place of the command's own under the same number. It
 * is connected for good: to dissolve it would be another connect(), and is refused.
 *
 * UDP they have none, since a datagram goes wherever its sender says, at each send, where nobody can look.
 * What they get for it is a unix socket: first one that leads nowhere, and when it is connected to port 53, a
 * line to the broker that answers names. Whose name server that would have been does not matter.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/frame.h"
#include "sandbox/egress/addresses.h"
#include "sandbox/egress/listeners.h"
#include "sandbox/notify/notify.h"

/* ---- what the caller says ---- */

struct wanted {
	sa_family_t family;
	struct address address;
	uint16_t port;
};

/* Both ways to write "this machine" become the loopback, as in the kernel; IPv4 in IPv6 is IPv4. */
static void plain(struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}, zero[16];

	if (address->family == AF_INET6 && memcmp(address->bytes, mapped, sizeof mapped) == 0) {
		address->family = AF_INET;
		memmove(address->bytes, address->bytes + sizeof mapped, 4);
		memset(address->bytes + 4, 0, sizeof address->bytes - 4);
	}
	if (memcmp(address->bytes, zero, sizeof zero) != 0)
		return;
	if (address->family == AF_INET)
		address->bytes[0] = 127;
	address->bytes[address->family == AF_INET ? 3 : 15] = 1;
}

/* The address of connect() or bind(), as the kernel would take it. 0 or -errno. */
static int read_address(const struct notify_call *call, struct wanted *wanted)
{
	struct sockaddr_storage given = {.ss_family = AF_UNSPEC};
	int length = (int)call->arguments[2], result;

	*wanted = (struct wanted){.family = AF_UNSPEC};
	if (length < 0 || (size_t)length > sizeof given)
		return -EINVAL;
	result = target_bytes(call, call->arguments[1], &given, (size_t)length);
	if (result < 0)
		return result;
	if ((size_t)length < sizeof given.ss_family)
		return -EINVAL;
	wanted->family = given.ss_family;
	if ((given.ss_family == AF_INET && (size_t)length < sizeof(struct sockaddr_in)) ||
	    (given.ss_family == AF_INET6 && length < 24)) /* SIN6_LEN_RFC2133: without the scope */
		return -EINVAL;
	if (address_from_socket(&wanted->address, (const struct sockaddr *)&given) == 0)
		wanted->port = ntohs(((const struct sockaddr_in *)&given)->sin_port); /* same place in both */
	return 0;
}

/* Its socket: true for TCP, false for what stands for UDP. Or -errno. */
static int is_tcp(const struct notify_call *call, ino_t *inode)
{
	char protocol[32];
	int result = target_socket(call, (int)call->arguments[0], protocol, sizeof protocol, inode);

	return result < 0 ? result : strncmp(protocol, "TCP", 3) == 0;
}

/* ---- UDP ---- */

long call_socket(struct notify_call *call)
{
	int type = (int)call->arguments[1];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (type & SOCK_NONBLOCK), 0);

	return fd < 0 ? -errno : notify_give(call, fd, type & SOCK_CLOEXEC);
}

/* A line to the broker's DNS in the place of the caller's socket. */
static long connect_line(struct notify_call *call)
{
	_cleanup_fd_ int near = -1, far = -1;
	int sockets[2], result, flags = target_flags(call, (int)call->arguments[0]);

	if (flags < 0)
		return flags;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	near = sockets[0];
	far = sockets[1];
	frame_refuse_descriptors(far); /* the broker serves others too, and must not wait for one to close */
	if (fcntl(near, F_SETFL, flags & O_NONBLOCK) < 0)
		return -errno;
	result = notify_ask_names(call->notify, far);
	if (result == -EAGAIN)
		return NOTIFY_LATER;
	return result < 0 ? -ENETUNREACH
			  : notify_replace(call, near, (int)call->arguments[0], flags & O_CLOEXEC);
}

/* ---- TCP ---- */

static bool is_connected(const struct notify *notify, ino_t inode)
{
	for (size_t i = 0; i < ARRAY_SIZE(notify->connected); i++)
		if (notify->connected[i] == inode)
			return true;
	return false;
}

static void remember(struct notify *notify, int socket)
{
	struct stat status;

	if (fstat(socket, &status) < 0)
		return;
	notify->connected[notify->connected_next] = status.st_ino;
	notify->connected_next = (notify->connected_next + 1) % ARRAY_SIZE(notify->connected);
}

/* The broker has answered, or is late. */
static long finish(struct notify_call *call)
{
	int flags, number = (int)call->arguments[0], error = call->error;
	socklen_t length = sizeof error;

	if (!call->answered)
		return clock_ms() < call->deadline ? NOTIFY_LATER : -ETIMEDOUT;
	if (error || call->kept < 0)
		return -(error ? error : EIO);
	flags = target_flags(call, number);
	if (flags < 0)
		return flags;
	if (!(flags & O_NONBLOCK)) {
		if (poll(&(struct pollfd){.fd = call->kept, .events = POLLOUT}, 1, 0) == 0)
			return NOTIFY_LATER; /* the broker has no room for it yet */
		if (getsockopt(call->kept, SOL_SOCKET, SO_ERROR, &error, &length) < 0 || error)
			return -(error ? error : errno);
	}
	if (fcntl(call->kept, F_SETFL, flags & O_NONBLOCK) < 0)
		return -errno;
	remember(call->notify, call->kept);
	long result = notify_replace(call, call->kept, number, flags & O_CLOEXEC);

	/* as over any network: whoever does not wait hears when it can be written to */
	return result == 0 && (flags & O_NONBLOCK) ? -EINPROGRESS : result;
}

static long connect_tcp(struct notify_call *call, const struct wanted *wanted)
{
	struct address address = wanted->address;
	char text[ADDRESS_TEXT_BYTES];
	int result;

	plain(&address);
	address_text(&address, text);
	result = notify_ask_reach(call->notify, text, wanted->port, &call->asked);
	if (result == -EAGAIN)
		return NOTIFY_LATER;
	if (result < 0)
		return -ENETUNREACH;
	call->deadline = clock_ms() + LIMIT_NOTIFY_REACH_MS;
	return NOTIFY_LATER;
}

long call_connect(struct notify_call *call)
{
	struct wanted wanted;
	ino_t inode;
	int tcp, result;

	if (call->asked)
		return finish(call);
	tcp = is_tcp(call, &inode);
	if (tcp < 0)
		return tcp;
	result = read_address(call, &wanted);
	if (result == 0)
		result = (int)target_valid(call);
	if (result != 0)
		return result;
	if (wanted.family == AF_UNSPEC)
		return tcp ? -EACCES : 0; /* what stands for UDP has no peer to be dissolved from */
	if (wanted.family != AF_INET && wanted.family != AF_INET6)
		return wanted.family == AF_UNIX ? -EACCES : -EAFNOSUPPORT;
	if (!tcp)
		return wanted.port == LISTENERS_DNS_PORT ? connect_line(call) : -ENETUNREACH;
	return is_connected(call->notify, inode) ? -EISCONN : connect_tcp(call, &wanted);
}

/* Any address and any port is what a socket has anyway. There is nobody here to listen to. */
long call_bind(struct notify_call *call)
{
	static const struct address any = {AF_INET, {0}}, any6 = {AF_INET6, {0}};
	struct wanted wanted;
	ino_t inode;
	int result = is_tcp(call, &inode);

	if (result >= 0)
		result = read_address(call, &wanted);
	if (result < 0)
		return result;
	return wanted.port == 0 &&
			       (address_equal(&wanted.address, &any) || address_equal(&wanted.address, &any6))
		       ? 0
		       : -EACCES;
}
