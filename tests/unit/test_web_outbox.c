/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that wait for a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "tools/web/executor/outbox.h"

/* Frames wait while the other side does not read, and come in order when it does. */
static void outbox_waits(void **state)
{
	struct outbox outbox;
	static char payload[60000];
	_cleanup_(buffer_deinit) struct buffer got = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header;
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	outbox_init(&outbox, sockets[0], 3u << 20);
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(outbox_put(&outbox, 7, i, i * 2, payload, sizeof payload), 0);
	assert_true(outbox_fits(&outbox, 1000));
	assert_false(outbox_fits(&outbox, 200000));
	assert_int_equal(outbox_put(&outbox, 7, 50, 0, payload, sizeof payload), 0);
	assert_int_equal(outbox_put(&outbox, 7, 51, 0, payload, sizeof payload), 0);
	assert_int_equal(outbox_put(&outbox, 7, 52, 0, payload, sizeof payload), -EMSGSIZE);
	assert_int_equal(outbox_put(&outbox, 7, 52, 0, payload, LIMIT_FRAME_BYTES + 1), -EMSGSIZE);
	for (uint32_t i = 0; i < 52; i++) {
		assert_int_equal(outbox_flush(&outbox), 0);
		assert_int_equal(frame_receive(sockets[1], &header, &got, NULL, MSG_DONTWAIT), 0);
		assert_int_equal(header.call, i);
		assert_int_equal(header.length, sizeof payload);
	}
	assert_int_equal(outbox_flush(&outbox), 0);
	assert_true(outbox_empty(&outbox));
	assert_int_equal(outbox_put(&outbox, 7, 1, 0, NULL, 0), 0);
	close(sockets[1]);
	assert_int_equal(outbox_flush(&outbox), -EPIPE);
	close(sockets[0]);
	outbox_deinit(&outbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outbox_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
