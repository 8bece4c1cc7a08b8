/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_NANNY_H
#define SALLYPORT_TESTS_NANNY_H

/* Commands of the frontend (frontend.h), whose nannies are the test itself. */

#include "tests/support/frontend.h"

#define RUN(id, arguments)                                                                                   \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"tools/call\",\"params\":{"                          \
	"\"name\":\"run_command\",\"arguments\":{\"command\":\"x\"" arguments "}}}"
#define CANCEL(id)                                                                                           \
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" id "}}"

static struct frontend frontend;
static int door;

/* What a nanny gets with a request; the leash is the first. */
struct nanny {
	uint32_t call;
	struct frame_descriptors fds;
};

/* `events`: memory.events of the sandbox's group; -1: it has none. */
static inline void begin_with(int events)
{
	frontend_init(&frontend);
	frontend.events = events;
	frontend_say(&frontend, RUN("0", ""));
	frontend_say(&frontend, CANCEL("0"));
	door = frontend_start(&frontend, SPAWNER_SANDBOX);
}

static inline void begin(void)
{
	begin_with(-1);
}

static inline void end(void)
{
	close(door);
	if (frontend.events >= 0)
		close(frontend.events);
	frontend_deinit(&frontend);
}

static inline struct nanny take(void)
{
	struct nanny nanny;

	nanny.call = frontend_expect(&frontend, door, KEEPER_RUN, &nanny.fds).call;
	assert_int_equal(nanny.fds.count, 3);
	return nanny;
}

static inline void report_peak(struct nanny *nanny, uint32_t wait_status, uint64_t peak)
{
	struct buffer payload;

	buffer_init(&payload, LIMIT_FRAME_BYTES);
	frame_put_u32(&payload, wait_status);
	for (int i = 0; i < 2; i++)
		frame_put_u64(&payload, 1);
	frame_put_u64(&payload, peak);
	assert_int_equal(frame_put_u32(&payload, 0), 0);
	frontend_frame(nanny->fds.fds[0], KEEPER_ENDED, 0, 0, buffer_data(&payload), buffer_length(&payload),
		       -1);
	buffer_deinit(&payload);
}

static inline void report(struct nanny *nanny, uint32_t wait_status)
{
	report_peak(nanny, wait_status, 1);
}

/* Fires the one timer that a command in this state has. */
static inline void let_time_pass(void)
{
	struct loop_timer *timer = frontend.loop.heap[1];

	assert_int_equal(frontend.loop.timers, 1);
	frontend.loop.now = timer->at;
	loop_timer_clear(&frontend.loop, timer);
	timer->fire(timer);
	frontend_turn(&frontend);
}

#endif
