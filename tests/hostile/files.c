/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A files executor that was taken over, under the true one's layers: it takes requests, answers none, and
 * does to the descriptors that it shares with the frontend what would make that one wait.
 */
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "sandbox/executor.h"

#include "protocol/ring.h"

enum { RINGS = EXECUTOR_CHANNEL, WAKE, FRONTEND };

/* As full as it gets. What it cannot do fails, and that is well. It may not change flags (F_SETFL ends it).
 */
static void stuff(int fd)
{
	struct pollfd watched = {.fd = fd, .events = POLLIN | POLLOUT};
	uint64_t most;

	poll(&watched, 1, 0);
	if (watched.revents & POLLIN && read(fd, &most, sizeof most) < 0)
		return;
	most = UINT64_MAX - 1;
	if (watched.revents & POLLOUT && write(fd, &most, sizeof most) < 0)
		return;
}

int main(void)
{
	struct executor executor;
	struct ring_pair rings;
	struct err err;

	if (executor_receive(EXECUTOR_FILES, &executor, &err) < 0 || executor_enter(&executor, &err) < 0 ||
	    ring_map(&rings, RINGS, false, &err) < 0)
		return 1;
	for (int fd = WAKE; fd <= FRONTEND; fd++)
		stuff(fd);
	for (;;) {
		struct frame_header header;
		const uint8_t *payload;

		/* always says that it sleeps, so that each request comes with a wake */
		if (ring_prepare_sleep(&rings.in))
			continue;
		while (ring_peek(&rings.in, &header, &payload) > 0)
			ring_release(&rings.in, &header);
	}
}
