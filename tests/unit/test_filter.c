/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filters as they were compiled, for every architecture we have, run by an interpreter over calls by
 * name: what the tables promise holds for arm64 too, without a machine of that kind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/support/filters.h"

static void test_commands(void **state)
{
	const uint64_t high = 0xdeadbeef00000000ull;
	const struct expectation list[] = {
		{FILTER_COMMAND, "read", NULL, SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "execve", NULL, SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "mount", NULL, REFUSED(EPERM)},
		/* the spawner's filter refuses these as well, which commands inherit: here it is theirs alone
		 */
		{FILTER_COMMAND, "ptrace", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "pidfd_getfd", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "bpf", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "io_uring_setup", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "keyctl", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "open_by_handle_at", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "init_module", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "kexec_load", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "clock_settime", NULL, REFUSED(EPERM)},
		{FILTER_COMMAND, "clone3", NULL, REFUSED(ENOSYS)},
		{FILTER_COMMAND, "clone", ARGUMENTS(0x3d0f00), SECCOMP_RET_ALLOW}, /* a thread */
		{FILTER_COMMAND, "clone", ARGUMENTS(CLONE_NEWUSER | 17), REFUSED(EPERM)},
		{FILTER_COMMAND, "clone", ARGUMENTS(high | CLONE_NEWNET), REFUSED(EPERM)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, TCGETS), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, TIOCSTI), REFUSED(EPERM)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, high | TIOCSTI), REFUSED(EPERM)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, high | TIOCLINUX), REFUSED(EPERM)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, high | TIOCSETD), REFUSED(EPERM)},
		{FILTER_COMMAND, "fcntl", ARGUMENTS(3, high | F_SETLEASE), REFUSED(EINVAL)},
		{FILTER_COMMAND, "fcntl", ARGUMENTS(3, F_GETLEASE), SECCOMP_RET_ALLOW},
		/* reflinks; snapshots of btrfs, both calls, and of bcachefs */
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, FICLONE), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, FICLONERANGE), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, high | FIDEDUPERANGE), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, high | 0x50009401), REFUSED(ENOTTY)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, 0x50009417), REFUSED(ENOTTY)},
		{FILTER_COMMAND, "ioctl", ARGUMENTS(0, 0x4020bc10), REFUSED(ENOTTY)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_STREAM | SOCK_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_UNIX, SOCK_DGRAM), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_STREAM, 262), REFUSED(EPROTONOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(high | AF_INET6, SOCK_STREAM, high | 262),
		 REFUSED(EPROTONOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_SEQPACKET, 132), REFUSED(EPROTONOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM, 115), REFUSED(EPROTONOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 17),
		 SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM, 1), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, 1), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, 31), REFUSED(ENOENT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_RAW, 1), REFUSED(EPERM)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 1), REFUSED(EPERM)},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_NETLINK, SOCK_RAW, 0), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "socket", ARGUMENTS(AF_NETLINK, SOCK_RAW, 9), REFUSED(EAFNOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(40, SOCK_STREAM), REFUSED(EAFNOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(38, SOCK_SEQPACKET), REFUSED(EAFNOSUPPORT)},
		{FILTER_COMMAND, "socket", ARGUMENTS(4000, SOCK_STREAM), REFUSED(EAFNOSUPPORT)},
		{FILTER_COMMAND, "socketpair", ARGUMENTS(AF_UNIX), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "socketpair", ARGUMENTS(30), REFUSED(EAFNOSUPPORT)},
		{FILTER_COMMAND, "sendto", ARGUMENTS(3, 0, 0, 0x4000), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "sendto", ARGUMENTS(3, 0, 0, 0x20004000), REFUSED(EOPNOTSUPP)},
		{FILTER_COMMAND, "sendmsg", ARGUMENTS(3, 0, 0x20000000), REFUSED(EOPNOTSUPP)},
		{FILTER_COMMAND, "sendmmsg", ARGUMENTS(3, 0, 1, 0x20000000), REFUSED(EOPNOTSUPP)},
		{FILTER_COMMAND, "mknodat", ARGUMENTS(3, 0, S_IFIFO | 0600), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "mknodat", ARGUMENTS(3, 0, S_IFCHR | 0600), REFUSED(EPERM)},
		{FILTER_COMMAND, "mknodat", ARGUMENTS(3, 0, S_IFBLK), REFUSED(EPERM)},
		{FILTER_COMMAND, "mknodat", ARGUMENTS(3, 0, S_IFREG | 04755), REFUSED(EPERM)},
		{FILTER_COMMAND, "fchmodat", ARGUMENTS(3, 0, 0755), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "fchmodat", ARGUMENTS(3, 0, 04755), REFUSED(EPERM)},
		{FILTER_COMMAND, "fchmod", ARGUMENTS(3, high | 02755), REFUSED(EPERM)},
		{FILTER_COMMAND, "openat", ARGUMENTS(3, 0, O_CREAT | O_WRONLY, 0644), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "openat", ARGUMENTS(3, 0, O_RDONLY, 04755),
		 SECCOMP_RET_ALLOW}, /* no mode: anything */
		{FILTER_COMMAND, "openat", ARGUMENTS(3, 0, O_CREAT | O_WRONLY, 04755), REFUSED(EPERM)},
		{FILTER_COMMAND, "openat", ARGUMENTS(3, 0, O_TMPFILE | O_WRONLY, 04755), REFUSED(EPERM)},
		{FILTER_COMMAND, "openat", ARGUMENTS(3, 0, O_DIRECTORY, 04755), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(0, 7), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(1, 7), REFUSED(EPERM)},
		/* RLIMIT_CORE: read, but only said to be set */
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(0, 4, 0, 1), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(0, 4, 1), REFUSED(0)},
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(0, 4, 1l << 32), REFUSED(0)},
		{FILTER_COMMAND, "prlimit64", ARGUMENTS(1, 4, 1), REFUSED(EPERM)},
		{FILTER_COMMAND, "setrlimit", ARGUMENTS(4, 1), REFUSED(0)},
		{FILTER_COMMAND, "setrlimit", ARGUMENTS(7, 1), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "personality", ARGUMENTS(0x20008), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "personality", ARGUMENTS(0xffffffff), SECCOMP_RET_ALLOW},
		{FILTER_COMMAND, "personality", ARGUMENTS(0x0400000), REFUSED(EPERM)},
		{FILTER_COMMAND, "personality", ARGUMENTS(0x20009), REFUSED(EPERM)},
	};

	check(list, ARRAY_SIZE(list));
}

