/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SERVER_LOOP_H
#define SALLYPORT_SERVER_LOOP_H

/*
 * The one event loop: epoll for descriptors, one timerfd for all deadlines. A turn serves everything that is
 * ready and then calls the turn hook once, so that what a batch of messages produced is written and woken
 * once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "protocol/error.h"

struct loop_source {
	int fd; /* -1: not watched */
	uint32_t events;
	bool always; /* a regular file: epoll refuses it, it is always ready */
	void (*ready)(struct loop_source *source, uint32_t events);
};

struct loop_timer {
	uint64_t at;  /* nanoseconds, CLOCK_MONOTONIC */
	size_t place; /* in the heap, from 1; 0: not set */
	void (*fire)(struct loop_timer *timer);
};

#define LOOP_EVENTS 64

struct loop {
	int epoll;
	struct loop_source clock; /* the timerfd */
	uint64_t armed;           /* when it will fire; 0: not armed */
	uint64_t now;             /* of this turn */
	struct loop_timer **heap; /* heap[1] is the earliest */
	size_t timers, heap_size;
	struct loop_source *always[2]; /* regular files (stdin, stdout) */
	struct epoll_event events[LOOP_EVENTS];
	int event_count; /* of the turn being served */
	bool again;      /* the turn hook left work: look for events, but do not wait */
	bool stop;
	void (*turned)(struct loop *loop); /* after each turn */
};

int loop_init(struct loop *loop, void (*turned)(struct loop *loop), struct err *err);
void loop_deinit(struct loop *loop);

/* Serves until loop->stop. Returns 0 or -errno of epoll. */
int loop_run(struct loop *loop, struct err *err);

/* Watches source->fd for `events` (EPOLLIN, ..., EPOLLET); source->ready is called in each turn that has any.
 */
int loop_watch(struct loop *loop, struct loop_source *source, int fd, uint32_t events);
/* Other events for a watched source; does nothing if they are the same. */
int loop_change(struct loop *loop, struct loop_source *source, uint32_t events);
/* Stops watching; events of the present turn that were not delivered yet are forgotten. The descriptor stays
 * open. */
void loop_forget(struct loop *loop, struct loop_source *source);

/* Stops watching and closes the descriptor. */
void loop_close(struct loop *loop, struct loop_source *source);
/* The same with one system call less, for a descriptor that was made here and of which nobody has a
 * duplicate: the kernel then forgets it by itself. */
void loop_close_sole(struct loop *loop, struct loop_source *source);

/* (Re)sets a timer. -ENOMEM only when the heap has to grow. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at);
void loop_timer_clear(struct loop *loop, struct loop_timer *timer);

uint64_t loop_clock(void); /* CLOCK_MONOTONIC now, nanoseconds */

#define LOOP_MS(milliseconds) ((uint64_t)(milliseconds)*1000000)

#endif
