/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests in, jobs, replies out. The frontend is treated as hostile: a frame is copied out of the ring
 * before it is looked at, and a ring that lies or a malformed request ends this process.
 *
 * Fairness: in one turn a bounded number of requests is served and every parked job makes one step, so a
 * large answer is interleaved with small ones.
 */
#include "tools/files/executor/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

/* The frontend is gone: nobody is left to answer, and nothing to be saved that a kill would not lose as well.
 */
static void frontend_gone(int signal_number)
{
	_exit(0);
}

/*
 * The end of the frontend comes as a signal, so that the wait for requests is one read of one eventfd: an
 * epoll over both costs 1.5 us more for each request that finds us asleep.
 */
static int watch_frontend(int gone)
{
	struct sigaction action = {.sa_handler = frontend_gone};
	struct pollfd already = {.fd = gone, .events = POLLRDHUP};

	if (sigaction(SIGIO, &action, NULL) < 0 || fcntl(gone, F_SETOWN, getpid()) < 0 ||
	    fcntl(gone, F_SETFL, fcntl(gone, F_GETFL) | O_ASYNC) < 0)
		return -errno;
	if (poll(&already, 1, 0) > 0)
		frontend_gone(SIGIO);
	return 0;
}

int loop_init(struct loop *loop, int wake, int frontend, int gone)
{
	loop->wake = wake;
	loop->frontend = frontend;
	loop->gone = gone;
	loop->files.lied = false;
	loop->files.scratch = malloc(LIMIT_FRAME_BYTES);
	loop->files.hashes = calloc(1, sizeof *loop->files.hashes);
	loop->request = malloc(LIMIT_FRAME_BYTES);
	jobs_init(&loop->jobs);
	sync_init(&loop->files.sync, wake);
	if (!loop->files.scratch || !loop->files.hashes || !loop->request)
		return -ENOMEM;
	/* the frontend only writes to it, which blocks at 2^64 wakes */
	if (fcntl(wake, F_SETFL, fcntl(wake, F_GETFL) & ~O_NONBLOCK) < 0)
		return -errno;
	return watch_frontend(gone);
}

void loop_deinit(struct loop *loop)
{
	jobs_deinit(&loop->jobs, &loop->files);
	free(loop->files.scratch);
	free(loop->files.hashes);
	free(loop->request);
	close_fd(&loop->wake);
	close_fd(&loop->frontend);
	close_fd(&loop->gone);
}

/* Serves what is in the ring while there is room to answer. Returns whether there is more, or -EPROTO. */
static int take_frames(struct loop *loop)
{
	struct ring *in = &loop->files.rings.in;

	for (int count = 0; count < LIMIT_TURN_FRAMES; count++) {
		struct frame_header header;
		const uint8_t *shared;
		int result;

		if (loop->files.lied || !reply_fits(&loop->files) || !jobs_ready(&loop->jobs))
			return 0;
		result = ring_peek(in, &header, &shared);
		if (result <= 0)
			return result;
		memcpy(loop->request, shared, header.length);
		ring_release(in, &header);
		result = jobs_take(&loop->jobs, &loop->files, &header, loop->request);
		if (result < 0)
			return result;
	}
	return 1;
}

static void wake_frontend(struct loop *loop)
{
	struct ring_pair *rings = &loop->files.rings;
	uint64_t one = 1;
	bool fed = ring_should_feed(&rings->in);

	if (ring_should_wake(&rings->out) || fed)
		while (write(loop->frontend, &one, sizeof one) < 0 && errno == EINTR)
			;
}

/* Waits until the eventfd was written. 0 or -errno. */
static int wait_for_wake(struct loop *loop)
{
	struct pollfd written = {.fd = loop->wake, .events = POLLIN};
	uint64_t count;

	while (read(loop->wake, &count, sizeof count) < 0) {
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		/* the other side made it non-blocking again: it may */
		if (errno == EAGAIN && poll(&written, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Nothing to do: waits, unless there is something after all. Returns 0 or -errno. */
static int rest(struct loop *loop)
{
	struct ring_pair *rings = &loop->files.rings;
	uint32_t wanted = loop->jobs.starving;
	bool fits = reply_fits(&loop->files), lied;
	int result;

	if (!fits) {
		wanted = LIMIT_FILES_REPLY_BYTES;
		/* no room at all is also how an impossible position of the consumer looks */
		if (!ring_reserve(&rings->out, 0, &lied) && lied)
			return -EPROTO;
	}
	/* both announcements have one answer: a wake */
	if (wanted && !ring_starve(&rings->out, wanted))
		return 0;
	if (!jobs_ready(&loop->jobs) && loop->jobs.count == 0)
		return -ENOMEM; /* nothing that ends would give memory back */
	if (fits && jobs_ready(&loop->jobs) && !ring_prepare_sleep(&rings->in))
		return 0;
	result = wait_for_wake(loop);
	ring_awake(&rings->in);
	return result;
}

int loop_run(struct loop *loop)
{
	int result = 0;

	while (result == 0) {
		int more, busy;

		sync_collect(&loop->files.sync);
		more = take_frames(loop);
		busy = more < 0 ? more : jobs_step(&loop->jobs, &loop->files);
		if (busy < 0 || loop->files.lied)
			return -EPROTO;
		wake_frontend(loop);
		if (!more && !busy)
			result = rest(loop);
	}
	return result;
}