#define ASKED SECCOMP_RET_USER_NOTIF

/* On top of the above: what the keeper may and its commands not, and what they ask of it. */
static void test_asking(void **state)
{
	static const enum filter_name nannies[] = {FILTER_NANNY,
						   FILTER_NOTIFY,
						   FILTER_NOTIFY_ALL,
						   FILTER_NOTIFY_SIGNALS,
						   FILTER_NOTIFY_ALL_SIGNALS,
						   FILTER_NOTIFY_CONNECT,
						   FILTER_NOTIFY_ALL_CONNECT,
						   FILTER_NOTIFY_SIGNALS_CONNECT,
						   FILTER_NOTIFY_ALL_SIGNALS_CONNECT};
	static const char *const names[] = {"mkdirat",     "mknodat",      "symlinkat",   "linkat",
					    "unlinkat",    "renameat",     "renameat2",   "truncate",
					    "fchmod",      "fchmodat",     "fchown",      "fchownat",
					    "utimensat",   "setxattr",     "lsetxattr",   "fsetxattr",
					    "removexattr", "lremovexattr", "fremovexattr"};
	static const char *const older[] = {"chmod", "chown", "lchown", "utime", "utimes", "futimesat"};
	const struct expectation opens[] = {
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_RDONLY | O_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_RDONLY | O_DIRECTORY), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_PATH | O_RDWR), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_WRONLY), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_RDWR), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, 3), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_RDONLY | O_TRUNC), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_RDONLY | O_CREAT), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, 0xdead00000000ull | O_CREAT), ASKED},
		{FILTER_NOTIFY, "openat", ARGUMENTS(3, 0, O_TMPFILE), ASKED},
		{FILTER_NOTIFY, "umask", ARGUMENTS(022), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY, "umask", ARGUMENTS(077), ASKED},
		{FILTER_NOTIFY, "prctl", ARGUMENTS(PR_SET_DUMPABLE, 0), REFUSED(0)},
		{FILTER_NOTIFY, "prctl", ARGUMENTS(PR_SET_DUMPABLE, 1), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY, "landlock_create_ruleset", NULL, REFUSED(EOPNOTSUPP)},
		{FILTER_NOTIFY_ALL, "openat", ARGUMENTS(3, 0, O_RDONLY), ASKED},
		{FILTER_NOTIFY_ALL, "openat", ARGUMENTS(3, 0, O_PATH | O_RDWR), SECCOMP_RET_ALLOW},
		{FILTER_NANNY, "openat", ARGUMENTS(3, 0, O_WRONLY | O_CREAT), SECCOMP_RET_ALLOW},
		{FILTER_NANNY, "mkdirat", NULL, SECCOMP_RET_ALLOW},
	};

	check(opens, ARRAY_SIZE(opens));
	for (size_t i = 0; i < ARRAY_SIZE(nannies); i++) {
		const struct expectation refused[] = {
			{nannies[i], "openat2", NULL, REFUSED(ENOSYS)},
			{nannies[i], "process_vm_readv", NULL, REFUSED(EPERM)},
		};

		check(refused, ARRAY_SIZE(refused));
		for (size_t j = 0; i > 0 && j < ARRAY_SIZE(names); j++)
			check(&(const struct expectation){nannies[i], names[j], NULL, ASKED}, 1);
		for (size_t j = 0; i > 0 && j < ARRAY_SIZE(older); j++) /* of the first architecture alone */
			assert_int_equal(ask(&targets[0], nannies[i], older[j], NULL), ASKED);
	}
}

