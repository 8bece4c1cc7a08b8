/* SPDX-License-Identifier: Apache-2.0 */
/* create_directory and delete_file: what is made and what goes, what stays, and trees that are odd. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/files/requests.h"

static void test_make(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/file", "file");
	make_directory(harness, "ws/target");
	make_link(harness, "ws/link", "target");
	make_link(harness, "ws/dangling", "nowhere");
	make_link(harness, "ws/absolute", inside(harness, "ws/target"));
	make_link(harness, "ws/out", "..");
	protect(harness, ".git/hooks");
	harness_start(harness);
	assert_made(request_make(harness, "a/b/c"), true);
	assert_made(request_make(harness, "a/b/c/"), false);
	assert_made(request_make(harness, "."), false);
	assert_made(request_make(harness, inside(harness, "ws")), false);
	assert_made(request_make(harness, "link/x"), true);
	assert_made(request_make(harness, "absolute/y/z"), true);
	assert_made(request_make(harness, "target/y/z"), false);
	assert_made(request_make(harness, ".git"), true);
	assert_failure(request_make(harness, "file"), "a file stands there");
	assert_failure(request_make(harness, "file/x"), "a file stands there");
	assert_int_not_equal(request_make(harness, "dangling")->type, REPLY_RESULT);
	assert_denied(request_make(harness, ".git/hooks"), "protected:.git/hooks");
	assert_denied(request_make(harness, "../x"), "workspace");
	assert_denied(request_make(harness, "out/x"), "workspace");
	assert_int_equal(access(inside(harness, "x"), F_OK), -1);
	assert_int_equal(access(inside(harness, "ws/nowhere"), F_OK), -1);
	harness_stop(harness);
}

static void test_delete(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/file", "12345");
	make_text(harness, "ws/one", "12345");
	assert_int_equal(link(inside(harness, "ws/one"), inside(harness, "ws/two")), 0);
	make_directory(harness, "ws/empty");
	make_directory(harness, "ws/full");
	make_directory(harness, "ws/full/deep");
	make_text(harness, "ws/full/deep/file", "123");
	make_directory(harness, "outside");
	make_text(harness, "outside/kept", "kept");
	make_link(harness, "ws/full/out", "../../outside");
	make_link(harness, "ws/link", "full");
	assert_int_equal(mkfifo(inside(harness, "ws/full/fifo"), 0644), 0);
	harness_start(harness);
	assert_deleted(request_delete(harness, "file", 0), 1, 5);
	assert_failure(request_delete(harness, "file", 0), "cannot delete `file`: it does not exist");
	assert_deleted(request_delete(harness, "one", 0), 1, 0); /* its content has another name yet */
	assert_deleted(request_delete(harness, "empty", 0), 1, 0);
	assert_failure(request_delete(harness, "full", 0), "recursive: true");
	assert_deleted(request_delete(harness, "link", FILES_RECURSIVE), 1, 0);
	assert_content(harness, "ws/full/deep/file", "123");
	assert_deleted(request_delete(harness, "full/", FILES_RECURSIVE), 5, 3);
	assert_content(harness, "outside/kept", "kept");
	assert_denied(request_delete(harness, ".", FILES_RECURSIVE), "workspace");
	assert_denied(request_delete(harness, "./", FILES_RECURSIVE), "workspace");
	assert_failure(request_delete(harness, "full/..", FILES_RECURSIVE), "give the name");
	assert_denied(request_delete(harness, "../outside", FILES_RECURSIVE), "workspace");
	assert_int_equal(entries(harness, "ws"), 1);
	harness_stop(harness);
}

