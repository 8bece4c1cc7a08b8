/* SPDX-License-Identifier: Apache-2.0 */
/* Rings: nothing lost or torn over many laps between two processes, and no lie of the other side believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "protocol/ring.h"

#define FRAMES 1000000u

struct sides {
	struct ring_pair one, two;
};

static void open_sides(struct sides *sides)
{
	struct err err = {0};
	_cleanup_fd_ int memfd = ring_create(&err);

	assert_true(memfd >= 0);
	assert_int_equal(ring_map(&sides->one, memfd, true, &err), 0);
	assert_int_equal(ring_map(&sides->two, memfd, false, &err), 0);
}

static void close_sides(struct sides *sides)
{
	ring_unmap(&sides->one);
	ring_unmap(&sides->two);
}

static void test_wrong_memory(void **state)
{
	struct err err = {0};
	struct ring_pair pair;
	_cleanup_fd_ int unsealed = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	_cleanup_fd_ int sealed = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	off_t size = sysconf(_SC_PAGESIZE) + 2 * (off_t)LIMIT_RING_BYTES;

	assert_int_equal(ftruncate(unsealed, size), 0); /* could shrink: a touch would then be SIGBUS */
	assert_int_equal(ring_map(&pair, unsealed, true, &err), -EPROTO);
	assert_int_equal(ftruncate(sealed, size - 1), 0);
	assert_int_equal(fcntl(sealed, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(ring_map(&pair, sealed, true, &err), -EPROTO);
	assert_null(pair.base);
	ring_unmap(&pair);
	_cleanup_fd_ int good = ring_create(&err);

	assert_int_equal(ftruncate(good, 0), -1); /* what we make cannot shrink */
	assert_int_equal(fcntl(good, F_ADD_SEALS, F_SEAL_WRITE), -1);
}

static void send_one(struct ring *ring, uint32_t call, const void *payload, uint32_t length)
{
	struct frame_header header = {.length = length, .type = 1, .call = call};
	bool lied = true;
	void *room = ring_reserve(ring, length, &lied);

	assert_false(lied);
	assert_non_null(room);
	if (length)
		memcpy(room, payload, length);
	ring_commit(ring, &header);
}

static void test_both_ways(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	struct frame_header header;
	const uint8_t *payload;

	open_sides(&sides);
	assert_int_equal(ring_peek(&sides.one.in, &header, &payload), 0);
	send_one(&sides.one.out, 7, "there", 5);
	send_one(&sides.two.out, 8, "back", 4);
	send_one(&sides.one.out, 9, NULL, 0);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
	assert_int_equal(header.call, 7);
	assert_memory_equal(payload, "there", 5);
	ring_release(&sides.two.in, &header);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
	assert_int_equal(header.call, 9);
	assert_int_equal(header.length, 0);
	ring_release(&sides.two.in, &header);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 0);
	assert_int_equal(ring_peek(&sides.one.in, &header, &payload), 1);
	assert_memory_equal(payload, "back", 4);
}

/* What is held is seen with what is published behind it, in its order. */
static void test_held(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	struct frame_header header = {.length = 0, .type = 1, .call = 7};
	const uint8_t *payload;
	bool lied;

	open_sides(&sides);
	assert_non_null(ring_reserve(&sides.one.out, 0, &lied));
	ring_hold(&sides.one.out, &header);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 0);
	ring_publish(&sides.one.out);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
	assert_int_equal(header.call, 7);
	ring_release(&sides.two.in, &header);
	header.call = 8;
	assert_non_null(ring_reserve(&sides.one.out, 0, &lied));
	ring_hold(&sides.one.out, &header);
	send_one(&sides.one.out, 9, "next", 4);
	for (uint32_t call = 8; call <= 9; call++) {
		assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
		assert_int_equal(header.call, call);
		ring_release(&sides.two.in, &header);
	}
}

