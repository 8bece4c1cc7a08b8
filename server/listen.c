/* SPDX-License-Identifier: Apache-2.0 */
/* Opening what an HTTP server listens on (listen.h), before anything was read from anybody. */
#include "server/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

#define DEFAULT_ADDRESS "127.0.0.1:8931"
#define UNIX_PREFIX     "unix:"
#define FIRST_PASSED    3 /* SD_LISTEN_FDS_START */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static bool is_loopback(const union address *address)
{
	switch (address->any.sa_family) {
	case AF_INET:
		return (ntohl(address->v4.sin_addr.s_addr) >> 24) == 127;
	case AF_INET6:
		return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
	default:
		return address->any.sa_family == AF_UNIX;
	}
}

/* What it is bound to, which port 0 and systemd leave open. */
static int describe(struct listener *listener, const char *scheme, struct err *err)
{
	union address address = {0};
	socklen_t length = sizeof address;
	char text[INET6_ADDRSTRLEN];

	if (getsockname(listener->fd, &address.any, &length) < 0)
		return err_set(err, -errno, "getsockname: %s", err_name(errno));
	listener->local = address.any.sa_family == AF_UNIX;
	listener->loopback = is_loopback(&address);
	if (listener->local)
		snprintf(listener->text, sizeof listener->text, "the Unix socket %s", address.local.sun_path);
	else if (address.any.sa_family == AF_INET)
		snprintf(listener->text, sizeof listener->text, "%s://%s:%u/mcp", scheme,
			 inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text),
			 ntohs(address.v4.sin_port));
	else
		snprintf(listener->text, sizeof listener->text, "%s://[%s]:%u/mcp", scheme,
			 inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text),
			 ntohs(address.v6.sin6_port));
	return 0;
}

/* 0, or -EINVAL. */
static int read_address(const char *text, union address *address, socklen_t *length)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2], *end;
	unsigned long port;

	if (!colon || (size_t)(colon - text) >= sizeof host || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX)
		return -EINVAL;
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t)port);
		*length = sizeof address->v4;
		return 0;
	}
	end = strchr(host, ']');
	if (host[0] != '[' || !end || end[1])
		return -EINVAL;
	*end = '\0';
	if (inet_pton(AF_INET6, host + 1, &address->v6.sin6_addr) != 1)
		return -EINVAL;
	address->v6.sin6_family = AF_INET6;
	address->v6.sin6_port = htons((uint16_t)port);
	*length = sizeof address->v6;
	return 0;
}

static int open_network(const char *text, struct err *err)
{
	union address address = {0};
	socklen_t length;
	int on = 1;

	if (read_address(text, &address, &length) < 0)
		return err_set(err, -EINVAL,
			       "--listen needs ADDRESS:PORT with an address in numbers, [IPV6]:PORT or "
			       "unix:PATH, not "
			       "\"%.100s\"",
			       text);
	_cleanup_fd_ int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, -errno, "socket: %s", err_name(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, &address.any, length) < 0 || listen(fd, SOMAXCONN) < 0)
		return err_set(err, -errno, "%s cannot be listened on: %s%s", text, strerror(errno),
			       errno == EADDRINUSE ? "; another program does, or this one twice" : "");
	return steal_fd(&fd);
}

/* Is somebody listening there? Then it is theirs. */
static bool is_taken(const union address *address)
{
	_cleanup_fd_ int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return probe < 0 || connect(probe, &address->any, sizeof address->local) == 0 ||
	       errno != ECONNREFUSED;
}

static int open_local(const char *path, bool everybody, struct err *err)
{
	union address address = {.local = {.sun_family = AF_UNIX}};
	struct stat status;
	mode_t mask;
	int result;

	if (!*path || strlen(path) >= sizeof address.local.sun_path)
		return err_set(err, -EINVAL, "--listen unix:PATH needs a path of at most %zu bytes",
			       sizeof address.local.sun_path - 1);
	memcpy(address.local.sun_path, path, strlen(path) + 1);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(err, -errno, "socket: %s", err_name(errno));
	if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode) && !is_taken(&address))
		unlink(path);
	mask = umask(everybody ? 0111 : 0177);
	result = bind(fd, &address.any, sizeof address.local) < 0 || listen(fd, SOMAXCONN) < 0 ? -errno : 0;
	umask(mask);
	if (result < 0)
		return err_set(err, result, "%s cannot be listened on: %s", path, strerror(-result));
	return steal_fd(&fd);
}

/* 0 and *fd, -1 there if none was handed over; or -errno. */
static int take_passed(int *fd, struct err *err)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	int accepting = 0;
	socklen_t length = sizeof accepting;

	*fd = -1;
	if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strtol(count, NULL, 10) < 1)
		return 0;
	if (strtol(count, NULL, 10) > 1)
		return err_set(err, -EINVAL,
			       "systemd passes %.9s sockets, and one is listened on: its socket unit "
			       "is to have one ListenStream=",
			       count);
	if (getsockopt(FIRST_PASSED, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &length) < 0 || !accepting)
		return err_set(err, -EINVAL,
			       "systemd passes a socket that does not listen: its socket unit is to "
			       "have a ListenStream=, and not Accept=yes");
	fcntl(FIRST_PASSED, F_SETFD, FD_CLOEXEC);
	fcntl(FIRST_PASSED, F_SETFL, O_RDWR | O_NONBLOCK);
	*fd = FIRST_PASSED;
	return 0;
}

int listener_open(struct listener *listener, const char *address, bool everybody, const char *scheme,
		  struct err *err)
{
	int result;

	listener->fd = -1;
	if (!address) {
		result = take_passed(&listener->fd, err);
		if (result < 0)
			return result;
		address = DEFAULT_ADDRESS;
	}
	if (listener->fd < 0)
		listener->fd = strncmp(address, UNIX_PREFIX, strlen(UNIX_PREFIX)) == 0
				       ? open_local(address + strlen(UNIX_PREFIX), everybody, err)
				       : open_network(address, err);
	return listener->fd < 0 ? listener->fd : describe(listener, scheme, err);
}
