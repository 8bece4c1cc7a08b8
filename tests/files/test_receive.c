/* SPDX-License-Identifier: Apache-2.0 */
/* download_file's side of the files: what comes out of a pipe, from somebody who may lie about all of it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/limits.h"
#include "tests/files/old_system.h"
#include "tests/files/receive.h"
#include "tests/files/requests.h"

#define ABC_SHA256   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define OTHER_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_received(const struct answer *answer, uint64_t bytes, uint32_t outcome)
{
	struct frame_reader reader;
	size_t length;

	if (answer->type != REPLY_RESULT)
		fail_msg("no result: %s", answer_text(answer, answer->type == REPLY_DENIED ? 3 : 0));
	frame_read(&reader, buffer_data(&answer->payload), buffer_length(&answer->payload));
	assert_int_equal(frame_get_u64(&reader), bytes);
	frame_get_bytes(&reader, &length);
	assert_int_equal(length, FILES_SHA256_BYTES);
	assert_int_equal(frame_get_u32(&reader), outcome);
	frame_get_u32(&reader);
	frame_get_bytes(&reader, &length);
	assert_int_equal(frame_done(&reader), 0);
}

/* A whole download that was announced, and stands before its last word. */
static void give(struct harness *harness, uint32_t call, int pipe, const char *content)
{
	assert_true(receive_ready(harness, call));
	receive_fill(harness, pipe, content, strlen(content));
	close(pipe);
}

static const struct answer *finish(struct harness *harness, uint32_t call, uint64_t bytes)
{
	receive_end(harness, call, bytes);
	return harness_wait(harness, call);
}

