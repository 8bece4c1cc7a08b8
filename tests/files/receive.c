/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/files/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

void pack_receive(struct buffer *payload, const char *path, uint32_t flags, const char *expected,
		  uint64_t most)
{
	buffer_init(payload, 1u << 20);
	frame_put_text(payload, path);
	frame_put_u32(payload, flags);
	frame_put_text(payload, expected);
	assert_int_equal(frame_put_u64(payload, most), 0);
}

/* Passes one end on, and returns the other. */
static int pass(const struct harness *harness, uint32_t call)
{
	struct frame_header header = {.type = FILES_RECEIVE, .call = call};
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(frame_send(harness->socket, &header, NULL, 0, &ends[0], 1, MSG_DONTWAIT), 0);
	close(ends[0]);
	return ends[1];
}

void receive_pass(const struct harness *harness, uint32_t call, const void *content, size_t length)
{
	int pipe = pass(harness, call);

	assert_int_equal(write(pipe, content, length), length);
	close(pipe);
}

int receive_begin(struct harness *harness, uint32_t call, const char *path, uint32_t flags,
		  const char *expected, uint64_t most)
{
	struct buffer payload;
	int pipe = pass(harness, call);

	pack_receive(&payload, path, flags, expected, most);
	harness_answer(harness, call);
	harness_send(harness, FILES_RECEIVE, call, &payload);
	harness_wake(harness);
	buffer_deinit(&payload);
	return pipe;
}

bool receive_ready(struct harness *harness, uint32_t call)
{
	while (!harness->answers[call].finals && !harness->answers[call].receiving)
		harness_pump(harness);
	return !harness->answers[call].finals;
}

void receive_fill(struct harness *harness, int pipe, const void *content, size_t length)
{
	const char *at = content;

	while (length) {
		struct pollfd full = {.fd = pipe, .events = POLLOUT};
		ssize_t written = write(pipe, at, length);

		if (written < 0 && errno == EPIPE)
			return; /* it was refused */
		if (written < 0) {
			assert_int_equal(errno, EAGAIN);
			harness_drain(harness);
			assert_true(poll(&full, 1, 60000) > 0);
			continue;
		}
		at += written;
		length -= (size_t)written;
	}
}

void receive_end(struct harness *harness, uint32_t call, uint64_t bytes)
{
	struct buffer payload;

	buffer_init(&payload, 100);
	assert_int_equal(frame_put_u64(&payload, bytes), 0);
	harness_send(harness, FILES_RECEIVED, call, &payload);
	buffer_deinit(&payload);
	harness_wake(harness);
}

void receive_cancel(struct harness *harness, uint32_t call)
{
	struct buffer nothing;

	buffer_init(&nothing, 100);
	harness_send(harness, REPLY_CANCEL, call, &nothing);
	harness_wake(harness);
}

struct answer *harness_receive(struct harness *harness, const char *path, const void *content, size_t length,
			       uint32_t flags, const char *expected)
{
	int pipe = receive_begin(harness, 0, path, flags, expected, UINT64_MAX);

	if (receive_ready(harness, 0)) {
		receive_fill(harness, pipe, content, length);
		close(pipe);
		pipe = -1;
		receive_end(harness, 0, length);
	}
	if (pipe >= 0)
		close(pipe);
	return harness_wait(harness, 0);
}
