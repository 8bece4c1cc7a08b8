/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_TESTS_LOG_MODEL_H
#define SALLYPORT_TESTS_LOG_MODEL_H

/* A model of a command's log that keeps everything, and what adds to both and holds one against the other. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/command/log.h"

#define BLOCK      ((uint64_t)LIMIT_COMMAND_LOG_BLOCK_BYTES)
#define MODEL_MOST (3u << 20)

static struct {
	char bytes[MODEL_MOST];
	char streams[MODEL_MOST];
	uint64_t total;
} model;

static struct {
	char bytes[MODEL_MOST];
	char streams[MODEL_MOST];
	size_t length;
} got;

static uint64_t random_state;

static inline uint64_t random_below(uint64_t bound)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (random_state >> 33) % bound;
}

static inline void begin(struct command_log *log, uint64_t seed)
{
	random_state = seed;
	model.total = 0;
	command_log_init(log);
}

static inline void add(struct command_log *log, int stream, size_t length)
{
	assert_true(model.total + length <= MODEL_MOST);
	for (size_t i = 0; i < length; i++)
		model.bytes[model.total + i] = (char)random_below(256);
	memset(model.streams + model.total, stream, length);
	command_log_add(log, stream, model.bytes + model.total, length);
	model.total += length;
	assert_int_equal(command_log_total(log), model.total);
}

static inline void alternate(struct command_log *log, size_t count)
{
	while (count-- > 0)
		add(log, (int)(count & 1), 1);
}

static inline int take(void *context, int stream, const char *bytes, size_t length)
{
	assert_true(length > 0 && length <= BLOCK);
	assert_true(stream == 0 || stream == 1);
	assert_true(length <= MODEL_MOST - got.length);
	memcpy(got.bytes + got.length, bytes, length);
	memset(got.streams + got.length, stream, length);
	got.length += length;
	return 0;
}

/* Reads, holds it against the model, and returns how much is lost; *next as command_log_read. */
static inline uint64_t read_some(struct command_log *log, uint64_t since, size_t most, uint64_t *next)
{
	uint64_t lost;

	got.length = 0;
	assert_int_equal(command_log_read(log, since, most, take, NULL, next, &lost), 0);
	assert_true(got.length <= most && *next <= model.total);
	assert_int_equal(since + lost + got.length, *next);
	assert_memory_equal(got.bytes, model.bytes + since + lost, got.length);
	assert_memory_equal(got.streams, model.streams + since + lost, got.length);
	return lost;
}

/* Reads all in pieces. Returns where the first byte is that is left; *gaps: how often some were missing. */
static inline uint64_t read_all(struct command_log *log, size_t most, unsigned *gaps)
{
	uint64_t cursor = 0, first = model.total;

	*gaps = 0;
	while (cursor < model.total) {
		uint64_t next, lost = read_some(log, cursor, most, &next);

		assert_true(next > cursor);
		*gaps += lost > 0;
		if (got.length && first == model.total)
			first = cursor + lost;
		cursor = next;
	}
	return first;
}

/* The first byte that a log with room for `blocks` must have: each run costs two bytes of header in each
 * block it touches, and a block may end two bytes early. */
static inline uint64_t must_have(uint64_t blocks)
{
	uint64_t room = blocks * (BLOCK - 24), cursor = model.total;

	for (uint64_t cost; cursor > 0; room -= cost, cursor--) {
		bool starts = cursor == 1 || model.streams[cursor - 2] != model.streams[cursor - 1];

		cost = starts ? 3 : 1;
		if (room < cost)
			break;
	}
	return cursor;
}

static inline void add_something(struct command_log *log)
{
	switch (random_below(4)) {
	case 0:
		alternate(log, random_below(5000));
		break;
	case 1:
		for (uint64_t count = random_below(200); count > 0; count--)
			add(log, (int)random_below(2), random_below(80));
		break;
	case 2:
		add(log, (int)random_below(2), random_below(LIMIT_PIPE_READ_BYTES + 1));
		break;
	default:
		add(log, (int)random_below(2),
		    random_below(3) ? random_below(3 * BLOCK) : random_below(40 * BLOCK));
	}
}

static inline void read_something(struct command_log *log)
{
	static const size_t mosts[] = {0, 1, 2, 100, 8000, BLOCK, 100000};
	uint64_t since = random_below(model.total + 1), next;

	read_some(log, since, mosts[random_below(ARRAY_SIZE(mosts))], &next);
}

/* Adds until the model is nearly full, reading between. What was gone once must stay gone. */
static inline void run(struct command_log *log, unsigned gaps_most)
{
	uint64_t first = 0;

	while (model.total + 41 * BLOCK < MODEL_MOST) {
		unsigned gaps;

		add_something(log);
		for (int i = 0; i < 3; i++)
			read_something(log);
		if (random_below(10) == 0) {
			uint64_t now = read_all(log, 1 + random_below(500000), &gaps);

			assert_true(now >= first);
			assert_true(gaps <= gaps_most);
			first = now;
		}
	}
}

#endif
