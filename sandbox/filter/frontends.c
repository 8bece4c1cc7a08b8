/* SPDX-License-Identifier: Apache-2.0 */
/* What the frontends may do, over stdio and over HTTP, and the process that opens files for one: allow-lists,
 * everything else kills (programs.c). */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define SOCKET_PASSRIGHTS 83

/* ---- the frontend: reads the host's JSON; opens, connects and starts nothing ---- */

static const struct table_rule frontend_channels[] = {
	ALLOW("read"), /* writing: rules_end */
	ALLOW("close"),
	{.call = "recvmsg", .when = {IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}}, /* nobody makes it wait */
	ALLOW("sendmsg"),
	ALLOW("shutdown"),
	ALLOW("timerfd_settime"),
	{.call = "socketpair", .when = {IS(0, AF_UNIX), IS(1, SOCK_SEQPACKET | SOCK_CLOEXEC)}},
	/* connections into sandboxes: one end for a nanny, one for the web executor */
	{.call = "socketpair", .when = {IS(0, AF_UNIX), IS(1, SOCK_STREAM | SOCK_CLOEXEC)}},
	{.call = "pipe2", .when = {IS(1, O_CLOEXEC)}},
	{.call = "fchmod",
	 .when = {IS(1, 0666)}}, /* of those pipes; of a file of secrets too, which it has read */
	/* its ends of pipes, and the host's output as it was at the end */
	{.call = "fcntl", .when = {IS(1, F_SETFL)}},
	ALLOW("pread64"),  /* memory.events of a sandbox's group, where there are groups; logs of commands */
	ALLOW("pwrite64"), /* logs of commands, in files passed to it: it may write to what it has anyway */
	{.call = "setsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SOCKET_PASSRIGHTS)}},
	ALLOW("getrandom"), /* handles of commands */
	{NULL},
};

#define FRONTEND_GROUPS                                                                                      \
	{"memory, never executable", rules_memory}, {"its own end, and what it writes", rules_end},          \
		{"the time", rules_clock}, {"waiting", rules_epoll},                                         \
		{"waiting for the host to take the rest", rules_polling},                                    \
		{"descriptors that were passed to it", rules_facts}, {"rings", rules_rings},                 \
		{"executors, and pipes for commands", frontend_channels},                                    \
	{                                                                                                    \
		"what libraries look for", rules_in_vain                                                     \
	}

static const struct table_group frontend[] = {FRONTEND_GROUPS, {NULL}};

/* ---- the same over HTTP: beside that, whoever connects to its listener; it connects to nobody ---- */

static const struct table_rule http_connections[] = {
	{.call = "accept4", .when = {IS(3, SOCK_CLOEXEC | SOCK_NONBLOCK)}},
	ALLOW("recvfrom"),
	{.call = "sendto", .when = {IS(4, 0), MASKED(4, HIGH, 0), IS(5, 0)}}, /* to whom it is connected */
	{.call = "setsockopt", .when = {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},
	{.call = "setsockopt", .when = {IS(1, IPPROTO_TCP), IS(2, TCP_CORK)}},
	{.call = "getsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SO_PEERCRED)}}, /* who it is */
	{NULL},
};

/* What GnuTLS asks of the system for a handshake, beside randomness and the time. */
static const struct table_rule http_handshakes[] = {
	{.call = "futex", .when = {IS(1, FUTEX_WAKE_PRIVATE)}}, /* the end of pthread_once; nobody waits */
	{NULL},
};

static const struct table_group http[] = {
	FRONTEND_GROUPS, {"clients", http_connections}, {"handshakes", http_handshakes}, {NULL}};

/* ---- the opener: opens files of secrets for the sealed frontend, and hands them over ---- */

static const struct table_rule opener_files[] = {
	{.call = "openat", .when = {IS(0, AT_FDCWD), IS(2, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)}},
	{.call = "recvmsg", .when = {IS(2, MSG_CMSG_CLOEXEC)}},
	ALLOW("sendmsg"),
	ALLOW("close"),
	{NULL},
};

static const struct table_group opener[] = {
	{"memory, never executable", rules_memory},
	{"its own end, and what it writes", rules_end},
	{"files, and its socket", opener_files},
	{NULL},
};

const struct filter_table filter_table_frontend = {
	.name = "frontend", .otherwise = TABLE_KILL, .ours = true, .groups = frontend};
const struct filter_table filter_table_http = {
	.name = "http", .otherwise = TABLE_KILL, .ours = true, .groups = http};
const struct filter_table filter_table_opener = {
	.name = "opener", .otherwise = TABLE_KILL, .ours = true, .groups = opener};
