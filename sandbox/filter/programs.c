/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What our own programs may do (the frontends': frontends.c): allow-lists, everything else kills. They are
 * short because the work is divided so that they can be. Each was compared with what its program does while
 * all tests run (tests/trace repeats that): what nothing used has a comment that names who may, one day.
 */
#include "sandbox/executor.h"
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SEND_FASTOPEN        0x20000000
#define ADVICE_GUARD_INSTALL 102

/* ---- files: beneath the workspaces' descriptors, by openat2 alone ---- */

static const struct table_rule files_paths[] = {
	ALLOW("openat2"),
	ALLOW("newfstatat"),
	ALLOW("getdents64"),
	ALLOW("readlinkat"),
	ALLOW("faccessat2"),
	ALLOW("mkdirat"),
	ALLOW("renameat"), /* the C library's renameat2 without flags */
	{.call = "renameat2", .when = {IS(4, RENAME_NOREPLACE)}},
	/* where a file system has no RENAME_NOREPLACE, and backups of what a patch replaces */
	{.call = "linkat", .when = {IS(4, 0)}},
	/* a name for a file that it made without one */
	{.call = "linkat", .when = {IS(4, AT_EMPTY_PATH)}},
	{.call = "unlinkat", .when = {IS(2, 0)}}, /* and temporary files of writes that failed */
	{.call = "unlinkat",
	 .when = {IS(2, AT_REMOVEDIR)}}, /* delete_file, directories of a patch that failed */
	ALLOW("symlinkat"),              /* a link that is copied, word for word */
	ALLOW("flock"),                  /* a journal, while what it tells of is going on */
	{NULL},
};

static const struct table_rule files_content[] = {
	ALLOW("read"), /* writing: rules_end */
	ALLOW("close"),
	ALLOW("pread64"),
	ALLOW("fsync"), /* where it cannot be left to the kernel (files_background) */
	ALLOW("fchmod"),
	ALLOW("fchown"),    /* a file that belongs to somebody else, when that can be kept */
	ALLOW("getrandom"), /* names of temporary files */
	ALLOW("lseek"),     /* over the holes of a sparse file */
	ALLOW("ftruncate"), /* and over one at its end */
	/* attributes of the file that is replaced, by descriptors alone */
	ALLOW("flistxattr"),
	ALLOW("fgetxattr"),
	ALLOW("fsetxattr"),
	ALLOW("fremovexattr"),
	ALLOW("geteuid"), /* is a journal ours? */
	{NULL},
};

/* What copies need: content without a way through our memory, holes, and what else a file has. All but the
 * times of a link by descriptor. */
static const struct table_rule files_copies[] = {
	ALLOW("copy_file_range"),
	{.call = "ioctl", .when = {IS(1, FICLONE)}}, /* the same blocks, where a file system can */
	ALLOW("utimensat"),
	{NULL},
};

/* fsync in the background; what else io_submit can do (read and write descriptors that are open) is allowed
 * anyway */
static const struct table_rule files_background[] = {
	ALLOW("io_setup"),
	ALLOW("io_submit"),
	ALLOW("io_getevents"),
	{.call = "eventfd2", .when = {IS(1, EFD_NONBLOCK | EFD_CLOEXEC)}},
	{NULL},
};

/* Watched paths. inotify takes no descriptors: what was reached beneath a workspace becomes the working
 * directory. */
static const struct table_rule files_watches[] = {
	{.call = "inotify_init1", .when = {IS(0, IN_NONBLOCK | IN_CLOEXEC)}},
	ALLOW("inotify_add_watch"),
	ALLOW("inotify_rm_watch"),
	ALLOW("fchdir"),
	{NULL},
};

/* Pipes that files come out of: the frontend passes them, over one socket and without making anybody wait. */
static const struct table_rule files_pipes[] = {
	{.call = "recvmsg", .when = {IS(0, EXECUTOR_CHANNEL + 3), IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}},
	{NULL},
};

static const struct table_group files[] = {
	{"memory, never executable", rules_memory},
	{"its own end, and what it writes", rules_end},
	{"the time", rules_clock},
	{"waiting", rules_polling},
	{"facts about descriptors", rules_facts},
	{"rings", rules_rings},
	{"paths beneath the workspaces", files_paths},
	{"content", files_content},
	{"copies", files_copies},
	{"fsync that others do not wait for", files_background},
	{"changes of files", files_watches},
	{"pipes that are passed to it", files_pipes},
	{NULL},
};

/* ---- search: reads beneath the workspaces, and runs what PCRE2 makes of an expression ---- */

static const struct table_rule search_paths[] = {
	/* for writing too, says the filter, which does not see flags in memory: mounts and Landlock refuse
	   that */
	ALLOW("openat2"), ALLOW("newfstatat"), ALLOW("getdents64"), ALLOW("readlinkat"), {NULL},
};

static const struct table_rule search_content[] = {
	ALLOW("read"), /* writing: rules_end */
	ALLOW("close"),
	ALLOW("lseek"), /* over holes of sparse files */
	{.call = "eventfd2", .when = {IS(1, EFD_NONBLOCK | EFD_CLOEXEC)}},
	{NULL},
};

/*
 * Threads of this very process and nothing else that clone can make: clone3 has its flags in memory, so the C
 * library is told that there is none and takes clone, whose flags are seen here.
 */
#define THREAD_FLAGS                                                                                         \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |   \
	 CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

static const struct table_rule threads[] = {
	REFUSE("clone3", ENOSYS),
	{.call = "clone", .when = {IS(0, THREAD_FLAGS)}},
	{.call = "mprotect", .when = {IS(2, PROT_READ | PROT_WRITE)}}, /* a stack, above its guard */
	/* the guard, of C libraries (glibc 2.42) that do not map it as such; the other from Linux 6.13 on */
	{.call = "mprotect", .when = {IS(2, PROT_NONE)}},
	{.call = "madvise", .when = {IS(2, ADVICE_GUARD_INSTALL)}},
	ALLOW("rt_sigprocmask"),
	{.call = "rt_sigaction", .when = {IS(0, 33)}}, /* the C library's own, before its first thread */
	ALLOW("set_robust_list"),
	ALLOW("rseq"),
	/* locks, conditions, the end of a thread; none that passes on priorities or waiters */
	{.call = "futex",
	 .when = {MASKED(1, LOW & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), FUTEX_WAIT)}},
	{.call = "futex",
	 .when = {MASKED(1, LOW & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME), FUTEX_WAKE)}},
	{.call = "futex",
	 .when = {MASKED(1, LOW & ~(uint64_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME),
			 FUTEX_WAIT_BITSET)}},
	ALLOW("exit"), /* of one thread */
	{NULL},
};

