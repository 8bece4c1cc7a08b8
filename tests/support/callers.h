/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_SUPPORT_CALLERS_H
#define SALLYPORT_TESTS_SUPPORT_CALLERS_H

/* Several callers of one frontend (frontend.h). The test plays spawner, keepers and nannies, and lets time
 * pass by firing timers. */

#include <fcntl.h>

#include "server/command_parts.h"
#include "tests/support/frontend.h"

#define CALLERS 4

static struct frontend frontend;
static struct caller callers[CALLERS];
static int said; /* the id of the last call */

/* A command at a nanny. */
struct running {
	uint32_t call;
	struct frame_descriptors fds;
};

static inline void begin(unsigned maximum, bool per_call)
{
	said = 0;
	frontend_init(&frontend);
	frontend.plan.sandbox_maximum = maximum;
	frontend.plan.sandbox_per_call = per_call;
	for (int i = 0; i < CALLERS; i++) {
		caller_init(&callers[i], frontend.calls.sandboxes);
		callers[i].mcp = frontend.caller.mcp;
	}
}

static inline void end(void)
{
	calls_abandon(&frontend.calls);
	for (int i = 0; i < CALLERS; i++)
		caller_deinit(&callers[i]);
	frontend_deinit(&frontend);
}

/* Returns the call's id. */
static inline int run(int caller)
{
	char message[200];

	frontend.speaking = &callers[caller];
	snprintf(message, sizeof message,
		 "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"tools/call\",\"params\":{"
		 "\"name\":\"run_command\",\"arguments\":{\"command\":\"x\"}}}",
		 ++said);
	frontend_say(&frontend, message);
	return said;
}

static inline bool answered(int id)
{
	char text[32];

	snprintf(text, sizeof text, "\"id\":%d,", id);
	return frontend_count(&frontend, text) == 1;
}

static inline struct running take(int door)
{
	struct running running;

	running.call = frontend_expect(&frontend, door, KEEPER_RUN, &running.fds).call;
	return running;
}

/* Its nanny reports the end. */
static inline void finish(struct running *running)
{
	static const char report[4 + 3 * 8 + 4]; /* exit 0, nothing used, nobody left over */

	frontend_frame(running->fds.fds[0], KEEPER_ENDED, 0, 0, report, sizeof report, -1);
	frame_descriptors_close(&running->fds);
	frontend_turn(&frontend);
}

static inline void serve(int door)
{
	struct running running = take(door);

	finish(&running);
}

static inline uint32_t expect_kill(void)
{
	return frontend_expect(&frontend, frontend.spawner, SPAWNER_KILL, NULL).value;
}

static inline void die(uint32_t instance)
{
	frontend_frame(frontend.spawner, SPAWNER_DIED, 0, instance, (char[16]){0}, 16, -1);
	frontend_turn(&frontend);
}

static inline void fire(struct loop_timer *timer)
{
	assert_true(timer->place > 0);
	loop_timer_clear(&frontend.loop, timer);
	timer->fire(timer);
	frontend_turn(&frontend);
}

/* The loop takes its time from the clock; here it stands still between turns, so a while is one that is set.
 */
static inline void let_pass(uint32_t milliseconds)
{
	frontend.loop.now += LOOP_MS(milliseconds);
}

#endif