/* Names that text cannot show go in and come out quoted (tools/files/quote.h). */
static void test_odd_names(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/new\nline", "1");
	make_text(harness, "ws/\377\"", "2");
	make_text(harness, "ws/\"quoted\"", "3");
	harness_start(harness);
	assert_int_equal(harness_read(harness, "\"new\\nline\"", 1, 1, 100, 0)->type, REPLY_RESULT);
	assert_int_equal(harness_write(harness, "\"new\\nline\"", "x", 1, 0, "")->type, REPLY_RESULT);
	assert_content(harness, "ws/new\nline", "x");
	assert_int_equal(request_info(harness, "\"new\\nline\"", 0)->type, REPLY_RESULT);
	assert_transferred(request_transfer(harness, FILES_MOVE, "\"\\377\\\"\"", "\"\\t\"", 0),
			   FILES_TRANSFER_MADE, 0);
	assert_content(harness, "ws/\t", "2");
	assert_failure(request_delete(harness, "\"\\\"quited\\\"\"", 0),
		       "Did you mean `\"\\\"quoted\\\"\"`?");
	assert_failure(request_delete(harness, "\"no\\n\"", 0), "cannot delete `\"no\\n\"`");
	assert_deleted(request_delete(harness, "\"\\\"quoted\\\"\"", 0), 1, 1);
	assert_made(request_make(harness, "\"a\\nb\"/c"), true);
	harness_stop(harness);
}

/* Half-way: says where and how much is gone. */
static void test_stopped(void **state)
{
	struct harness *harness = harness_new();

	if (geteuid() == 0) {
		print_message("as root nothing is refused by its mode: not tested\n");
		harness_start(harness);
		harness_stop(harness);
		return;
	}
	make_directory(harness, "ws/d");
	make_directory(harness, "ws/d/closed");
	make_text(harness, "ws/d/closed/file", "x");
	assert_int_equal(chmod(inside(harness, "ws/d/closed"), 0500), 0);
	harness_start(harness);
	assert_failure(request_delete(harness, "d", FILES_RECURSIVE), "cannot delete `d/closed/file`");
	assert_int_equal(chmod(inside(harness, "ws/d/closed"), 0700), 0);
	harness_stop(harness);
}

/* A tree of `depth` directories in each other, built without a path. */
static void make_deep(struct harness *harness, const char *name, int depth)
{
	int at = open(inside(harness, "ws"), O_RDONLY | O_DIRECTORY);

	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, i ? "d" : name, 0755), 0);
		int next = openat(at, i ? "d" : name, O_RDONLY | O_DIRECTORY);

		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
}

static void test_deep(void **state)
{
	struct harness *harness = harness_new();

	make_deep(harness, "deep", LIMIT_TREE_DEPTH);
	make_deep(harness, "deeper", LIMIT_TREE_DEPTH + 1);
	harness_start(harness);
	assert_transferred(request_transfer(harness, FILES_COPY, "deep", "copy", 0), FILES_TRANSFER_MADE, 0);
	assert_deleted(request_delete(harness, "deep", FILES_RECURSIVE), LIMIT_TREE_DEPTH, 0);
	assert_deleted(request_delete(harness, "copy", FILES_RECURSIVE), LIMIT_TREE_DEPTH, 0);
	assert_failure(request_delete(harness, "deeper", FILES_RECURSIVE), "too long");
	assert_failure(request_transfer(harness, FILES_COPY, "deeper", "copy", 0), "too long");
	assert_int_equal(entries(harness, "ws"), 1);
	harness_stop(harness);
}

/* Many entries: others are served while they go. */
static void test_wide(void **state)
{
	struct harness *harness = harness_new();
	struct buffer payload;
	char name[64];
	unsigned served = 0;

	make_directory(harness, "ws/wide");
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "ws/wide/%d", i);
		int fd = open(inside(harness, name), O_WRONLY | O_CREAT, 0644);

		assert_true(fd >= 0);
		close(fd);
	}
	make_text(harness, "ws/small", "small");
	harness_start(harness);
	buffer_init(&payload, 1u << 16);
	frame_put_text(&payload, "wide");
	assert_int_equal(frame_put_u32(&payload, FILES_RECURSIVE), 0);
	harness_answer(harness, 1);
	harness_send(harness, FILES_DELETE, 1, &payload);
	buffer_deinit(&payload);
	while (!harness->answers[1].finals) {
		assert_int_equal(harness_read(harness, "small", 1, 1, 100, 0)->type, REPLY_RESULT);
		served++;
	}
	assert_deleted(&harness->answers[1], 20001, 0);
	assert_true(served >= 20);
	harness_stop(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make),      cmocka_unit_test(test_delete),
		cmocka_unit_test(test_odd_names), cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_deep),      cmocka_unit_test(test_wide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