/*
 * PCRE2 (sljit) writes and runs its code in one anonymous mapping, made so by this very call; without it an
 * expression takes ten times as long. It can never make memory executable that was not from the beginning.
 */
static const struct table_rule search_code[] = {
	{.call = "mmap",
	 .when = {IS(2, PROT_READ | PROT_WRITE | PROT_EXEC), IS(3, MAP_PRIVATE | MAP_ANONYMOUS)}},
	{NULL},
};

static const struct table_group search[] = {
	{"memory, never executable", rules_memory},
	{"its own end, and what it writes", rules_end},
	{"the time", rules_clock},
	{"waiting", rules_polling},
	{"facts about descriptors", rules_facts},
	{"rings", rules_rings},
	{"paths beneath the workspaces", search_paths},
	{"content", search_content},
	{"threads", threads},
	{"code of expressions", search_code},
	{NULL},
};

/* ---- web and broker ---- */

/* Of sockets that they have: what they are, and that they do not wait. O_NONBLOCK cannot be taken away again:
 * an open file may be somebody else's too. */
static const struct table_rule sockets_at_hand[] = {
	ALLOW("close"),
	{.call = "recvmsg", .when = {IS(2, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)}},
	ALLOW("recvfrom"),
	{.call = "getsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SO_ERROR)}},
	ALLOW("getsockname"),
	{.call = "fcntl", .when = {IS(1, F_GETFL)}},
	{.call = "fcntl", .when = {IS(1, F_SETFL), MASKED(2, LOW & ~O_ACCMODE, O_NONBLOCK)}},
	{NULL},
};

/* Newer libraries try options that are nice to have (TCP_FASTOPEN_CONNECT, SO_KEEPALIVE) and go on without.
 */
static const struct table_rule options_in_vain[] = {
	REFUSE("setsockopt", ENOPROTOOPT),
	REFUSE("getsockopt", ENOPROTOOPT),
	{NULL},
};

/* ---- web: its sockets come from the broker ---- */

static const struct table_rule web_sockets[] = {
	/* with an address this would reach anybody over UDP, and fast open connects. No sendmsg: a socket
	 * that lingers, sent to the frontend, would make it wait when it closes that. */
	{.call = "sendto", .when = {LACKS(3, SEND_FASTOPEN), IS(4, 0), MASKED(4, HIGH, 0), IS(5, 0)}},
	ALLOW("getpeername"),
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

/* What OpenSSL asks of the system for a handshake, and libcurl around it. */
static const struct table_rule handshakes[] = {
	ALLOW("getpid"),
	ALLOW("getrandom"),
	{.call = "rt_sigaction", .when = {IS(0, SIGPIPE)}},
	ALLOW("gettimeofday"), /* as clock_gettime: OpenSSL 3.2 and later */
	{NULL},
};

/* What the thread says to the loop that is done. Pipes that it was given it writes to (rules_end). */
static const struct table_rule web_wakes[] = {
	ALLOW("read"), /* newer curls have an eventfd for it */
	{NULL},
};

static const struct table_group web[] = {
	{"memory, never executable", rules_memory},
	{"its own end, and what it writes", rules_end},
	{"the time", rules_clock},
	{"waiting", rules_polling},
	{"sockets that are connected", sockets_at_hand},
	{"what it sends", web_sockets},
	{"what curl asks of them all the same", connected_already},
	{"handshakes", handshakes},
	{"a thread for large pages", threads},
	{"what its thread wakes it by", web_wakes},
	{"options that nobody needs", options_in_vain},
	{"what libraries look for", rules_in_vain},
	{NULL},
};

/* ---- broker: the only one that connects ---- */

static const struct table_rule connecting[] = {
	/* connected sockets are its answers to web */
	{.call = "sendmsg", .when = {LACKS(2, SEND_FASTOPEN)}},
	{.call = "sendto", .when = {LACKS(3, SEND_FASTOPEN)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_STREAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_DGRAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET), MASKED(1, 0xf, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},
	/* without a protocol: c-ares, to a name server that has an address of IPv6 */
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_STREAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_STREAM), IS(2, IPPROTO_TCP)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_DGRAM), IS(2, 0)}},
	{.call = "socket", .when = {IS(0, AF_INET6), MASKED(1, 0xf, SOCK_DGRAM), IS(2, IPPROTO_UDP)}},
	REFUSE("socket", EAFNOSUPPORT), /* a name server behind something else: it is no name server then */
	ALLOW("connect"),
	ALLOW("shutdown"),
	{.call = "setsockopt", .when = {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},
	{.call = "setsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SO_LINGER)}},
	{.call = "fcntl", .when = {IS(1, F_SETFD), IS(2, FD_CLOEXEC)}},
	ALLOW("getrandom"), /* identifiers of questions */
	{NULL},
};

/* On sockets that listen inside sandboxes and were passed to it, once it has seen that they are such: it can
 * make none that listens. */
static const struct table_rule accepting[] = {
	{.call = "accept4", .when = {IS(3, SOCK_NONBLOCK | SOCK_CLOEXEC)}},
	{.call = "getsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SO_TYPE)}},
	{.call = "getsockopt", .when = {IS(1, SOL_SOCKET), IS(2, SO_ACCEPTCONN)}},
	/* begins to wait only when somebody asks */
	{.call = "epoll_create1", .when = {IS(0, EPOLL_CLOEXEC)}},
	{NULL},
};

static const struct table_group broker[] = {
	{"memory, never executable", rules_memory},
	{"its own end, and what it writes", rules_end},
	{"the time", rules_clock},
	{"waiting", rules_epoll},
	{"names and connections", connecting},
	{"what sandboxes connect to", accepting},
	{"sockets that it has", sockets_at_hand},
	{"options that nobody needs", options_in_vain},
	{"what libraries look for", rules_in_vain},
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

const struct filter_table filter_table_files = {
	.name = "files", .otherwise = TABLE_KILL, .ours = true, .groups = files};
const struct filter_table filter_table_search = {
	.name = "search", .otherwise = TABLE_KILL, .ours = true, .groups = search};
const struct filter_table filter_table_web = {
	.name = "web", .otherwise = TABLE_KILL, .ours = true, .groups = web};
const struct filter_table filter_table_broker = {
	.name = "broker", .otherwise = TABLE_KILL, .ours = true, .groups = broker};
const struct filter_table filter_table_spawner = {
	.name = "spawner", .otherwise = TABLE_ALLOW, .groups = spawner};
