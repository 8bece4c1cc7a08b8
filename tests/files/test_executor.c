/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor under load and under attack: many calls in flight, large answers beside small ones,
 * cancelling, rings and requests that lie, and a tree that is renamed under it at full speed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tests/files/harness.h"

static void send_read(struct harness *harness, uint32_t call, const char *path, uint64_t bytes)
{
	struct buffer payload;

	pack_read(&payload, path, 1, 100000, bytes, 0);
	harness_answer(harness, call);
	harness_send(harness, FILES_READ, call, &payload);
	buffer_deinit(&payload);
}

static void test_many_in_flight(void **state)
{
	struct harness *harness = harness_new();
	char name[64], text[4096];

	for (int i = 0; i < 50; i++) {
		memset(text, 'a' + i % 26, sizeof text);
		text[sizeof text - 1] = '\n';
		snprintf(name, sizeof name, "ws/%d", i);
		make_file(harness, name, text, sizeof text);
	}
	harness_start(harness);
	for (int round = 0; round < 3; round++) {
		for (uint32_t call = 0; call < 3000; call++) {
			snprintf(name, sizeof name, "%u", call % 51);
			send_read(harness, call, name, 32000);
		}
		for (uint32_t call = 0; call < 3000; call++) {
			struct answer *answer = harness_wait(harness, call);

			if (call % 51 == 50) {
				assert_failure(answer, "there is no `50`");
				continue;
			}
			assert_int_equal(answer->type, REPLY_RESULT);
			assert_int_equal(buffer_length(&answer->text), sizeof text);
			assert_int_equal(buffer_data(&answer->text)[7], 'a' + call % 51 % 26);
		}
	}
	harness_stop(harness);
}

/* A file of many megabytes of short lines. */
static void make_big(struct harness *harness, const char *name, size_t length)
{
	char *text = malloc(length);

	assert_non_null(text);
	memset(text, 'x', length);
	for (size_t at = 63; at < length; at += 64)
		text[at] = '\n';
	make_file(harness, name, text, length);
	free(text);
}

/* Small calls sent behind large ones are answered before those end. */
static void test_fairness(void **state)
{
	struct harness *harness = harness_new();
	unsigned before = 0;

	make_big(harness, "ws/big", 8u << 20);
	make_text(harness, "ws/small", "small\n");
	harness_start(harness);
	for (uint32_t call = 0; call < 4; call++)
		send_read(harness, call, "big", 8u << 20);
	for (uint32_t call = 4; call < 24; call++) {
		send_read(harness, call, "small", 32000);
		harness_wait(harness, call);
		before += !harness->answers[0].finals;
	}
	assert_true(before >= 19);
	for (uint32_t call = 0; call < 4; call++) {
		struct answer *answer = harness_wait(harness, call);

		assert_int_equal(answer->type, REPLY_RESULT);
		assert_int_equal(buffer_length(&answer->text), 100000 * 64);
	}
	harness_stop(harness);
}

static void test_cancel(void **state)
{
	static const struct buffer nothing;
	struct harness *harness = harness_new();
	char path[256];
	int fd;

	make_big(harness, "ws/big", 8u << 20);
	/* text in front, and then a hole that takes seconds to look through */
	make_big(harness, "ws/sparse", 64u << 10);
	snprintf(path, sizeof path, "%s/sparse", harness->workspace);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && ftruncate(fd, (off_t)1 << 42) == 0);
	close(fd);
	harness_start(harness);
	struct buffer payload;

	pack_read(&payload, "sparse", 900000, 10, 1000, 0);
	harness_answer(harness, 0);
	harness_send(harness, FILES_READ, 0, &payload);
	buffer_deinit(&payload);
	send_read(harness, 1, "big", 8u << 20);
	harness_pump(harness);
	harness_send(harness, REPLY_CANCEL, 0, &nothing);
	harness_send(harness, REPLY_CANCEL, 1, &nothing);
	harness_send(harness, REPLY_CANCEL, 2, &nothing); /* nothing by that number */
	assert_failure(harness_wait(harness, 0), "cancelled");
	assert_failure(harness_wait(harness, 1), "cancelled");
	send_read(harness, 1, "big", 100);
	assert_int_equal(harness_wait(harness, 1)->type, REPLY_RESULT);
	harness_stop(harness);
}

/* ---- lies ---- */

static void lie_produced(struct harness *harness)
{
	atomic_store(harness->rings.out.published, harness->rings.out.mine + 3 * LIMIT_RING_BYTES);
}

static void lie_consumed(struct harness *harness)
{
	send_read(harness, 1, "a", 100);
	atomic_store(harness->rings.in.published, 12345678);
}

static void send_header(struct harness *harness, uint32_t length, uint16_t type, uint16_t flags)
{
	struct frame_header header = {.length = 8, .type = type, .flags = 0, .call = 1};
	uint8_t *ring = harness->rings.out.data + (harness->rings.out.mine & (LIMIT_RING_BYTES - 1));
	uint8_t head[FRAME_HEADER_BYTES];

	ring_commit(&harness->rings.out, &header);
	header.length = length;
	header.flags = flags;
	frame_encode(&header, head);
	memcpy(ring, head, sizeof head);
}

