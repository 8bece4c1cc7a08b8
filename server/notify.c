/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told (notify.h). */
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cleanup.h"

int notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = name ? strlen(name) : 0;
	_cleanup_fd_ int fd = -1;

	if (length < 2 || length >= sizeof address.sun_path || (*name != '/' && *name != '@'))
		return -1;
	memcpy(address.sun_path, name, length + 1);
	if (*name == '@')
		address.sun_path[0] = '\0'; /* abstract: its name has no NUL at the end */
	else
		length++;
	unsetenv("NOTIFY_SOCKET");
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		return -1;
	return steal_fd(&fd);
}

static void tell(int socket, const char *text)
{
	if (socket >= 0)
		send(socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void notify_ready(int socket, const char *status)
{
	char text[512];

	snprintf(text, sizeof text, "READY=1%s%s", status ? "\nSTATUS=" : "", status ? status : "");
	tell(socket, text);
}

void notify_reloading(int socket)
{
	struct timespec now;
	char text[80];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%llu",
		 (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	tell(socket, text);
}

void notify_stopping(int socket)
{
	tell(socket, "STOPPING=1");
}
