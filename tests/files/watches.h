/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_WATCHES_H
#define SALLYPORT_TESTS_WATCHES_H

/* Watched paths, as a test asks for them. That nothing was told is seen behind a change that must be. */

#include <stdio.h>

#include "protocol/limits.h"
#include "tests/files/harness.h"
#include "tests/files/requests.h"

#define FENCE (HARNESS_CALLS - 1) /* the number of a watch that every test has */

static inline struct answer *watch(struct harness *harness, uint32_t number, const char *path)
{
	struct buffer payload;

	harness_answer(harness, number); /* emptied */
	buffer_init(&payload, 1u << 20);
	assert_int_equal(frame_put_text(&payload, path), 0);
	harness_send(harness, FILES_WATCH, number, &payload);
	buffer_deinit(&payload);
	harness_wake(harness);
	return harness_wait(harness, number);
}

static inline void watched(struct harness *harness, uint32_t number, const char *path)
{
	const struct answer *answer = watch(harness, number, path);

	if (answer->type != REPLY_WATCHED)
		fail_msg("%s: %s", path, answer_text(answer, 0));
}

static inline void unwatch(struct harness *harness, uint32_t number)
{
	struct buffer payload;

	buffer_init(&payload, 16);
	harness_send(harness, FILES_UNWATCH, number, &payload);
	harness_wake(harness);
}

static inline struct harness *begin(struct harness *harness)
{
	make_directory(harness, "ws/fence");
	harness_start(harness);
	watched(harness, FENCE, "fence/f");
	return harness;
}

/* Everything that happened before this has been told. */
static inline void fence(struct harness *harness)
{
	struct answer *answer = &harness->answers[FENCE];

	answer->changes = 0;
	make_text(harness, "ws/fence/f", "x");
	while (!answer->changes)
		harness_pump(harness);
}

static inline void end(struct harness *harness)
{
	unwatch(harness, FENCE);
	harness_stop(harness);
}

/* How often `number` was told of since last asked. */
static inline unsigned told(struct harness *harness, uint32_t number)
{
	unsigned changes;

	fence(harness);
	changes = harness->answers[number].changes;
	harness->answers[number].changes = 0;
	return changes;
}

static inline void move(struct harness *harness, const char *from, const char *to)
{
	assert_int_equal(rename(inside(harness, from), inside(harness, to)), 0);
}

#endif