/* What Landlock learned later than its first version, where nothing else keeps it. */
static void test_older_landlock(void **state)
{
	static const char *const signals[] = {"tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
					      "pidfd_send_signal"};
	static const enum filter_name judged[] = {FILTER_NOTIFY_SIGNALS, FILTER_NOTIFY_ALL_SIGNALS};
	const struct expectation list[] = {
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FS_IOC_GETFLAGS), SECCOMP_RET_ALLOW},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FS_IOC_FSGETXATTR), SECCOMP_RET_ALLOW},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FICLONE), SECCOMP_RET_ALLOW},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, TCGETS), SECCOMP_RET_ALLOW},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FS_IOC_SETFLAGS), REFUSED(ENOTTY)},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FS_IOC_FSSETXATTR), REFUSED(ENOTTY)},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, FS_IOC_SETVERSION), REFUSED(ENOTTY)},
		{FILTER_CONTAINER, "ioctl", ARGUMENTS(3, 0xdead00000000ull | 0x40806685), REFUSED(ENOTTY)},
		{FILTER_GAP_TRUNCATE, "truncate", NULL, REFUSED(EACCES)},
		{FILTER_GAP_TRUNCATE, "ftruncate", NULL, SECCOMP_RET_ALLOW},
		{FILTER_GAP_TRUNCATE, "openat", ARGUMENTS(3, 0, O_RDONLY | O_TRUNC), REFUSED(EACCES)},
		{FILTER_GAP_TRUNCATE, "openat", ARGUMENTS(3, 0, 3 | O_TRUNC), REFUSED(EACCES)},
		{FILTER_GAP_TRUNCATE, "openat", ARGUMENTS(3, 0, O_WRONLY | O_TRUNC), SECCOMP_RET_ALLOW},
		{FILTER_GAP_TRUNCATE, "openat", ARGUMENTS(3, 0, O_RDWR | O_TRUNC), SECCOMP_RET_ALLOW},
		{FILTER_GAP_TRUNCATE, "openat", ARGUMENTS(3, 0, O_RDONLY), SECCOMP_RET_ALLOW},
		{FILTER_GAP_SIGNALS, "fcntl", ARGUMENTS(3, F_SETOWN, 1), REFUSED(EPERM)},
		{FILTER_GAP_SIGNALS, "fcntl", ARGUMENTS(3, F_SETOWN_EX), REFUSED(EPERM)},
		{FILTER_GAP_SIGNALS, "fcntl", ARGUMENTS(3, F_SETSIG), REFUSED(EPERM)},
		{FILTER_GAP_SIGNALS, "fcntl", ARGUMENTS(3, F_SETFL), SECCOMP_RET_ALLOW},
		{FILTER_GAP_SIGNALS, "ioctl", ARGUMENTS(3, FIOSETOWN), REFUSED(EPERM)},
		{FILTER_GAP_SIGNALS, "ioctl", ARGUMENTS(3, SIOCSPGRP), REFUSED(EPERM)},
		{FILTER_NOTIFY, "kill", ARGUMENTS(1, 9), SECCOMP_RET_ALLOW},
		{FILTER_NOTIFY_ALL_SIGNALS, "openat", ARGUMENTS(3, 0, O_RDONLY), ASKED},
	};

	check(list, ARRAY_SIZE(list));
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		const struct expectation kills[] = {
			{judged[i], "kill", ARGUMENTS(1, 9), ASKED},
			{judged[i], "kill", ARGUMENTS((uint64_t)-1, 9), ASKED},
			{judged[i], "kill", ARGUMENTS(0xdead00000000ull, 9), SECCOMP_RET_ALLOW},
		};

		check(kills, ARRAY_SIZE(kills));
		for (size_t j = 0; j < ARRAY_SIZE(signals); j++)
			check(&(const struct expectation){judged[i], signals[j], NULL, ASKED}, 1);
	}
}