static void lie_length(struct harness *harness)
{
	send_header(harness, LIMIT_FRAME_BYTES + 1, FILES_READ, 0);
}

static void lie_beyond(struct harness *harness)
{
	send_header(harness, 4000, FILES_READ, 0);
}

static void lie_flags(struct harness *harness)
{
	send_header(harness, 8, FILES_READ, 0x80);
}

static void lie_type(struct harness *harness)
{
	send_header(harness, 8, 4711, 0);
}

static void lie_fields(struct harness *harness)
{
	send_header(harness, 8, FILES_READ, 0);
}

static void lie_pieces(struct harness *harness)
{
	send_header(harness, 8, FILES_WRITE, FRAME_MORE);
	send_header(harness, 8, FILES_READ, FRAME_MORE); /* of the same call */
}

static void lie_offset(struct harness *harness)
{
	struct buffer payload;

	pack_read(&payload, "a", 0, 1, 1, 0);
	harness_send(harness, FILES_READ, 1, &payload);
	buffer_deinit(&payload);
}

static void test_lies(void **state)
{
	static void (*const lies[])(struct harness *) = {lie_produced, lie_consumed, lie_length,
							 lie_beyond,   lie_flags,    lie_type,
							 lie_fields,   lie_pieces,   lie_offset};

	for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
		struct harness *harness = harness_new();

		make_text(harness, "ws/a", "a");
		harness_start(harness);
		lies[i](harness);
		harness_wake(harness);
		harness_join(harness, 4);
		harness_stop(harness);
	}
}

/* The frontend's end is the executor's, also while it works. */
static void test_end(void **state)
{
	struct harness *harness = harness_new();

	make_big(harness, "ws/big", 8u << 20);
	harness_start(harness);
	send_read(harness, 1, "big", 8u << 20);
	harness_pump(harness);
	close_fd(&harness->wake);
	harness_join(harness, 0);
	harness_stop(harness);
}

/* ---- races ---- */

/* Exchanges two names as fast as it can, until killed. */
static pid_t start_swapper(struct harness *harness, const char *left, const char *right)
{
	char one[256], two[256];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	snprintf(one, sizeof one, "%s/%s", harness->directory, left);
	snprintf(two, sizeof two, "%s/%s", harness->directory, right);
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, two, RENAME_EXCHANGE) < 0)
			_exit(1);
}

static void stop_swapper(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it was at work until the end */
}

#define OPENS 20000

/* The directory "d" is at times a link to a directory outside. */
static void test_race(void **state)
{
	struct harness *harness = harness_new();
	unsigned inside = 0, refused = 0;
	char content[512];
	pid_t swapper;

	make_directory(harness, "ws/d");
	make_text(harness, "ws/d/file", "inside");
	make_directory(harness, "outside");
	make_text(harness, "outside/file", "SECRET");
	make_link(harness, "ws/l", "../outside");
	harness_start(harness);
	swapper = start_swapper(harness, "ws/d", "ws/l");
	/* until both sides of the race were seen often: on a busy machine that takes longer */
	for (int i = 0; i < OPENS / 20 || inside < OPENS / 100 || refused < OPENS / 100; i++) {
		for (uint32_t call = 0; call < 20; call++)
			send_read(harness, call, "d/file", 1000);
		for (uint32_t call = 0; call < 20; call++) {
			struct answer *answer = harness_wait(harness, call);
			size_t length = buffer_length(&answer->text);

			snprintf(content, sizeof content, "%.*s", (int)length,
				 length ? buffer_data(&answer->text) : "");
			if (answer->type == REPLY_RESULT)
				assert_string_equal(content, "inside");
			inside += answer->type == REPLY_RESULT;
			refused += answer->type != REPLY_RESULT;
		}
	}
	stop_swapper(swapper);
	harness_stop(harness);
}

static void test_write_race(void **state)
{
	struct harness *harness = harness_new();
	unsigned inside = 0, refused = 0;
	char *content;
	pid_t swapper;

	make_directory(harness, "ws/d");
	make_directory(harness, "ws/.git");
	make_directory(harness, "ws/.git/hooks");
	make_link(harness, "ws/l", ".git/hooks");
	make_directory(harness, "ws/e");
	make_directory(harness, "outside");
	make_link(harness, "ws/o", "../outside");
	assert_int_equal(plan_add_text(&harness->plan.protect, &harness->plan.protect_count, ".git/hooks"),
			 0);
	harness_start(harness);
	for (int round = 0; round < 2; round++) {
		swapper = start_swapper(harness, round ? "ws/e" : "ws/d", round ? "ws/o" : "ws/l");
		inside = refused = 0;
		/* until both sides of the race were seen often: on a busy machine that takes longer */
		for (int i = 0; i < 1000 || inside < 20 || refused < 20; i++) {
			struct answer *answer =
				harness_write(harness, round ? "e/made" : "d/made", "x", 1, 0, "");

			inside += answer->type == REPLY_RESULT;
			refused += answer->type != REPLY_RESULT;
		}
		stop_swapper(swapper);
	}
	content = take_file(harness, "outside/made", NULL);
	assert_null(content);
	content = take_file(harness, "ws/.git/hooks/made", NULL);
	assert_null(content);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_in_flight),
		cmocka_unit_test(test_fairness),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_race),
		cmocka_unit_test(test_write_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
