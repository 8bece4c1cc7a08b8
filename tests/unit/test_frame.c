/* SPDX-License-Identifier: Apache-2.0 */
/* Frames: what is written is read, and whatever a hostile other side sends is refused whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"

static void test_header(void **state)
{
	struct frame_header header = {.length = 0x01020304,
				      .type = 0x0506,
				      .flags = FRAME_MORE,
				      .call = 0xfffffffe,
				      .value = 0x0a0b0c0d},
			    again;
	uint8_t bytes[FRAME_HEADER_BYTES];
	static const uint8_t expected[] = {4,    3,    2,    1,    6,   5,   1,   0,
					   0xfe, 0xff, 0xff, 0xff, 0xd, 0xc, 0xb, 0xa};

	frame_encode(&header, bytes);
	assert_memory_equal(bytes, expected, sizeof bytes);
	assert_int_equal(frame_decode(&again, bytes, 0x01020304), 0);
	assert_memory_equal(&again, &header, sizeof header);
	assert_int_equal(frame_decode(&again, bytes, 0x01020303), -EPROTO);
	for (unsigned bit = 2; bit < 16; bit++) { /* every flag that is not known */
		header.flags = (uint16_t)(1u << bit);
		frame_encode(&header, bytes);
		assert_int_equal(frame_decode(&again, bytes, UINT32_MAX), -EPROTO);
	}
}

static void put_all(struct buffer *payload)
{
	assert_int_equal(frame_put_u32(payload, 0xdeadbeef), 0);
	assert_int_equal(frame_put_u64(payload, 0x1122334455667788), 0);
	assert_int_equal(frame_put_bytes(payload, "a\0b", 3), 0);
	assert_int_equal(frame_put_text(payload, "text"), 0);
	assert_int_equal(frame_put_text(payload, NULL), 0);
	assert_int_equal(frame_put_text(payload, "owned"), 0);
}

/* Reads what put_all wrote; returns frame_done. */
static int read_all(const void *bytes, size_t length, bool compare)
{
	struct frame_reader reader;
	char text[8], empty[8];
	size_t size;

	frame_read(&reader, bytes, length);
	uint32_t small = frame_get_u32(&reader);
	uint64_t large = frame_get_u64(&reader);
	const char *raw = frame_get_bytes(&reader, &size);

	frame_get_text(&reader, text, sizeof text);
	frame_get_text(&reader, empty, sizeof empty);
	_cleanup_free_ char *owned = frame_take_text(&reader, 5);

	if (compare) {
		assert_int_equal(small, 0xdeadbeef);
		assert_true(large == 0x1122334455667788);
		assert_int_equal(size, 3);
		assert_memory_equal(raw, "a\0b", 3);
		assert_string_equal(text, "text");
		assert_string_equal(empty, "");
		assert_string_equal(owned, "owned");
	}
	return frame_done(&reader);
}

static void test_fields(void **state)
{
	_cleanup_(buffer_deinit) struct buffer payload;

	buffer_init(&payload, 1024);
	put_all(&payload);
	assert_int_equal(read_all(payload.bytes, payload.end, true), 0);
	for (size_t length = 0; length < payload.end;
	     length++) { /* cut anywhere, in memory that ends there */
		_cleanup_free_ char *cut = malloc(length ? length : 1);

		memcpy(cut, payload.bytes, length);
		assert_int_equal(read_all(cut, length, false), -EPROTO);
	}
	assert_int_equal(buffer_append(&payload, "", 1), 0); /* one byte too many */
	assert_int_equal(read_all(payload.bytes, payload.end, false), -EPROTO);
}

static void test_hostile_fields(void **state)
{
	static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 1, 2, 3}, nul[] = {3, 0, 0, 0, 'a', 0, 'b'};
	struct frame_reader reader;
	char text[4] = "xyz";
	size_t length = 1;

	frame_read(&reader, huge, sizeof huge);
	assert_null(frame_get_bytes(&reader, &length));
	assert_int_equal(length, 0);
	assert_true(reader.failed);
	assert_int_equal(frame_get_u32(&reader), 0); /* failure sticks, though bytes are left */
	assert_int_equal(frame_done(&reader), -EPROTO);

	frame_read(&reader, nul, sizeof nul);
	frame_get_text(&reader, text, sizeof text);
	assert_true(reader.failed);
	assert_string_equal(text, "");
	frame_read(&reader, nul, sizeof nul);
	assert_null(frame_take_text(&reader, 100));
	assert_int_equal(frame_done(&reader), -EPROTO);

	static const uint8_t four[] = {4, 0, 0, 0, 'a', 'b', 'c', 'd'};

	frame_read(&reader, four, sizeof four);
	frame_get_text(&reader, text, sizeof text); /* no room for the NUL */
	assert_true(reader.failed);
	frame_read(&reader, four, sizeof four);
	assert_null(frame_take_text(&reader, 3));
	frame_read(&reader, NULL, 0);
	assert_int_equal(frame_done(&reader), 0);
}