/* Invariants of the design: what each program of ours must never do ends it. */
static void test_programs(void **state)
{
	static const enum filter_name ours[] = {FILTER_FRONTEND, FILTER_HTTP, FILTER_OPENER, FILTER_FILES,
						FILTER_BROKER,   FILTER_WEB,  FILTER_SEARCH};
	static const char *const never[] = {"execve", "execveat", "ptrace", "mount", "unshare", "setns",
					    "kill", "bpf", "io_uring_setup", "memfd_create",
					    "process_vm_writev", "tgkill", "bind", "listen", "dup3",
					    /* but for the last two, which have threads */
					    "clone", "clone3", "mprotect", "exit"};
	const struct expectation list[] = {
		{FILTER_FRONTEND, "openat", NULL, REFUSED(ENOENT)},
		{FILTER_FRONTEND, "openat2", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "connect", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "socket", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "socketpair", ARGUMENTS(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "socketpair", ARGUMENTS(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "socketpair", ARGUMENTS(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "socketpair", ARGUMENTS(AF_INET, SOCK_SEQPACKET | SOCK_CLOEXEC),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "setsockopt", ARGUMENTS(0, SOL_SOCKET, 83), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "setsockopt", ARGUMENTS(0, SOL_SOCKET, SO_RCVBUF),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_EXEC),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 5),
		 SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "madvise", ARGUMENTS(0, 4096, MADV_DONTNEED), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "madvise", ARGUMENTS(0, 4096, MADV_HWPOISON), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "getrandom", NULL, SECCOMP_RET_ALLOW},
		{FILTER_FILES, "openat2", NULL, SECCOMP_RET_ALLOW},
		{FILTER_FILES, "openat", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "socket", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "fcntl", ARGUMENTS(3, F_GET_SEALS), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "fcntl", ARGUMENTS(3, F_SETFL, O_NONBLOCK), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "renameat2", ARGUMENTS(3, 0, 3, 0, RENAME_NOREPLACE), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "renameat2", ARGUMENTS(3, 0, 3, 0, RENAME_EXCHANGE), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "unlinkat", ARGUMENTS(3, 0, 0), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "unlinkat", ARGUMENTS(3, 0, AT_REMOVEDIR), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "unlinkat", ARGUMENTS(3, 0, AT_REMOVEDIR | 1), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "ioctl", ARGUMENTS(3, FICLONE), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "ioctl", ARGUMENTS(3, FICLONERANGE), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "setxattr", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "mknodat", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "linkat", ARGUMENTS(3, 0, 3, 0, AT_EMPTY_PATH), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "linkat", ARGUMENTS(3, 0, 3, 0, AT_SYMLINK_FOLLOW), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "sendmsg", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "openat", NULL, REFUSED(ENOENT)},
		{FILTER_WEB, "openat2", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "socket", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "sendmsg", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "connect", NULL,
		 REFUSED(0)}, /* said to have worked; the socket is connected already */
		{FILTER_WEB, "sendto", ARGUMENTS(3, 0, 0, 0x4000), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "sendto", ARGUMENTS(3, 0, 0, 0x20000000), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "sendto", ARGUMENTS(3, 0, 0, 0x4000, 4096), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "sendto", ARGUMENTS(3, 0, 0, 0x4000, 1ull << 32), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "sendto", ARGUMENTS(3, 0, 0, 0x4000, 0, 16), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS),
		 SECCOMP_RET_ALLOW},
		{FILTER_WEB, "mmap", ARGUMENTS(0, 4096, PROT_READ, MAP_SHARED, 5), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "fcntl", ARGUMENTS(3, F_SETFL, O_NONBLOCK | O_RDWR), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "fcntl", ARGUMENTS(3, F_SETFL, O_RDWR), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "fcntl", ARGUMENTS(3, F_SETFL, O_NONBLOCK | O_ASYNC), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_ERROR), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_PEERCRED), REFUSED(ENOPROTOOPT)},
		{FILTER_WEB, "setsockopt", ARGUMENTS(3, SOL_SOCKET, SO_LINGER), REFUSED(ENOPROTOOPT)},
		{FILTER_WEB, "futex", ARGUMENTS(0, FUTEX_WAKE_PRIVATE), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "futex", ARGUMENTS(0, FUTEX_WAIT_PRIVATE), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "futex", ARGUMENTS(0, FUTEX_LOCK_PI_PRIVATE), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "clone", ARGUMENTS(SIGCHLD), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "mprotect", ARGUMENTS(0, 4096, PROT_READ | PROT_EXEC), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "rt_sigaction", ARGUMENTS(SIGPIPE), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "rt_sigaction", ARGUMENTS(SIGSYS), SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "pread64", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "setsockopt", ARGUMENTS(3, SOL_SOCKET, SO_LINGER), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, 30), REFUSED(ENOPROTOOPT)},
		{FILTER_BROKER, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_ACCEPTCONN), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "fcntl", ARGUMENTS(3, F_SETFL, O_RDWR), SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "connect", NULL, SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK),
		 SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_INET6, SOCK_DGRAM), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_INET, SOCK_RAW), REFUSED(EAFNOSUPPORT)},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_INET, SOCK_STREAM, 262), REFUSED(EAFNOSUPPORT)},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_UNIX, SOCK_STREAM), REFUSED(EAFNOSUPPORT)},
		{FILTER_BROKER, "openat2", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "accept4", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "accept4", NULL, SECCOMP_RET_KILL_PROCESS},
		{FILTER_WEB, "accept4", NULL, SECCOMP_RET_KILL_PROCESS},
	};

	check(list, ARRAY_SIZE(list));
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		for (size_t j = 0; j < ARRAY_SIZE(never) - (i >= ARRAY_SIZE(ours) - 2 ? 4 : 0); j++) {
			const struct expectation one = {ours[i], never[j], NULL, SECCOMP_RET_KILL_PROCESS};

			check(&one, 1);
		}
}

