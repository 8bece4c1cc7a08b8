/* SPDX-License-Identifier: Apache-2.0 */
/* What an executor and its peers talk over. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/ring.h"
#include "sandbox/executor.h"
#include "sandbox/spawner/setup.h"

void channels_close(struct channels *channels)
{
	for (size_t i = 0; i < channels->child_count; i++)
		close_fd(&channels->child[i]);
	for (size_t i = 0; i < channels->frontend_count; i++)
		close_fd(&channels->frontend[i]);
	channels->child_count = channels->frontend_count = 0;
}

/* A socket whose far end is the child's next channel; the near end must never make its owner wait. */
static int channel_socket(struct channels *channels)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	channels->child[channels->child_count++] = sockets[1];
	fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	return sockets[0];
}

/* The same open file for both: only for what neither can change for the other (docs/threat-model.md lists
 * them). */
static int channel_shared(struct channels *channels, int fd)
{
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0) {
		if (fd >= 0)
			close(fd);
		return -EMFILE;
	}
	channels->child[channels->child_count++] = fd;
	channels->frontend[channels->frontend_count++] = copy;
	return 0;
}

/*
 * A pipe wakes the executor, not an eventfd: its two ends are two open files, so that whatever the executor
 * does to its own, the frontend's never blocks. The eventfd that wakes the frontend is only polled there.
 */
static int channels_files(struct channels *channels)
{
	int result = channel_shared(channels, ring_create(NULL)), wake[2];

	if (result < 0)
		return result;
	if (pipe2(wake, O_CLOEXEC) < 0)
		return -errno;
	channels->child[channels->child_count++] = wake[0];
	channels->frontend[channels->frontend_count++] = wake[1];
	if (fcntl(wake[1], F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return channel_shared(channels, eventfd(0, EFD_CLOEXEC));
}

/* What a web executor has beside the frontend's: a socket to the broker, who gets the other end, and the
 * secrets. */
static int connect_broker(struct spawner *spawner, struct channels *channels)
{
	struct frame_header header = {.type = EXECUTOR_BROKER_CLIENT};
	struct instance *broker = egress_broker(spawner);
	_cleanup_fd_ int near = channel_socket(channels);
	int result;

	if (near < 0 || !broker)
		return near < 0 ? near : -EPIPE;
	result = fcntl(SPAWNER_SECRETS, F_DUPFD_CLOEXEC, 0);
	if (result < 0)
		return -errno;
	channels->child[channels->child_count++] = result; /* EXECUTOR_INJECT */
	result = frame_send(broker->control, &header, NULL, 0, &near, 1, 0);
	/* one that has just died is told of when it is reaped, with what it died of, to all who have it */
	return result == -EPIPE ? 0 : result;
}

int channels_make(struct spawner *spawner, enum executor_profile profile, struct channels *channels,
		  int *control)
{
	int result = 0, near;

	if (profile == EXECUTOR_FILES || profile == EXECUTOR_SEARCH)
		result = channels_files(channels);
	if (result < 0)
		return result;
	near = channel_socket(channels);
	if (near < 0)
		return near;
	if (profile == EXECUTOR_BROKER) {
		*control = near;
		near = channel_socket(channels); /* for what it refuses (report_denials) */
		if (near < 0)
			return near;
	}
	channels->frontend[channels->frontend_count++] = near;
	return profile == EXECUTOR_WEB ? connect_broker(spawner, channels) : 0;
}