/* ---- sockets ---- */

static unsigned open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

struct pair {
	int near, far;
	struct buffer payload;
};

static void pair_open(struct pair *pair)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	pair->near = fds[0];
	pair->far = fds[1];
	buffer_init(&pair->payload, LIMIT_MESSAGE_FRAME_BYTES);
}

static void pair_close(struct pair *pair)
{
	close_fd(&pair->near);
	close_fd(&pair->far);
	buffer_deinit(&pair->payload);
}

static void test_send_receive(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	unsigned before = open_descriptors();
	struct frame_header header = {.type = 3, .call = 9, .value = 4}, got;
	struct frame_descriptors descriptors;
	int pipe_fds[2], passed[LIMIT_FRAME_DESCRIPTORS];
	char byte;

	pair_open(&pair);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(frame_send(pair.far, &header, "payload", 7, NULL, 0, 0), 0);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), 0);
	assert_int_equal(got.length, 7);
	assert_int_equal(got.type, 3);
	assert_int_equal(got.call, 9);
	assert_int_equal(got.value, 4);
	assert_memory_equal(buffer_data(&pair.payload), "payload", 7);
	assert_int_equal(frame_send(pair.far, &header, NULL, 0, NULL, 0, 0), 0); /* nothing but a header */
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), 0);
	assert_int_equal(buffer_length(&pair.payload), 0);

	assert_int_equal(pipe(pipe_fds), 0);
	for (size_t i = 0; i < LIMIT_FRAME_DESCRIPTORS; i++)
		passed[i] = pipe_fds[1];
	assert_int_equal(frame_send(pair.far, &header, "x", 1, passed, LIMIT_FRAME_DESCRIPTORS, 0), 0);
	close(pipe_fds[1]);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, &descriptors, 0), 0);
	assert_int_equal(descriptors.count, LIMIT_FRAME_DESCRIPTORS);
	int taken = frame_descriptors_take(&descriptors, 2);

	assert_int_equal(frame_descriptors_take(&descriptors, 2), -1);
	assert_int_equal(frame_descriptors_take(&descriptors, 99), -1);
	assert_true(fcntl(taken, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(taken, "!", 1), 1);
	close(taken);
	frame_descriptors_close(&descriptors);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 0); /* every copy is closed */
	close(pipe_fds[0]);

	/* descriptors that nobody asked for: refused, and closed */
	assert_int_equal(frame_send(pair.far, &header, "x", 1, &pair.far, 1, 0), 0);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), -EPROTO);
	close_fd(&pair.far);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, &descriptors, 0), -ENOTCONN);
	assert_int_equal(frame_send(pair.near, &header, "x", 1, NULL, 0, 0), -EPIPE);
	assert_int_equal(open_descriptors(), before + 1);
}

static void test_largest(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	_cleanup_free_ char *bytes = calloc(1, LIMIT_MESSAGE_FRAME_BYTES + 1);
	struct frame_header header = {.type = 1}, got;
	int room = 4 * LIMIT_MESSAGE_FRAME_BYTES;

	pair_open(&pair);
	setsockopt(pair.far, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	setsockopt(pair.far, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	memset(bytes, 'z', LIMIT_MESSAGE_FRAME_BYTES);
	assert_int_equal(frame_send(pair.far, &header, bytes, LIMIT_MESSAGE_FRAME_BYTES + 1, NULL, 0, 0),
			 -EMSGSIZE);
	assert_int_equal(
		frame_send(pair.far, &header, bytes, LIMIT_MESSAGE_FRAME_BYTES, NULL, 0, MSG_DONTWAIT), 0);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), 0);
	assert_int_equal(got.length, LIMIT_MESSAGE_FRAME_BYTES);
	assert_memory_equal(buffer_data(&pair.payload), bytes, LIMIT_MESSAGE_FRAME_BYTES);
}