/* All that we start inherits the spawner's filter: what they need must pass it, and commands' refusals stay.
 */
static void test_spawner(void **state)
{
	const struct expectation list[] = {
		{FILTER_SPAWNER, "clone", ARGUMENTS(CLONE_NEWUSER | CLONE_NEWNS | 17), SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "unshare", ARGUMENTS(CLONE_NEWUSER), SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "fsopen", NULL, SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "move_mount", NULL, SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "execveat", NULL, SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "pidfd_open", NULL,
		 SECCOMP_RET_ALLOW}, /* of its children, told when they start */
		{FILTER_SPAWNER, "pidfd_getfd", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "seccomp", NULL, SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "socket", ARGUMENTS(AF_INET, SOCK_DGRAM), SECCOMP_RET_ALLOW},
		{FILTER_SPAWNER, "ptrace", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "process_vm_writev", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "bpf", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "init_module", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "kexec_load", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "keyctl", NULL, REFUSED(EPERM)},
		{FILTER_SPAWNER, "mknodat", ARGUMENTS(3, 0, S_IFBLK), REFUSED(EPERM)},
		{FILTER_SPAWNER, "socket", ARGUMENTS(AF_INET, SOCK_RAW, 1), REFUSED(EPERM)},
		{FILTER_SPAWNER, "socket", ARGUMENTS(38, SOCK_SEQPACKET), REFUSED(EAFNOSUPPORT)},
	};

	check(list, ARRAY_SIZE(list));
}

/* Numbers that mean something else elsewhere, and numbers that nobody knows yet. */
static void test_architectures(void **state)
{
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (int name = 0; name < FILTER_COUNT; name++) {
			struct seccomp_data data = {.arch = AUDIT_ARCH_I386, .nr = 1};

			assert_int_equal(interpret(&targets[t].programs[name], &data),
					 SECCOMP_RET_KILL_PROCESS);
			data.arch = targets[1 - t].token;
			assert_int_equal(interpret(&targets[t].programs[name], &data),
					 SECCOMP_RET_KILL_PROCESS);
			data = (struct seccomp_data){.arch = targets[t].token, .nr = 900};
			assert_int_equal(interpret(&targets[t].programs[name], &data),
					 name == FILTER_COMMAND || name == FILTER_CONTAINER ||
							 name == FILTER_CONTAINER_NETWORK
						 ? REFUSED(ENOSYS)
					 : name == FILTER_SPAWNER || name >= FILTER_GAP_TRUNCATE
						 ? SECCOMP_RET_ALLOW
						 : SECCOMP_RET_KILL_PROCESS);
		}
	struct seccomp_data x32 = {.arch = AUDIT_ARCH_X86_64, .nr = 0x40000000};

	for (int name = 0; name < FILTER_COUNT; name++)
		assert_int_equal(interpret(&filter_programs_x86_64[name], &x32), SECCOMP_RET_KILL_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),       cmocka_unit_test(test_asking),
		cmocka_unit_test(test_older_landlock), cmocka_unit_test(test_programs),
		cmocka_unit_test(test_spawner),        cmocka_unit_test(test_architectures)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
