/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event loop (loop.h). Timers are a binary heap over one timerfd, which is set anew only when a deadline
 * comes earlier than what it is armed for: calls that all may take the same time then cost no system call for
 * their deadlines, at the price of a wake that finds nothing due.
 */
#include "server/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "protocol/cleanup.h"

uint64_t loop_clock(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ---- timers ---- */

static void place(struct loop *loop, struct loop_timer *timer, size_t at)
{
	loop->heap[at] = timer;
	timer->place = at;
}

static void sift_up(struct loop *loop, struct loop_timer *timer, size_t at)
{
	for (; at > 1 && loop->heap[at / 2]->at > timer->at; at /= 2)
		place(loop, loop->heap[at / 2], at);
	place(loop, timer, at);
}

static void sift_down(struct loop *loop, struct loop_timer *timer, size_t at)
{
	for (size_t child; (child = at * 2) <= loop->timers; at = child) {
		if (child < loop->timers && loop->heap[child + 1]->at < loop->heap[child]->at)
			child++;
		if (loop->heap[child]->at >= timer->at)
			break;
		place(loop, loop->heap[child], at);
	}
	place(loop, timer, at);
}

/* Arms the timerfd for the earliest timer, if it is not armed for something as early. */
static void arm(struct loop *loop)
{
	struct itimerspec when = {0};

	if (!loop->timers || (loop->armed && loop->armed <= loop->heap[1]->at))
		return;
	loop->armed = loop->heap[1]->at;
	when.it_value.tv_sec = (time_t)(loop->armed / 1000000000);
	when.it_value.tv_nsec = (long)(loop->armed % 1000000000);
	timerfd_settime(loop->clock.fd, TFD_TIMER_ABSTIME, &when, NULL);
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at)
{
	loop_timer_clear(loop, timer);
	if (loop->timers + 2 > loop->heap_size) {
		size_t size = loop->heap_size ? loop->heap_size * 2 : 64;
		struct loop_timer **heap = realloc(loop->heap, size * sizeof *heap);

		if (!heap)
			return -ENOMEM;
		loop->heap = heap;
		loop->heap_size = size;
	}
	timer->at = at ? at : 1;
	sift_up(loop, timer, ++loop->timers);
	arm(loop);
	return 0;
}

void loop_timer_clear(struct loop *loop, struct loop_timer *timer)
{
	size_t at = timer->place;
	struct loop_timer *last;

	if (!at)
		return;
	timer->place = 0;
	last = loop->heap[loop->timers--];
	if (last == timer)
		return;
	if (at > 1 && loop->heap[at / 2]->at > last->at)
		sift_up(loop, last, at);
	else
		sift_down(loop, last, at);
}

static void fire_due(struct loop_source *clock, uint32_t events)
{
	struct loop *loop = (struct loop *)((char *)clock - offsetof(struct loop, clock));
	uint64_t expirations;

	if (read(clock->fd, &expirations, sizeof expirations) < 0 && errno != EAGAIN)
		return;
	loop->armed = 0;
	while (loop->timers && loop->heap[1]->at <= loop->now) {
		struct loop_timer *due = loop->heap[1];

		loop_timer_clear(loop, due);
		due->fire(due);
	}
	arm(loop);
}

/* ---- sources ---- */

int loop_watch(struct loop *loop, struct loop_source *source, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	source->fd = fd;
	source->events = events;
	source->always = false;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0;
	if (errno == EPERM) { /* a regular file */
		for (size_t i = 0; i < ARRAY_SIZE(loop->always); i++) {
			if (!loop->always[i]) {
				loop->always[i] = source;
				source->always = true;
				return 0;
			}
		}
	}
	source->fd = -1;
	return -errno;
}

int loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (source->fd < 0 || source->events == events)
		return 0;
	source->events = events;
	if (source->always)
		return 0;
	return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

/* Forgets the events of this turn that were not delivered yet. */
static void drop_events(struct loop *loop, const struct loop_source *source)
{
	for (int i = 0; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == source)
			loop->events[i].data.ptr = NULL;
}

void loop_forget(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	if (!source->always)
		epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(loop->always); i++)
		if (loop->always[i] == source)
			loop->always[i] = NULL;
	drop_events(loop, source);
	source->fd = -1;
}

void loop_close(struct loop *loop, struct loop_source *source)
{
	int fd = source->fd;

	loop_forget(loop, source);
	close_fd(&fd);
}

void loop_close_sole(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	close(source->fd);
	drop_events(loop, source);
	source->fd = -1;
}

int loop_init(struct loop *loop, void (*turned)(struct loop *loop), struct err *err)
{
	int result, timer;

	*loop = (struct loop){.epoll = epoll_create1(EPOLL_CLOEXEC), .clock.fd = -1, .turned = turned};
	if (loop->epoll < 0)
		return err_set(err, -errno, "event loop: epoll_create1: %s", err_name(errno));
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer < 0)
		return err_set(err, -errno, "event loop: timerfd_create: %s", err_name(errno));
	loop->clock.ready = fire_due;
	result = loop_watch(loop, &loop->clock, timer, EPOLLIN);
	if (result < 0) {
		close(timer);
		return err_set(err, result, "event loop: epoll_ctl: %s", err_name(result));
	}
	loop->now = loop_clock();
	return 0;
}

void loop_deinit(struct loop *loop)
{
	close_fd(&loop->clock.fd);
	close_fd(&loop->epoll);
	free(loop->heap);
	loop->heap = NULL;
}

/* Regular files have no readiness: each gets its turn whenever it wants one. */
static bool serve_always(struct loop *loop, bool serve)
{
	bool wanted = false;

	for (size_t i = 0; i < ARRAY_SIZE(loop->always); i++) {
		struct loop_source *source = loop->always[i];

		if (!source || !(source->events & (EPOLLIN | EPOLLOUT)))
			continue;
		wanted = true;
		if (serve)
			source->ready(source, source->events & (EPOLLIN | EPOLLOUT));
	}
	return wanted;
}

int loop_run(struct loop *loop, struct err *err)
{
	while (!loop->stop) {
		bool busy = serve_always(loop, false);
		int count = epoll_wait(loop->epoll, loop->events, LOOP_EVENTS, busy || loop->again ? 0 : -1);

		if (count < 0 && errno != EINTR)
			return err_set(err, -errno, "event loop: epoll_wait: %s", err_name(errno));
		loop->again = false;
		loop->now = loop_clock();
		loop->event_count = count > 0 ? count : 0;
		for (int i = 0; i < loop->event_count; i++) {
			struct loop_source *source = loop->events[i].data.ptr;

			if (source)
				source->ready(source, loop->events[i].events);
		}
		loop->event_count = 0;
		if (busy)
			serve_always(loop, true);
		loop->turned(loop);
	}
	return 0;
}
