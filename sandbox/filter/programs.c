/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our own programs may do: allow-lists, everything else kills. They are short because the work is
 * divided so that they can be.
 */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define SEND_FASTOPEN     0x20000000
#define SOCKET_PASSRIGHTS 83

/* ---- the frontend: reads the host's JSON; opens, connects and starts nothing ---- */

static const struct table_rule frontend_channels[] = {
	ALLOW("recvmsg"),
	ALLOW("sendmsg"),
	{.call = "socketpair", .when = {IS(0, AF_UNIX)}},
	ALLOW("pipe2"),
	ALLOW("shutdown"),
	ALLOW("pread64"), /* memory.events of a sandbox's group */
	{.call = "setsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SOCKET_PASSRIGHTS)}},
	{NULL},
};

/* Libraries look for optional files long after start: time zones, message catalogues. They go on without, and
 * a server that ended over one would be no safer. */
static const struct table_rule looked_for_in_vain[] = {
	REFUSE("openat", ENOENT),
	REFUSE_LEGACY("open", ENOENT),
	REFUSE("newfstatat", ENOENT),
	REFUSE_LEGACY("stat", ENOENT),
	REFUSE_LEGACY("access", ENOENT),
	REFUSE("faccessat", ENOENT),
	REFUSE("faccessat2", ENOENT),
	REFUSE("statx", ENOENT),
	REFUSE_LEGACY("readlink", ENOENT),
	REFUSE("readlinkat", ENOENT),
	{NULL},
};

static const struct table_group frontend[] = {
	{"memory, never executable", rules_memory},
	{"its own end", rules_process},
	{"waiting", rules_waiting},
	{"descriptors that are open", rules_descriptors},
	{"executors, and pipes for commands", frontend_channels},
	{"what libraries look for", looked_for_in_vain},
	{NULL},
};

/* ---- files: beneath the workspaces' descriptors, by openat2 alone ---- */

static const struct table_rule files_paths[] = {
	ALLOW("openat2"),    ALLOW("statx"),      ALLOW("newfstatat"),
	ALLOW("getdents64"), ALLOW("readlinkat"), ALLOW("faccessat2"),
	ALLOW("mkdirat"),    ALLOW("unlinkat"),   ALLOW("renameat"), /* glibc: renameat2 without flags */
	ALLOW("renameat2"),  ALLOW("symlinkat"),  ALLOW("linkat"),
	ALLOW("utimensat"),  ALLOW("fstatfs"),    {NULL},
};

static const struct table_rule files_content[] = {
	ALLOW("pread64"),         ALLOW("preadv"),
	ALLOW("pwrite64"),        ALLOW("fsync"),
	ALLOW("fdatasync"),       ALLOW("ftruncate"),
	ALLOW("fallocate"),       ALLOW("fadvise64"),
	ALLOW("fchmod"),          ALLOW("fchown"),
	ALLOW("copy_file_range"), {.call = "ioctl", .when = {IS(1, FICLONE)}},
	ALLOW("umask"),           {NULL},
};

/* fsync in the background; what else io_submit can do (read and write descriptors that are open) is allowed
 * anyway */
static const struct table_rule files_background[] = {
	ALLOW("io_setup"),
	ALLOW("io_submit"),
	ALLOW("io_getevents"),
	{NULL},
};

static const struct table_group files[] = {
	{"memory, never executable", rules_memory},
	{"its own end", rules_process},
	{"waiting", rules_waiting},
	{"descriptors that are open", rules_descriptors},
	{"paths beneath the workspaces", files_paths},
	{"content", files_content},
	{"fsync that others do not wait for", files_background},
	{NULL},
};

/* ---- web: its sockets come from the broker ---- */

static const struct table_rule connected_sockets[] = {
	ALLOW("recvfrom"),
	ALLOW("recvmsg"),
	/* with an address this would reach anybody over UDP, and fast open connects: neither has a use here.
	 * No sendmsg: a socket that lingers, sent to the frontend, would make it wait when it closes that. */
	{.call = "sendto", .when = {LACKS(3, SEND_FASTOPEN)}},
	ALLOW("getsockopt"),
	ALLOW("setsockopt"),
	ALLOW("getsockname"),
	ALLOW("getpeername"),
	ALLOW("shutdown"),
	{.call = "ioctl", .when = {IS(1, FIONBIO)}},
	{.call = "ioctl", .when = {IS(1, FIONREAD)}},
	ALLOW("pipe2"),
	{.call = "socketpair", .when = {IS(0, AF_UNIX)}}, /* curl wakes itself through one */
	{NULL},
};

/*
 * libcurl 7.88 calls connect() even on a socket that it was told is connected. EISCONN would fail the
 * transfer, EINPROGRESS cost it 200 ms; so it hears 0, which is true. Never a real connect(): that could take
 * the socket elsewhere (AF_UNSPEC dissolves a connection).
 */
static const struct table_rule connected_already[] = {
	PRETEND("connect"),
	{NULL},
};

static const struct table_rule harmless[] = {
	ALLOW("getuid"), ALLOW("geteuid"), ALLOW("getgid"), ALLOW("getegid"),
	ALLOW("uname"),  ALLOW("sysinfo"), {NULL},
};

static const struct table_group web[] = {
	{"memory, never executable", rules_memory},
	{"its own end", rules_process},
	{"waiting", rules_waiting},
	{"descriptors that are open", rules_descriptors},
	{"sockets that are connected", connected_sockets},
	{"what curl asks of them all the same", connected_already},
	{"what libraries ask", harmless},
	{"what libraries look for", looked_for_in_vain},
	{NULL},
};

/* ---- broker: the only one that connects ---- */

static const struct table_rule connecting[] = {
	/* connected sockets are its answers to web */
	{.call = "sendmsg", .when = {LACKS(2, SEND_FASTOPEN)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_STREAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_DGRAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_STREAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_DGRAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},
	REFUSE("socket", EAFNOSUPPORT),
	ALLOW("connect"),
	REFUSE("bind", EPERM),
	{NULL},
};

/* On sockets that listen inside sandboxes and were passed to it: it can make none that listens. */
static const struct table_rule accepting[] = {
	ALLOW("accept4"),
	{NULL},
};

static const struct table_group broker[] = {
	{"memory, never executable", rules_memory},
	{"its own end", rules_process},
	{"waiting", rules_waiting},
	{"descriptors that are open", rules_descriptors},
	{"names and connections", connecting},
	{"what sandboxes connect to", accepting},
	{"sockets that are connected", connected_sockets},
	{"what libraries ask", harmless},
	{"what libraries look for", looked_for_in_vain},
	{NULL},
};

/*
 * ---- spare and spawner, and with them all that they start: what is refused to commands and is not needed to
 * build a sandbox either. It cannot be an allow-list, since a filter is inherited: the children must mount,
 * change who they are, and in the end run any program there is. No call may be killed here that the
 * children's own filters refuse. ----
 */

static const struct table_group spawner[] = {
	{"other processes' memory and descriptors", rules_other_processes},
	{"kernel surface that ordinary programs do not use", rules_kernel_surface},
	{"administration of the machine", rules_administration},
	{"devices", rules_devices},
	{"sockets", rules_sockets},
	{NULL},
};

const struct filter_table filter_table_frontend = {
	.name = "frontend", .otherwise = TABLE_KILL, .ours = true, .groups = frontend};
const struct filter_table filter_table_files = {
	.name = "files", .otherwise = TABLE_KILL, .ours = true, .groups = files};
const struct filter_table filter_table_web = {
	.name = "web", .otherwise = TABLE_KILL, .ours = true, .groups = web};
const struct filter_table filter_table_broker = {
	.name = "broker", .otherwise = TABLE_KILL, .ours = true, .groups = broker};
const struct filter_table filter_table_spawner = {
	.name = "spawner", .otherwise = TABLE_ALLOW, .groups = spawner};
