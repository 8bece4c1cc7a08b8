/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are answered later: a timer each. */
#include <stdlib.h>
#include <string.h>

#include "tests/conformance/fixture.h"

struct work {
	struct work *next;
	struct loop_timer timer; /* told apart by its place in here */
	struct fixture *fixture;
	struct mcp_call *call;
	void (*done)(struct mcp_call *call, const char *label);
	char label[64];
};

static void forget(struct work *work)
{
	struct work **at = &work->fixture->works;

	while (*at != work)
		at = &(*at)->next;
	*at = work->next;
	loop_timer_clear(&work->fixture->loop, &work->timer);
	free(work);
}

static void fire(struct loop_timer *timer)
{
	struct work *work = (struct work *)((char *)timer - offsetof(struct work, timer)), copy = *work;

	forget(work);
	copy.done(copy.call, copy.label);
}

void fixture_later(struct fixture *fixture, struct mcp_call *call, unsigned milliseconds,
		   void (*done)(struct mcp_call *call, const char *label), const char *label)
{
	struct work *work = calloc(1, sizeof *work);

	if (!work) {
		mcp_call_error(call, MCP_INTERNAL_ERROR, "Internal error: out of memory");
		return;
	}
	*work = (struct work){.next = fixture->works,
			      .timer = {.fire = fire},
			      .fixture = fixture,
			      .call = call,
			      .done = done};
	strncpy(work->label, label, sizeof work->label - 1);
	fixture->works = work;
	loop_timer_set(&fixture->loop, &work->timer, loop_clock() + LOOP_MS(milliseconds));
}

bool fixture_cancel(struct fixture *fixture, struct mcp_call *call)
{
	for (struct work *work = fixture->works; work; work = work->next)
		if (work->call == call) {
			forget(work);
			return true;
		}
	return false;
}

void fixture_forget(struct fixture *fixture)
{
	while (fixture->works)
		forget(fixture->works);
}
