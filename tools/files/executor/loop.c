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
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/clock.h"
#include "protocol/limits.h"
#include "tools/files/executor/find.h"
#include "tools/files/executor/watch.h"

int loop_init(struct loop *loop, int wake, int frontend)
{
	loop->wake = wake;
	loop->frontend = frontend;
	loop->files.lied = false;
	loop->files.scratch = malloc(LIMIT_FRAME_BYTES);
	loop->files.hashes = calloc(1, sizeof *loop->files.hashes);
	loop->request = malloc(LIMIT_FRAME_BYTES);
	jobs_init(&loop->jobs);
	if (!loop->files.scratch || !loop->files.hashes || !loop->request)
		return -ENOMEM;
	loop->files.turns = (struct turns){0};
	return sync_init(&loop->files.sync);
}

void loop_deinit(struct loop *loop)
{
	jobs_deinit(&loop->jobs, &loop->files);
	find_forget(&loop->files);
	watches_free(loop->files.watches);
	sync_deinit(&loop->files.sync);
	free(loop->files.scratch);
	free(loop->files.hashes);
	free(loop->request);
	close_fd(&loop->wake);
	close_fd(&loop->frontend);
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

	ring_publish(&rings->out); /* refusals were held back (job.h) */
	if (ring_should_wake(&rings->out) || fed)
		while (write(loop->frontend, &one, sizeof one) < 0 && errno == EINTR)
			;
}

/* Milliseconds until something must be looked at without a wake; -1: no time. */
static int patience(struct loop *loop)
{
	struct files *files = &loop->files;
	int later = files->background ? files->background->timeout(files) : watches_timeout(files->watches);
	int64_t due;

	if (!files->due)
		return later;
	due = files->due - clock_ms();
	if (later >= 0 && later <= due)
		return later;
	return due > 0 ? (int)due : 0;
}

/* Waits for all that may come. Whether a wake is there, or -errno. */
static int wait_for_all(struct loop *loop, int timeout)
{
	enum { WAKE, DISK, BACKGROUND, CHANGES, INLETS };
	const struct files *files = &loop->files;
	const struct background *background = files->background;
	struct pollfd watched[INLETS + LIMIT_FILES_BEGUN] = {
		[WAKE] = {.fd = loop->wake, .events = POLLIN},
		[DISK] = {.fd = files->sync.done, .events = POLLIN},
		[BACKGROUND] = {.fd = background ? background->done : -1, .events = POLLIN},
		[CHANGES] = {.fd = watches_descriptor(files->watches), .events = POLLIN}};
	uint64_t count;

	for (size_t i = 0; i < files->inlet_count; i++)
		watched[INLETS + i] = (struct pollfd){.fd = files->inlets[i], .events = POLLIN};
	while (poll(watched, INLETS + files->inlet_count, timeout) < 0)
		if (errno != EINTR)
			return -errno;
	if (watched[BACKGROUND].revents)
		while (read(background->done, &count, sizeof count) < 0 && errno == EINTR)
			;
	if (watched[CHANGES].revents)
		watches_heard(files->watches);
	return watched[WAKE].revents != 0;
}

/*
 * Waits for a wake, by one read: a poll before it costs 1.5 us for each request that finds us asleep, so
 * there is one only while an fsync is on its way, while paths are watched or pipes are to fill, or in a
 * program with threads, whose ends are another descriptor's business. 0, -ENOTCONN when the frontend is gone,
 * or -errno.
 */
static int wait_for_wake(struct loop *loop)
{
	const struct files *files = &loop->files;
	int timeout = patience(loop);
	uint8_t wakes[64]; /* however many there are, one is enough */
	ssize_t got;

	if (files->background || files->inlet_count || sync_pending(&files->sync) || timeout >= 0 ||
	    watches_descriptor(files->watches) >= 0) {
		int result = wait_for_all(loop, timeout);

		if (result <= 0)
			return result;
	}
	do
		got = read(loop->wake, wakes, sizeof wakes);
	while (got < 0 && errno == EINTR);
	return got > 0 ? 0 : got < 0 ? -errno : -ENOTCONN;
}

/* Asked for beside long work, which nobody would wait for any more. What happens to watched paths meanwhile
 * is noticed too. */
static bool frontend_gone(const struct loop *loop)
{
	struct watches *watches = loop->files.watches;
	struct pollfd watched[] = {{.fd = loop->wake}, {.fd = watches_descriptor(watches), .events = POLLIN}};

	if (poll(watched, ARRAY_SIZE(watched), 0) <= 0)
		return false;
	if (watched[1].revents)
		watches_heard(watches);
	return watched[0].revents & POLLHUP;
}

/* Nothing to do: waits, unless there is something after all. Returns 0 or -errno. */
static int rest(struct loop *loop)
{
	struct ring_pair *rings = &loop->files.rings;
	uint32_t wanted = loop->jobs.starving, untold = watches_wanted(loop->files.watches);
	bool fits = reply_fits(&loop->files), lied;
	int result;

	if (untold && (!wanted || untold < wanted))
		wanted = untold;
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

	while (result == 0) { /* -ENOTCONN: nobody is left to answer */
		int more, busy;

		sync_collect(&loop->files.sync);
		more = take_frames(loop);
		busy = more < 0 ? more : jobs_step(&loop->jobs, &loop->files);
		watches_step(&loop->files);
		if (busy < 0 || loop->files.lied)
			return -EPROTO;
		wake_frontend(loop);
		if (!more && !busy)
			result = rest(loop);
		else if (!more && frontend_gone(loop))
			result = -ENOTCONN;
	}
	return result == -ENOTCONN ? 0 : result;
}