static void outcomes(void (*prepare)(void))
{
	struct harness *harness = harness_new();
	struct stat status;

	harness->prepare = prepare;
	make_text(harness, "ws/old", "old");
	assert_int_equal(chmod(inside(harness, "ws/old"), 0751), 0);
	harness_start(harness);
	assert_received(harness_receive(harness, "new", "abc", 3, 0, ABC_SHA256), 3, FILES_CREATED);
	assert_content(harness, "ws/new", "abc");
	assert_received(harness_receive(harness, "old", "abc", 3, FILES_OVERWRITE, ""), 3, FILES_REPLACED);
	assert_content(harness, "ws/old", "abc");
	assert_int_equal(stat(inside(harness, "ws/old"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0751);
	assert_received(harness_receive(harness, "empty", "", 0, 0, ""), 0, FILES_CREATED);
	assert_received(harness_receive(harness, "a/deep/file", "abc", 3, 0, ""), 3, FILES_CREATED);
	assert_content(harness, "ws/a/deep/file", "abc");
	assert_int_equal(entries(harness, "ws"), 4);
	assert_int_equal(entries(harness, "ws/a/deep"), 1);
	harness_stop(harness);
}

static void test_outcomes(void **state)
{
	outcomes(NULL);
	outcomes(old_system_kernel);
	outcomes(old_system_no_links);
}

/* Nothing was announced, so nothing would have been fetched; whoever writes hears that nobody reads. */
static const struct answer *at_once(struct harness *harness, const char *path, uint32_t flags)
{
	int pipe = receive_begin(harness, 1, path, flags, "", 100);
	const struct answer *answer = harness_wait(harness, 1);

	assert_int_equal(answer->receiving, 0);
	harness_read(harness, "", 1, 1, 1, 0); /* it has tidied up */
	assert_int_equal(write(pipe, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close(pipe);
	return answer;
}

static void test_refused_at_once(void **state)
{
	struct harness *harness = harness_new();

	make_text(harness, "ws/old", "old");
	make_text(harness, "ws/locked", "old");
	assert_int_equal(chmod(inside(harness, "ws/locked"), 0444), 0);
	make_directory(harness, "ws/directory");
	make_directory(harness, "ws/.git");
	make_directory(harness, "ws/.git/hooks");
	make_link(harness, "ws/hooks", ".git/hooks");
	make_link(harness, "ws/out", "/etc/made");
	make_link(harness, "ws/absent", ".late/guarded/x");
	make_directory(harness, "ro");
	assert_int_equal(mkfifo(inside(harness, "ws/fifo"), 0644), 0);
	add_workspace(harness, "ro", false);
	protect(harness, ".git/hooks");
	protect(harness, ".late/guarded");
	harness_start(harness);
	assert_failure(at_once(harness, "old", 0), "`old` exists already (3 bytes); overwrite: true");
	assert_failure(at_once(harness, "directory", FILES_OVERWRITE), "directory");
	assert_failure(at_once(harness, "directory/", 0), "directory");
	assert_failure(at_once(harness, "fifo", FILES_OVERWRITE), "no regular file");
	assert_failure(at_once(harness, "old/below", 0), "ENOTDIR");
	assert_failure(at_once(harness, "none/../new", 0), "none");
	if (geteuid() != 0)
		assert_failure(at_once(harness, "locked", FILES_OVERWRITE), "EACCES");
	assert_denied(at_once(harness, ".git/hooks/pre-commit", 0), "protected:.git/hooks");
	assert_denied(at_once(harness, "hooks/pre-commit", 0), "protected:.git/hooks");
	assert_denied(at_once(harness, "hooks/a/b", 0), "protected:.git/hooks");
	assert_denied(at_once(harness, ".late/guarded/a/b", 0), "protected:.late/guarded");
	assert_int_equal(at_once(harness, "/etc/made", 0)->type, REPLY_DENIED);
	assert_int_equal(at_once(harness, "out", 0)->type, REPLY_DENIED);
	assert_int_equal(at_once(harness, inside(harness, "ro/new"), 0)->type, REPLY_DENIED);
	assert_int_equal(at_once(harness, inside(harness, "ro/a/new"), 0)->type, REPLY_DENIED);
	assert_content(harness, "ws/old", "old");
	assert_int_equal(entries(harness, "ws"), 8);
	assert_int_equal(entries(harness, "ws/.git/hooks"), 0);
	assert_int_equal(entries(harness, "ro"), 0);
	harness_stop(harness);
}

/* What came is not what was to come: nothing is written, and nothing is left, no directory either. */
static void lies(void (*prepare)(void))
{
	struct harness *harness = harness_new();
	int pipe;

	harness->prepare = prepare;
	harness_start(harness);
	assert_failure(harness_receive(harness, "a/b/new", "abc", 3, 0, OTHER_SHA256), ABC_SHA256);
	assert_failure(harness_receive(harness, "new", "abc", 3, 0, OTHER_SHA256), OTHER_SHA256);

	for (unsigned more = 0; more < 2; more++) {
		pipe = receive_begin(harness, 1, "new", 0, "", 100);
		give(harness, 1, pipe, "abc");
		assert_failure(finish(harness, 1, more ? 4 : 2), "3 bytes came, and");
	}
	pipe = receive_begin(harness, 1, "new", 0, "", 100);
	assert_true(receive_ready(harness, 1));
	receive_fill(harness, pipe, "abc", 3);
	assert_failure(finish(harness, 1, 3), "was not closed");
	close(pipe);

	char flood[101] = {0};

	pipe = receive_begin(harness, 1, "a/new", 0, "", 100);
	assert_true(receive_ready(harness, 1));
	receive_fill(harness, pipe, flood, sizeof flood); /* nobody says that that is all */
	assert_failure(harness_wait(harness, 1), "more than 100 bytes came");
	close(pipe);
	receive_end(harness, 1, 101); /* has crossed it */

	/* the web executor has died, or failed */
	pipe = receive_begin(harness, 1, "a/new", 0, "", 100);
	give(harness, 1, pipe, "ab");
	receive_cancel(harness, 1);
	assert_failure(harness_wait(harness, 1), "cancelled");
	pipe = receive_begin(harness, 1, "new", 0, "", 100);
	receive_cancel(harness, 1);
	assert_failure(harness_wait(harness, 1), "cancelled");
	close(pipe);
	harness_read(harness, "", 1, 1, 1, 0);
	assert_int_equal(entries(harness, "ws"), 0);
	harness_stop(harness);
}

static void test_lies(void **state)
{
	lies(NULL);
	lies(old_system_kernel);
	lies(old_system_no_links);
}

/* The tree is another one when all has come. */
static void test_meanwhile(void **state)
{
	struct harness *harness = harness_new();
	int one, two, three, four, five, six;

	make_directory(harness, "ws/d");
	make_directory(harness, "ws/e");
	make_directory(harness, "ws/.git");
	make_directory(harness, "ws/.git/hooks");
	protect(harness, ".git/hooks");
	harness_start(harness);
	one = receive_begin(harness, 1, "new", 0, "", 100);
	two = receive_begin(harness, 2, "other", FILES_OVERWRITE, "", 100);
	three = receive_begin(harness, 3, "d/x", 0, "", 100);
	four = receive_begin(harness, 4, "e/x", 0, "", 100);
	five = receive_begin(harness, 5, "new", 0, "", 100);
	six = receive_begin(harness, 6, "pipe", FILES_OVERWRITE, "", 100);
	give(harness, 1, one, "abc");
	give(harness, 2, two, "abc");
	give(harness, 3, three, "abc");
	give(harness, 4, four, "abc");
	give(harness, 5, five, "later");
	give(harness, 6, six, "abc");
	assert_int_equal(mkfifo(inside(harness, "ws/pipe"), 0600), 0);
	/* nobody waits for a download */
	assert_int_equal(harness_write(harness, "other", "made", 4, 0, "")->type, REPLY_RESULT);
	assert_int_equal(chmod(inside(harness, "ws/other"), 0700), 0);
	assert_int_equal(rename(inside(harness, "ws/d"), inside(harness, "ws/moved")), 0);
	make_link(harness, "ws/d", ".git/hooks");
	assert_int_equal(rmdir(inside(harness, "ws/e")), 0);
	assert_received(finish(harness, 5, 5), 5, FILES_CREATED);
	assert_failure(finish(harness, 1, 3), "`new` was made by somebody else while it was downloaded");
	assert_received(finish(harness, 2, 3), 3, FILES_REPLACED);
	assert_denied(finish(harness, 3, 3), "protected:.git/hooks");
	assert_failure(finish(harness, 6, 3), "it is no regular file");
	assert_received(finish(harness, 4, 3), 3, FILES_CREATED);
	assert_content(harness, "ws/new", "later");
	assert_content(harness, "ws/other", "abc");
	assert_content(harness, "ws/e/x", "abc");

	struct stat status;

	assert_int_equal(stat(inside(harness, "ws/other"), &status), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	assert_int_equal(entries(harness, "ws/.git/hooks"), 0);
	assert_int_equal(entries(harness, "ws/moved"), 0);
	harness_stop(harness);
}

/* More than is kept unsaved, and than a pipe holds, beside other calls. */
static void test_large(void **state)
{
	struct harness *harness = harness_new();
	size_t length = 3 * LIMIT_RECEIVE_UNSAVED_BYTES + 12345, found;
	char *content = malloc(length), *have;
	int pipe;

	assert_non_null(content);
	for (size_t i = 0; i < length; i++)
		content[i] = (char)(i * 31 + i / 4096);
	harness_start(harness);
	pipe = receive_begin(harness, 1, "large", 0, "", length);
	assert_true(receive_ready(harness, 1));
	for (size_t at = 0; at < length;) {
		size_t part = length - at < 1 << 20 ? length - at : 1 << 20;

		receive_fill(harness, pipe, content + at, part);
		at += part;
		assert_failure(harness_read(harness, "none", 1, 1, 100, 0), "none");
	}
	close(pipe);
	assert_received(finish(harness, 1, length), length, FILES_CREATED);
	assert_true(harness->answers[1].received <= length);
	have = take_file(harness, "ws/large", &found);
	assert_int_equal(found, length);
	assert_memory_equal(have, content, length);
	free(have);
	free(content);
	harness_stop(harness);
}

static void killed(void (*prepare)(void))
{
	struct harness *harness = harness_new();
	int pipe;

	harness->prepare = prepare;
	make_text(harness, "ws/old", "old");
	harness_start(harness);
	pipe = receive_begin(harness, 1, "old", FILES_OVERWRITE, "", 100);
	assert_true(receive_ready(harness, 1));
	receive_fill(harness, pipe, "abc", 3);
	harness_kill(harness);
	close(pipe);
	harness_start(harness);
	assert_content(harness, "ws/old", "old");
	assert_int_equal(entries(harness, "ws"), 1);
	harness_stop(harness);
}

static void test_killed(void **state)
{
	killed(NULL);
	killed(old_system_kernel);
	killed(old_system_no_links);
}

/* It ends with the frontend, and what has come goes. */
static void test_frontend_gone(void **state)
{
	struct harness *harness = harness_new();
	int pipe;

	harness->prepare = old_system_no_links;
	harness_start(harness);
	pipe = receive_begin(harness, 1, "new", 0, "", 100);
	assert_true(receive_ready(harness, 1));
	receive_fill(harness, pipe, "abc", 3);
	close(harness->wake);
	harness->wake = -1;
	harness_join(harness, 0);
	assert_int_equal(entries(harness, "ws"), 0);
	close(pipe);
	harness_stop(harness);
}

static void without_descriptor(struct harness *harness)
{
	struct buffer payload;

	pack_receive(&payload, "new", 0, "", 100);
	harness_send(harness, FILES_RECEIVE, 1, &payload);
	buffer_deinit(&payload);
}

static void of_another_call(struct harness *harness)
{
	receive_pass(harness, 2, "", 0);
	without_descriptor(harness);
}

static void flags(struct harness *harness)
{
	close(receive_begin(harness, 1, "new", 2, "", 100));
}

static void test_malformed(void **state)
{
	void (*const all[])(struct harness *) = {without_descriptor, of_another_call, flags};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		struct harness *harness = harness_new();

		harness_start(harness);
		all[i](harness);
		harness_wake(harness);
		harness_join(harness, 4);
		harness_stop(harness);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outcomes),  cmocka_unit_test(test_refused_at_once),
		cmocka_unit_test(test_lies),      cmocka_unit_test(test_meanwhile),
		cmocka_unit_test(test_large),     cmocka_unit_test(test_killed),
		cmocka_unit_test(test_malformed), cmocka_unit_test(test_frontend_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
