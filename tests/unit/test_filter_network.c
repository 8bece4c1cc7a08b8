/* SPDX-License-Identifier: Apache-2.0 */
/* What commands may do with sockets where there is no network namespace (filter/container.c, notify.c). */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/support/filters.h"

#define ASKED SECCOMP_RET_USER_NOTIF

/* Where there is no network namespace: no socket at all, or those that the broker connects. */
static void test_connecting(void **state)
{
	static const enum filter_name both[] = {FILTER_CONTAINER, FILTER_CONTAINER_NETWORK};
	static const enum filter_name asking[] = {FILTER_NOTIFY_CONNECT, FILTER_NOTIFY_ALL_CONNECT,
						  FILTER_NOTIFY_SIGNALS_CONNECT,
						  FILTER_NOTIFY_ALL_SIGNALS_CONNECT};
	const enum filter_name network = FILTER_CONTAINER_NETWORK;
	const struct expectation list[] = {
		{FILTER_CONTAINER, "socket", ARGUMENTS(AF_INET, SOCK_STREAM), REFUSED(EACCES)},
		{FILTER_CONTAINER, "connect", NULL, REFUSED(EACCES)},
		{FILTER_CONTAINER, "bind", NULL, REFUSED(EACCES)},
		{network, "connect", NULL, SECCOMP_RET_ALLOW},
		{network, "bind", NULL, SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_STREAM | SOCK_CLOEXEC), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET6, SOCK_STREAM, IPPROTO_TCP), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_STREAM, IPPROTO_TCP), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET6, SOCK_STREAM), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM, IPPROTO_UDP), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET6, SOCK_DGRAM), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET6, SOCK_DGRAM, IPPROTO_UDP), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_UNIX, SOCK_STREAM), SECCOMP_RET_ALLOW},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_STREAM, 262), REFUSED(EACCES)},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), REFUSED(EACCES)},
		{network, "socket", ARGUMENTS(AF_INET, SOCK_RAW, IPPROTO_TCP), REFUSED(EACCES)},
		{network, "socket", ARGUMENTS(AF_UNIX, SOCK_DGRAM), REFUSED(EACCES)},
		{network, "socket", ARGUMENTS(AF_NETLINK, SOCK_RAW), REFUSED(EACCES)},
		{network, "setsockopt", ARGUMENTS(3, IPPROTO_IP, IP_ADD_MEMBERSHIP), REFUSED(0)},
		{network, "setsockopt", ARGUMENTS(3, IPPROTO_IPV6, IPV6_JOIN_GROUP), REFUSED(0)},
		{network, "setsockopt", ARGUMENTS(3, SOL_SOCKET, SO_KEEPALIVE), SECCOMP_RET_ALLOW},
		{network, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, TCP_NODELAY), SECCOMP_RET_ALLOW},
		{network, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, TCP_ULP), REFUSED(ENOENT)},
		{network, "ioctl", ARGUMENTS(3, SIOCGIFCONF), REFUSED(EACCES)},
		{network, "ioctl", ARGUMENTS(3, FIONREAD), SECCOMP_RET_ALLOW},
		{network, "sendto", ARGUMENTS(3, 0, 0, 0x20000000), REFUSED(EOPNOTSUPP)},
	};

	check(list, ARRAY_SIZE(list));
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		const struct expectation pairs[] = {
			{both[i], "socketpair", ARGUMENTS(AF_UNIX, SOCK_STREAM), SECCOMP_RET_ALLOW},
			{both[i], "socketpair", ARGUMENTS(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC),
			 SECCOMP_RET_ALLOW},
			{both[i], "socketpair", ARGUMENTS(AF_UNIX, SOCK_DGRAM), REFUSED(EACCES)},
			{both[i], "socketpair", ARGUMENTS(AF_UNIX, SOCK_RAW), REFUSED(EACCES)},
			{both[i], "socketpair", ARGUMENTS(AF_INET, SOCK_STREAM), REFUSED(EACCES)},
			{both[i], "listen", NULL, REFUSED(EACCES)},
			{both[i], "io_uring_setup", NULL, REFUSED(EPERM)},
		};

		check(pairs, ARRAY_SIZE(pairs));
	}
	for (size_t i = 0; i < ARRAY_SIZE(asking); i++) {
		const struct expectation asked[] = {
			{asking[i], "connect", NULL, ASKED},
			{asking[i], "bind", NULL, ASKED},
			{asking[i], "socket", ARGUMENTS(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK), ASKED},
			{asking[i], "socket", ARGUMENTS(AF_INET6, SOCK_DGRAM), ASKED},
			{asking[i], "socket", ARGUMENTS(AF_INET, SOCK_STREAM), SECCOMP_RET_ALLOW},
			{asking[i], "socket", ARGUMENTS(AF_UNIX, SOCK_STREAM), REFUSED(EACCES)},
			{FILTER_NOTIFY, "connect", NULL, SECCOMP_RET_ALLOW},
		};

		check(asked, ARRAY_SIZE(asked));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_connecting)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
