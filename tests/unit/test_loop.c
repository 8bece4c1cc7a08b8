/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: timers in any order, sources that vanish during a turn, regular files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/loop.h"

#define TIMERS 500

static struct loop loop;
static unsigned fired, expected;
static uint64_t last;

struct numbered {
	struct loop_timer timer;
	bool set;
};

static void no_hook(struct loop *turned)
{
}

static void fire(struct loop_timer *timer)
{
	struct numbered *numbered = (struct numbered *)timer;

	assert_true(numbered->set);
	numbered->set = false;
	assert_true(timer->at >= last);
	assert_true(loop_clock() >= timer->at);
	last = timer->at;
	if (++fired == expected)
		loop.stop = true;
}

/* Random sets, moves and clears: every timer that is left fires once, in order, not early. */
static void test_timers(void **state)
{
	static struct numbered timers[TIMERS];
	uint64_t base;

	assert_int_equal(loop_init(&loop, no_hook, NULL), 0);
	base = loop_clock();
	srand(7);
	for (int i = 0; i < TIMERS * 8; i++) {
		struct numbered *one = &timers[rand() % TIMERS];

		one->timer.fire = fire;
		if (rand() % 4) {
			assert_int_equal(
				loop_timer_set(&loop, &one->timer, base + (uint64_t)(rand() % 20000000)), 0);
			one->set = true;
		} else {
			loop_timer_clear(&loop, &one->timer);
			one->set = false;
		}
	}
	for (int i = 0; i < TIMERS; i++)
		expected += timers[i].set;
	assert_true(expected > TIMERS / 2);
	assert_int_equal(loop_run(&loop, NULL), 0);
	assert_int_equal(fired, expected);
	assert_int_equal(loop.timers, 0);
	loop_deinit(&loop);
}

static struct loop_source first, second;
static unsigned calls;

/* Both are ready in one turn; whoever is served first takes the other away. */
static void forget_the_other(struct loop_source *source, uint32_t events)
{
	calls++;
	loop_forget(&loop, source == &first ? &second : &first);
	loop.stop = true;
}

static void test_forgotten_within_the_turn(void **state)
{
	int a[2], b[2];

	assert_int_equal(loop_init(&loop, no_hook, NULL), 0);
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	first = second = (struct loop_source){.ready = forget_the_other};
	assert_int_equal(loop_watch(&loop, &first, a[0], EPOLLIN), 0);
	assert_int_equal(loop_watch(&loop, &second, b[0], EPOLLIN), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	assert_int_equal(loop_run(&loop, NULL), 0);
	assert_int_equal(calls, 1);
	loop_deinit(&loop);
	for (int i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
	}
}

static void count_and_stop(struct loop_source *source, uint32_t events)
{
	calls += source == &first ? 100 : 1;
	loop.stop = true;
}

/* epoll goes on with an open file for as long as anybody has it. */
static void test_closed_though_another_has_it(void **state)
{
	int a[2], b[2], duplicate;

	assert_int_equal(loop_init(&loop, no_hook, NULL), 0);
	assert_int_equal(pipe(a), 0);
	assert_int_equal(pipe(b), 0);
	first = second = (struct loop_source){.ready = count_and_stop};
	assert_int_equal(loop_watch(&loop, &first, a[0], EPOLLIN), 0);
	assert_int_equal(loop_watch(&loop, &second, b[0], EPOLLIN), 0);
	duplicate = dup(a[0]);
	loop_close(&loop, &first);
	assert_int_equal(first.fd, -1);
	assert_int_equal(write(a[1], "x", 1), 1);
	assert_int_equal(write(b[1], "x", 1), 1);
	calls = 0;
	assert_int_equal(loop_run(&loop, NULL), 0);
	assert_int_equal(calls, 1);
	loop_deinit(&loop);
	for (int i = 0; i < 2; i++)
		close(b[i]);
	close(a[1]);
	close(duplicate);
}

static size_t file_bytes;

static void read_file(struct loop_source *source, uint32_t events)
{
	char byte;
	ssize_t got = read(source->fd, &byte, 1);

	file_bytes += got > 0;
	if (got == 0) {
		loop_forget(&loop, source);
		loop.stop = true;
	}
}

static void test_regular_files_are_always_ready(void **state)
{
	struct loop_source source = {.ready = read_file};
	FILE *file = tmpfile();

	assert_non_null(file);
	fputs("seven b", file);
	rewind(file);
	assert_int_equal(loop_init(&loop, no_hook, NULL), 0);
	assert_int_equal(loop_watch(&loop, &source, fileno(file), EPOLLIN), 0);
	assert_true(source.always);
	assert_int_equal(loop_run(&loop, NULL), 0);
	assert_int_equal(file_bytes, 7);
	loop_deinit(&loop);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers),
		cmocka_unit_test(test_forgotten_within_the_turn),
		cmocka_unit_test(test_closed_though_another_has_it),
		cmocka_unit_test(test_regular_files_are_always_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