/* Frames of every length across the end of the ring are contiguous all the same. */
static void test_wraparound(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	_cleanup_free_ uint8_t *bytes = malloc(LIMIT_FRAME_BYTES);
	struct frame_header header;
	const uint8_t *payload;
	uint32_t random = 1;

	open_sides(&sides);
	/* positions are 32 bits wide: let them wrap too */
	sides.one.out.mine = sides.two.in.mine = UINT32_MAX - 3 * LIMIT_RING_BYTES + 1;
	atomic_store(sides.one.out.published, sides.one.out.mine);
	atomic_store(sides.two.in.published, sides.two.in.mine);
	for (unsigned i = 0; i < 400; i++) {
		random = random * 1664525u + 1013904223u;
		uint32_t length = i % 10 == 0 ? LIMIT_FRAME_BYTES : (random >> 8) % LIMIT_FRAME_BYTES;

		memset(bytes, (int)i, length);
		send_one(&sides.one.out, i, bytes, length);
		assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
		assert_int_equal(header.call, i);
		assert_int_equal(header.length, length);
		if (length)
			assert_memory_equal(payload, bytes, length);
		ring_release(&sides.two.in, &header);
	}
	assert_true(sides.one.out.mine < LIMIT_RING_BYTES * 200u);
}

static void test_full(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	struct frame_header header;
	const uint8_t *payload;
	unsigned count = 0;
	bool lied;

	open_sides(&sides);
	assert_int_equal(ring_room(&sides.one.out), LIMIT_FRAME_BYTES);
	assert_null(ring_reserve(&sides.one.out, LIMIT_FRAME_BYTES + 1, &lied));
	assert_null(ring_reserve(&sides.one.out, UINT32_MAX, &lied));
	while (ring_reserve(&sides.one.out, 1000, &lied)) {
		send_one(&sides.one.out, count++, (char[1000]){0}, 1000);
		assert_true(ring_room(&sides.one.out) <= LIMIT_FRAME_BYTES);
	}
	assert_false(lied);
	assert_int_equal(count, LIMIT_RING_BYTES / 1016);
	assert_true(ring_room(&sides.one.out) < 1000);
	while (ring_room(&sides.one.out)) { /* what is said to fit does */
		uint32_t room = ring_room(&sides.one.out);

		assert_non_null(ring_reserve(&sides.one.out, room, &lied));
		send_one(&sides.one.out, count++, (char[1000]){0}, room);
	}
	assert_true(ring_starve(&sides.one.out, 1));
	assert_false(ring_should_feed(&sides.one.in)); /* the other ring knows nothing of it */
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
	ring_release(&sides.two.in, &header);
	assert_true(ring_should_feed(&sides.two.in));
	assert_false(ring_should_feed(&sides.two.in)); /* once */
	assert_false(ring_starve(&sides.one.out, 1));
	assert_false(ring_should_feed(&sides.two.in)); /* taken back */
}

static void test_sleep(void **state)
{
	_cleanup_(close_sides) struct sides sides;

	open_sides(&sides);
	assert_false(ring_should_wake(&sides.one.out));
	assert_true(ring_prepare_sleep(&sides.two.in));
	send_one(&sides.one.out, 1, NULL, 0);
	assert_true(ring_should_wake(&sides.one.out));
	assert_false(ring_should_wake(&sides.one.out));
	assert_false(ring_prepare_sleep(&sides.two.in)); /* there is something to read */
	assert_false(ring_should_wake(&sides.one.out));
	ring_awake(&sides.two.in);
}

/* ---- lies ---- */

