/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A files executor that was taken over, under the true one's layers: it takes requests, answers none, and
 * does to the descriptors that it shares with the frontend what would make that one wait.
 */
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "sandbox/executor.h"

#include "protocol/ring.h"

enum { RINGS = EXECUTOR_CHANNEL, WAKE, FRONTEND };

/* Blocking, and as full as it gets. What cannot be written fails, and that is well. */
static void stuff(int fd)
{
	const uint64_t most = UINT64_MAX - 1;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, &most, sizeof most) > 0)
		;
	fcntl(fd, F_SETFL, 0);
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
	for (int fd = 0; fd <= 2; fd++)
		fcntl(fd, F_SETFL, O_NONBLOCK);
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
