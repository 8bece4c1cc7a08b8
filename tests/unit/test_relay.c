/* SPDX-License-Identifier: Apache-2.0 */
/* A nanny between a server inside and who fetches from it (sandbox/keeper/inside.c), in a process of its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/keeper/inside.h"
#include "sandbox/keeper/wire.h"

#define PATIENCE_MS 30000

static int leash, outside, listener;
static pid_t nanny;

static uint16_t listen_here(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

/* Asks for a connection, and returns what is answered. */
static struct frame_header ask(uint32_t port, uint32_t place, size_t descriptors)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = KEEPER_CONNECT, .call = 7};
	struct frame_descriptors passed = {.count = descriptors};
	int leashes[2], pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, leashes), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(frame_put_u32(&payload, port), 0);
	assert_int_equal(frame_put_u32(&payload, place), 0);
	nanny = fork();
	if (nanny == 0) {
		close(leashes[0]);
		close(pair[0]);
		close(listener);
		passed.fds[0] = leashes[1];
		passed.fds[1] = pair[1];
		inside_serve(&header, &payload, &passed);
		_exit(0);
	}
	assert_true(nanny > 0);
	close(leashes[1]);
	close(pair[1]);
	leash = leashes[0];
	outside = pair[0];
	assert_int_equal(frame_receive(leash, &header, &payload, NULL, 0), 0);
	assert_int_equal(header.call, 7);
	return header;
}

static void assert_over(void)
{
	int handle = (int)syscall(SYS_pidfd_open, nanny, 0), came;

	assert_true(handle >= 0);
	came = poll(&(struct pollfd){.fd = handle, .events = POLLIN}, 1, PATIENCE_MS);
	kill(nanny, SIGKILL);
	assert_int_equal(waitpid(nanny, NULL, 0), nanny);
	close(handle);
	assert_int_equal(came, 1);
}

/* Connected, with a byte that went each way. The server's end. */
static int connected(void)
{
	uint16_t port = listen_here();
	char byte = 0;
	int server;

	assert_int_equal(ask(port, 0, 2).type, KEEPER_CONNECTED);
	server = accept(listener, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(write(outside, "a", 1), 1);
	assert_int_equal(read(server, &byte, 1), 1);
	assert_int_equal(byte, 'a');
	assert_int_equal(write(server, "b", 1), 1);
	assert_int_equal(read(outside, &byte, 1), 1);
	assert_int_equal(byte, 'b');
	return server;
}

/* Its call is over, though both ends stay open. */
static void test_leash(void **state)
{
	int server = connected();

	close(leash);
	assert_over();
	close(outside);
	close(server);
	close(listener);
}

/* A server that says no more and does not end. */
static void test_nobody_hears(void **state)
{
	int server = connected();

	close(outside);
	assert_over();
	close(leash);
	close(server);
	close(listener);
}

static void test_what_is_refused(void **state)
{
	const struct {
		uint32_t port, place;
		size_t descriptors;
	} asked[] = {
		{0, 0, 2}, {65536, 0, 2}, {80, 2, 2}, {80, 0x08080808, 2}, {80, 0, 1}, {80, 0, 3},
	};

	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct frame_header header = ask(asked[i].port, asked[i].place, asked[i].descriptors);

		assert_int_equal(header.type, KEEPER_FAILED);
		assert_int_equal(header.value, EPROTO);
		assert_over();
		close(leash);
		close(outside);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leash),
		cmocka_unit_test(test_nobody_hears),
		cmocka_unit_test(test_what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