static void test_lying_producer(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	struct frame_header header = {.length = 8, .type = 1};
	const uint8_t *payload;
	uint8_t *memory;

	open_sides(&sides);
	memory = sides.two.in.data; /* what the producer may scribble over */
	/* positions that cannot be */
	static const uint32_t positions[] = {1, 8, 15, LIMIT_RING_BYTES + 1, 0x80000000u, UINT32_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(positions); i++) {
		atomic_store(sides.one.out.published, positions[i]);
		assert_int_equal(ring_peek(&sides.two.in, &header, &payload), -EPROTO);
	}
	/* headers that cannot be, behind a position that can */
	atomic_store(sides.one.out.published, 64);
	static const struct frame_header headers[] = {
		{.length = 49},
		{.length = LIMIT_FRAME_BYTES},
		{.length = LIMIT_FRAME_BYTES + 1},
		{.length = UINT32_MAX},
		{.length = UINT32_MAX - 15},
		{.length = 0x80000000u},
		{.length = 8, .flags = 0x8000},
		{.length = 8, .flags = 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		frame_encode(&headers[i], memory);
		assert_int_equal(ring_peek(&sides.two.in, &header, &payload), -EPROTO);
	}
	/* a header that changes after it was looked at changes nothing: release goes by the copy */
	frame_encode(&(struct frame_header){.length = 8, .type = 3}, memory);
	assert_int_equal(ring_peek(&sides.two.in, &header, &payload), 1);
	frame_encode(&(struct frame_header){.length = UINT32_MAX}, memory);
	ring_release(&sides.two.in, &header);
	assert_int_equal(sides.two.in.mine, 24);
}

static void test_lying_consumer(void **state)
{
	_cleanup_(close_sides) struct sides sides;
	static const uint32_t positions[] = {1, 1000, 0x7fffffffu, UINT32_MAX - LIMIT_RING_BYTES};
	bool lied;

	open_sides(&sides);
	for (size_t i = 0; i < ARRAY_SIZE(positions); i++) { /* it has read what was never written */
		atomic_store(sides.two.in.published, positions[i]);
		assert_null(ring_reserve(&sides.one.out, 16, &lied));
		assert_true(lied);
		assert_int_equal(ring_room(&sides.one.out), 0);
	}
	/* its own position is not ours to read back: what we published may be scribbled over */
	atomic_store(sides.two.in.published, 0);
	send_one(&sides.one.out, 1, "x", 1);
	atomic_store(sides.one.out.published, 12345);
	send_one(&sides.one.out, 2, "y", 1);
	assert_int_equal(atomic_load(sides.one.out.published), sides.one.out.mine);
	assert_int_equal(sides.one.out.mine, 48);
}

/* ---- two processes ---- */

/* A payload whose every byte follows from its number. */
static uint32_t length_of(uint32_t number)
{
	return number % 997 == 0 ? LIMIT_FRAME_BYTES - number % 7 : number * 2654435761u >> 26;
}

static void wait_for(int eventfd)
{
	struct pollfd poll_fd = {.fd = eventfd, .events = POLLIN};
	uint64_t count;

	while (poll(&poll_fd, 1, -1) < 0 || read(eventfd, &count, sizeof count) != sizeof count)
		;
}

static void wake(int eventfd)
{
	uint64_t one = 1;

	while (write(eventfd, &one, sizeof one) < 0)
		;
}

static void produce(struct ring *ring, int mine, int theirs)
{
	for (uint32_t number = 0; number < FRAMES; number++) {
		uint32_t length = length_of(number);
		bool lied;
		uint8_t *room;

		while (!(room = ring_reserve(ring, length, &lied))) {
			if (lied)
				_exit(3);
			if (ring_should_wake(ring))
				wake(theirs);
			if (ring_starve(ring, length))
				wait_for(mine);
		}
		memset(room, (int)(number & 0xff), length);
		ring_commit(ring, &(struct frame_header){.length = length, .type = 1, .call = number});
		if (number % 16 == 15 && ring_should_wake(ring))
			wake(theirs);
	}
	if (ring_should_wake(ring))
		wake(theirs);
}

static int consume(struct ring *ring, int mine, int theirs)
{
	struct frame_header header;
	const uint8_t *payload;

	for (uint32_t number = 0; number < FRAMES; number++) {
		int got;

		while ((got = ring_peek(ring, &header, &payload)) == 0) {
			if (ring_should_feed(ring))
				wake(theirs);
			if (ring_prepare_sleep(ring))
				wait_for(mine);
			ring_awake(ring);
		}
		if (got < 0 || header.call != number || header.length != length_of(number))
			return 4;
		if (header.length &&
		    (payload[0] != (number & 0xff) || payload[header.length - 1] != (number & 0xff) ||
		     memcmp(payload, payload + 1, header.length - 1) != 0))
			return 5;
		ring_release(ring, &header);
		if (number % 8 == 7 && ring_should_feed(ring))
			wake(theirs);
	}
	return 0;
}

/* A million frames, both sides sleeping and waking each other all the time: a lost wake would hang. */
static void test_two_processes(void **state)
{
	struct err err = {0};
	struct ring_pair pair;
	_cleanup_fd_ int memfd = ring_create(&err);
	_cleanup_fd_ int here = eventfd(0, EFD_CLOEXEC), there = eventfd(0, EFD_CLOEXEC);
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(120);
		if (ring_map(&pair, memfd, false, &err) < 0)
			_exit(2);
		produce(&pair.out, there, here);
		_exit(0);
	}
	alarm(120); /* instead of hanging for ever */
	assert_int_equal(ring_map(&pair, memfd, true, &err), 0);
	int result = consume(&pair.in, here, there);

	if (result)
		kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(result, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	alarm(0);
	ring_unmap(&pair);
	close(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_memory),   cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_held),           cmocka_unit_test(test_wraparound),
		cmocka_unit_test(test_full),           cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_lying_producer), cmocka_unit_test(test_lying_consumer),
		cmocka_unit_test(test_two_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
