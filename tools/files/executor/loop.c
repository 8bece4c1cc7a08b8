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
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"

static int watch(int events, int fd, uint32_t what)
{
	struct epoll_event event = {.events = what, .data.fd = fd};

	return epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_init(struct loop *loop, int wake, int frontend, int gone)
{
	int result;

	loop->wake = wake;
	loop->frontend = frontend;
	loop->gone = gone;
	loop->files.lied = false;
	loop->files.scratch = malloc(LIMIT_FRAME_BYTES);
	loop->files.hashes = calloc(1, sizeof *loop->files.hashes);
	loop->request = malloc(LIMIT_FRAME_BYTES);
	jobs_init(&loop->jobs);
	loop->events = epoll_create1(EPOLL_CLOEXEC);
	if (loop->events < 0)
		return -errno;
	if (!loop->files.scratch || !loop->files.hashes || !loop->request)
		return -ENOMEM;
	/* edge-triggered: each write is an edge, so the eventfd never needs to be read */
	result = watch(loop->events, wake, EPOLLIN | EPOLLET);
	if (result == 0 && gone >= 0)
		result = watch(loop->events, gone, EPOLLRDHUP);
	return result;
}

void loop_deinit(struct loop *loop)
{
	jobs_deinit(&loop->jobs);
	free(loop->files.scratch);
	free(loop->files.hashes);
	free(loop->request);
	close_fd(&loop->events);
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

/* Waits for a wake. Returns 0, 1 when the frontend is gone, or -errno. */
static int rest(struct loop *loop)
{
	struct ring_pair *rings = &loop->files.rings;
	struct epoll_event events[2];
	uint32_t wanted = loop->jobs.starving;
	bool lied;
	int count;

	/* requests that wait for room to be answered are asked for by the same announcement */
	if (!reply_fits(&loop->files)) {
		wanted = LIMIT_FILES_REPLY_BYTES;
		/* no room at all is also how an impossible position of the consumer looks */
		if (!ring_reserve(&rings->out, 0, &lied) && lied)
			return -EPROTO;
	}
	if (wanted && !ring_starve(&rings->out, wanted))
		return 0;
	if (!jobs_ready(&loop->jobs) && loop->jobs.count == 0)
		return -ENOMEM; /* nothing that ends would give memory back */
	if (reply_fits(&loop->files) && jobs_ready(&loop->jobs) && !ring_prepare_sleep(&rings->in))
		return 0;
	do
		count = epoll_wait(loop->events, events, (int)ARRAY_SIZE(events), -1);
	while (count < 0 && errno == EINTR);
	ring_awake(&rings->in);
	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++)
		if (events[i].data.fd == loop->gone)
			return 1;
	return 0;
}

int loop_run(struct loop *loop)
{
	int result = 0;

	while (result == 0) {
		int more = take_frames(loop), busy = more < 0 ? more : jobs_step(&loop->jobs, &loop->files);

		if (busy < 0 || loop->files.lied)
			return -EPROTO;
		wake_frontend(loop);
		if (!more && !busy)
			result = rest(loop);
	}
	return result < 0 ? result : 0;
}