/* Messages that no frame_send would make. */
static void test_hostile_messages(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	struct frame_header header = {.length = 4, .type = 1}, got;
	uint8_t bytes[64] = {0};

	pair_open(&pair);
	for (size_t length = 1; length < sizeof bytes; length++) { /* all but the right length */
		frame_encode(&header, bytes);
		assert_int_equal(send(pair.far, bytes, length, 0), (ssize_t)length);
		assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0),
				 length == FRAME_HEADER_BYTES + 4 ? 0 : -EPROTO);
	}
	header.length = UINT32_MAX;
	frame_encode(&header, bytes);
	assert_int_equal(send(pair.far, bytes, sizeof bytes, 0), sizeof bytes);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), -EPROTO);

	/* more than the largest: cut by the kernel, refused by us */
	_cleanup_free_ char *large = calloc(1, LIMIT_MESSAGE_FRAME_BYTES + 100);
	int room = 4 * LIMIT_MESSAGE_FRAME_BYTES;

	setsockopt(pair.far, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
	setsockopt(pair.far, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
	header.length = LIMIT_MESSAGE_FRAME_BYTES;
	frame_encode(&header, (uint8_t *)large);
	assert_int_equal(send(pair.far, large, LIMIT_MESSAGE_FRAME_BYTES + 100, MSG_DONTWAIT),
			 LIMIT_MESSAGE_FRAME_BYTES + 100);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), -EPROTO);
}

static void send_descriptors(int socket, size_t count, size_t bytes)
{
	char data[FRAME_HEADER_BYTES] = {0}, control[CMSG_SPACE(sizeof(int) * 64)] = {0};
	struct iovec part = {data, bytes};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(rights) + i * sizeof(int), &socket, sizeof socket);
	assert_int_equal(sendmsg(socket, &message, 0), (ssize_t)bytes);
}

/* Too many descriptors, or descriptors beside a broken frame: refused without keeping one. */
static void test_hostile_descriptors(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	struct frame_header got;
	struct frame_descriptors descriptors;
	unsigned before;

	pair_open(&pair);
	before = open_descriptors();
	send_descriptors(pair.far, LIMIT_FRAME_DESCRIPTORS + 1, FRAME_HEADER_BYTES);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, &descriptors, 0), -EPROTO);
	send_descriptors(pair.far, 60, FRAME_HEADER_BYTES);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, &descriptors, 0), -EPROTO);
	send_descriptors(pair.far, 3, 5);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, &descriptors, 0), -EPROTO);
	assert_int_equal(descriptors.count, 0);
	assert_int_equal(descriptors.fds[0], -1);
	send_descriptors(pair.far, 2, FRAME_HEADER_BYTES);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), -EPROTO);
	assert_int_equal(open_descriptors(), before);
}

static void test_encoded(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	struct frame_header header = {.length = 3, .type = 7, .call = 9}, got;
	uint8_t frame[FRAME_HEADER_BYTES + 3] = {0};

	pair_open(&pair);
	frame_encode(&header, frame);
	memcpy(frame + FRAME_HEADER_BYTES, "abc", 3);
	assert_int_equal(frame_send_encoded(pair.far, frame, sizeof frame, 0), 0);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), 0);
	assert_int_equal(got.type, 7);
	assert_int_equal(got.call, 9);
	assert_memory_equal(buffer_data(&pair.payload), "abc", 3);
	close(pair.near);
	pair.near = -1;
	assert_int_equal(frame_send_encoded(pair.far, frame, sizeof frame, 0), -EPIPE);
}

/* What the kernel knows of SO_PASSRIGHTS (Linux 6.16) decides which of two answers is right. */
static void test_refused_descriptors(void **state)
{
	_cleanup_(pair_close) struct pair pair;
	struct frame_header header = {.type = 7}, got;
	int passes = 1;
	socklen_t size = sizeof passes;
	bool known;

	pair_open(&pair);
	known = getsockopt(pair.near, SOL_SOCKET, 83, &passes, &size) == 0;
	assert_int_equal(passes, 1);
	frame_refuse_descriptors(pair.near);
	assert_int_equal(frame_send(pair.far, &header, NULL, 0, &pair.far, 1, 0), known ? -EPERM : 0);
	if (!known)
		assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), -EPROTO);
	assert_int_equal(frame_send(pair.far, &header, NULL, 0, NULL, 0, 0), 0);
	assert_int_equal(frame_receive(pair.near, &got, &pair.payload, NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_hostile_fields),
		cmocka_unit_test(test_send_receive),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_hostile_messages),
		cmocka_unit_test(test_hostile_descriptors),
		cmocka_unit_test(test_encoded),
		cmocka_unit_test(test_refused_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
