/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own programs' filters: every rule by what it does, and that there is no other. A rule that is lost is
 * noticed here (tests/mutation), and so is one that is added.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/support/filters.h"

/* ---- our own programs: what each does, and nothing else ---- */

/* Every call that is not among these ends the program, whatever it is given. */
static void nothing_but(enum filter_name filter, const char *const *calls)
{
	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (int number = 0; number < 600; number++) {
			char *name = seccomp_syscall_resolve_num_arch(targets[t].token, number);
			bool named = false;

			for (size_t i = 0; name && calls[i] && !named; i++)
				named = !strcmp(name, calls[i]);
			for (unsigned i = 0; name && !named && i < 2; i++) {
				const uint64_t argument = i ? UINT64_MAX : 0;
				const uint64_t arguments[6] = {argument, argument, argument,
							       argument, argument, argument};

				if (ask(&targets[t], filter, name, arguments) != SECCOMP_RET_KILL_PROCESS)
					fail_msg("%s, filter %d: %s does not end it", targets[t].name, filter,
						 name);
			}
			free(name);
		}
}

#define MEMORY "mmap", "munmap", "mremap", "brk", "madvise"
#define COMMON MEMORY, "write", "writev", "exit_group", "clock_gettime"
#define POLL   "poll", "ppoll", "restart_syscall"
#define EPOLL  "epoll_ctl", "epoll_wait", "epoll_pwait"
#define XATTRS "lseek", "ftruncate", "flistxattr", "fgetxattr", "fsetxattr", "fremovexattr"
#define VAIN   "openat", "newfstatat", "access", "faccessat"

static void shared(enum filter_name filter)
{
	const struct expectation list[] = {
		{filter, "mmap", ARGUMENTS(0, 4096, PROT_READ, MAP_ANONYMOUS), SECCOMP_RET_ALLOW},
		{filter, "mmap", ARGUMENTS(0, 4096, PROT_EXEC, MAP_ANONYMOUS), SECCOMP_RET_KILL_PROCESS},
		{filter, "madvise", ARGUMENTS(0, 4096, MADV_DONTNEED), SECCOMP_RET_ALLOW},
		{filter, "madvise", ARGUMENTS(0, 4096, MADV_HUGEPAGE), SECCOMP_RET_ALLOW},
		{filter, "madvise", ARGUMENTS(0, 4096, MADV_HWPOISON), SECCOMP_RET_KILL_PROCESS},
		{filter, "fcntl", ARGUMENTS(1, F_SETOWN), SECCOMP_RET_KILL_PROCESS},
	};

	check(list, ARRAY_SIZE(list));
	all(filter, SECCOMP_RET_ALLOW,
	    WORDS("munmap", "mremap", "brk", "write", "writev", "exit_group", "clock_gettime"));
}

/* Of frontend, files and search, whose channel is memory. */
static void rings(enum filter_name filter)
{
	const struct expectation list[] = {
		{filter, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 5),
		 SECCOMP_RET_ALLOW},
		{filter, "mmap", ARGUMENTS(0, 4096, PROT_EXEC, MAP_SHARED, 5), SECCOMP_RET_KILL_PROCESS},
		{filter, "fcntl", ARGUMENTS(1, 1034 /* F_GET_SEALS */), SECCOMP_RET_ALLOW},
		{filter, "newfstatat", ARGUMENTS(1, 0, 0, AT_EMPTY_PATH), SECCOMP_RET_ALLOW},
	};

	check(list, ARRAY_SIZE(list));
	all(filter, SECCOMP_RET_ALLOW, WORDS("fstat", "read", "close", POLL));
}

static void refused_quietly(enum filter_name filter)
{
	all(filter, REFUSED(ENOENT), WORDS(VAIN));
}

static void test_frontend(void **state)
{
	const struct expectation list[] = {
		{FILTER_FRONTEND, "socketpair", ARGUMENTS(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "pipe2", ARGUMENTS(0, O_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "pipe2", ARGUMENTS(0, O_DIRECT), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "fchmod", ARGUMENTS(3, 0666), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "fchmod", ARGUMENTS(3, 0667), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "fcntl", ARGUMENTS(1, F_SETFL), SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_FRONTEND, "recvmsg", ARGUMENTS(3, 0, MSG_CMSG_CLOEXEC), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FRONTEND, "setsockopt", ARGUMENTS(0, SOL_SOCKET, 83), SECCOMP_RET_ALLOW},
	};

	shared(FILTER_FRONTEND);
	rings(FILTER_FRONTEND);
	refused_quietly(FILTER_FRONTEND);
	check(list, ARRAY_SIZE(list));
	all(FILTER_FRONTEND, SECCOMP_RET_ALLOW,
	    WORDS(EPOLL, "sendmsg", "shutdown", "timerfd_settime", "pread64", "pwrite64", "getrandom"));
	nothing_but(FILTER_FRONTEND, WORDS(COMMON, POLL, EPOLL, VAIN, "fstat", "read", "close", "pread64",
					   "pwrite64", "getrandom", "fcntl", "recvmsg", "sendmsg", "shutdown",
					   "timerfd_settime", "socketpair", "pipe2", "fchmod", "setsockopt"));
}

/* The same, and who connects; it makes no socket itself. */
static void test_http(void **state)
{
	const struct expectation list[] = {
		{FILTER_HTTP, "socketpair", ARGUMENTS(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "pipe2", ARGUMENTS(0, O_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "fchmod", ARGUMENTS(3, 0666), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "fcntl", ARGUMENTS(1, F_SETFL), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "recvmsg", ARGUMENTS(3, 0, MSG_CMSG_CLOEXEC), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "sendto", ARGUMENTS(3, 0, 0, MSG_NOSIGNAL), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "sendto", ARGUMENTS(3, 0, 0, MSG_NOSIGNAL, 1), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "sendto", ARGUMENTS(3, 0, 0, MSG_NOSIGNAL, 1ull << 32),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "sendto", ARGUMENTS(3, 0, 0, MSG_NOSIGNAL, 0, 16), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "accept4", ARGUMENTS(3, 0, 0, SOCK_CLOEXEC | SOCK_NONBLOCK), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "accept4", ARGUMENTS(3, 0, 0, 0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "setsockopt", ARGUMENTS(0, SOL_SOCKET, 83), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, TCP_NODELAY), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, TCP_CORK), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_PEERCRED), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_ERROR), SECCOMP_RET_KILL_PROCESS},
		{FILTER_HTTP, "futex", ARGUMENTS(0, FUTEX_WAKE_PRIVATE), SECCOMP_RET_ALLOW},
		{FILTER_HTTP, "futex", ARGUMENTS(0, FUTEX_WAIT_PRIVATE), SECCOMP_RET_KILL_PROCESS},
	};

	shared(FILTER_HTTP);
	rings(FILTER_HTTP);
	refused_quietly(FILTER_HTTP);
	check(list, ARRAY_SIZE(list));
	all(FILTER_HTTP, SECCOMP_RET_ALLOW,
	    WORDS(EPOLL, "sendmsg", "recvfrom", "shutdown", "timerfd_settime", "pread64", "pwrite64",
		  "getrandom"));
	nothing_but(FILTER_HTTP, WORDS(COMMON, POLL, EPOLL, VAIN, "fstat", "read", "close", "pread64",
				       "pwrite64", "getrandom", "fcntl", "recvmsg", "sendmsg", "shutdown",
				       "timerfd_settime", "socketpair", "pipe2", "fchmod", "setsockopt",
				       "accept4", "recvfrom", "sendto", "getsockopt", "futex"));
}

#define OPENED (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static void test_opener(void **state)
{
	const struct expectation list[] = {
		{FILTER_OPENER, "openat", ARGUMENTS(AT_FDCWD, 0, OPENED), SECCOMP_RET_ALLOW},
		{FILTER_OPENER, "openat", ARGUMENTS(AT_FDCWD, 0, OPENED | O_WRONLY),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_OPENER, "openat", ARGUMENTS(AT_FDCWD, 0, OPENED | O_CREAT), SECCOMP_RET_KILL_PROCESS},
		{FILTER_OPENER, "openat", ARGUMENTS(3, 0, OPENED), SECCOMP_RET_KILL_PROCESS},
		{FILTER_OPENER, "recvmsg", ARGUMENTS(3, 0, MSG_CMSG_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_OPENER, "recvmsg", ARGUMENTS(3, 0, 0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_OPENER, "mmap", ARGUMENTS(0, 4096, PROT_READ, MAP_ANONYMOUS), SECCOMP_RET_ALLOW},
		{FILTER_OPENER, "mmap", ARGUMENTS(0, 4096, PROT_EXEC, MAP_ANONYMOUS),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_OPENER, "madvise", ARGUMENTS(0, 4096, MADV_DONTNEED), SECCOMP_RET_ALLOW},
	};

	check(list, ARRAY_SIZE(list));
	all(FILTER_OPENER, SECCOMP_RET_ALLOW,
	    WORDS("munmap", "mremap", "brk", "write", "writev", "exit_group", "sendmsg", "close"));
	nothing_but(FILTER_OPENER,
		    WORDS(MEMORY, "write", "writev", "exit_group", "openat", "recvmsg", "sendmsg", "close"));
}

static void test_files(void **state)
{
	const struct expectation list[] = {
		{FILTER_FILES, "renameat2", ARGUMENTS(3, 0, 3, 0, RENAME_NOREPLACE), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "unlinkat", ARGUMENTS(3, 0, AT_REMOVEDIR), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "ioctl", ARGUMENTS(3, FICLONE), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "eventfd2", ARGUMENTS(0, EFD_NONBLOCK | EFD_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "eventfd2", ARGUMENTS(0, 0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "inotify_init1", ARGUMENTS(IN_NONBLOCK | IN_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_FILES, "inotify_init1", ARGUMENTS(0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "recvmsg", ARGUMENTS(8, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_FILES, "recvmsg", ARGUMENTS(8, 0, MSG_CMSG_CLOEXEC), SECCOMP_RET_KILL_PROCESS},
		{FILTER_FILES, "recvmsg", ARGUMENTS(9, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC),
		 SECCOMP_RET_KILL_PROCESS},
	};

	shared(FILTER_FILES);
	rings(FILTER_FILES);
	check(list, ARRAY_SIZE(list));
	all(FILTER_FILES, SECCOMP_RET_ALLOW,
	    WORDS("pread64", "openat2", "newfstatat", "getdents64", "readlinkat", "faccessat2", "mkdirat",
		  "unlinkat", "renameat", "linkat", "fsync", "fchmod", "fchown", "getrandom", "io_setup",
		  "io_submit", "io_getevents", "flock", "geteuid", "symlinkat", "copy_file_range",
		  "utimensat", "inotify_add_watch", "inotify_rm_watch", "fchdir", XATTRS));
	nothing_but(FILTER_FILES,
		    WORDS(COMMON, POLL, "fstat", "read", "close", "pread64", "fcntl", "openat2", "newfstatat",
			  "getdents64", "readlinkat", "faccessat2", "mkdirat", "unlinkat", "renameat",
			  "renameat2", "linkat", "fsync", "fchmod", "fchown", "getrandom", "io_setup",
			  "io_submit", "io_getevents", "eventfd2", "flock", "geteuid", "symlinkat",
			  "copy_file_range", "utimensat", "ioctl", "inotify_init1", "inotify_add_watch",
			  "inotify_rm_watch", "fchdir", "recvmsg", XATTRS));
}

/* What clone makes for pthread_create: a thread of this process. */
#define THREAD 0x3d0f00

/* What it takes to have threads, and nothing that it does not. */
static void threads(int filter)
{
	const struct expectation list[] = {
		{filter, "clone3", NULL, REFUSED(ENOSYS)},
		{filter, "clone", ARGUMENTS(THREAD), SECCOMP_RET_ALLOW},
		{filter, "clone", ARGUMENTS(SIGCHLD), SECCOMP_RET_KILL_PROCESS},
		{filter, "clone", ARGUMENTS(THREAD | CLONE_NEWUSER), SECCOMP_RET_KILL_PROCESS},
		{filter, "clone", ARGUMENTS(THREAD & ~CLONE_THREAD), SECCOMP_RET_KILL_PROCESS},
		{filter, "mprotect", ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE), SECCOMP_RET_ALLOW},
		{filter, "mprotect", ARGUMENTS(0, 4096, PROT_NONE), SECCOMP_RET_ALLOW},
		{filter, "madvise", ARGUMENTS(0, 4096, 102 /* MADV_GUARD_INSTALL */), SECCOMP_RET_ALLOW},
		{filter, "mprotect", ARGUMENTS(0, 4096, PROT_READ | PROT_EXEC), SECCOMP_RET_KILL_PROCESS},
		{filter, "futex", ARGUMENTS(0, 0x80 /* FUTEX_WAIT_PRIVATE */), SECCOMP_RET_ALLOW},
		{filter, "futex", ARGUMENTS(0, 0x81 /* FUTEX_WAKE_PRIVATE */), SECCOMP_RET_ALLOW},
		{filter, "futex", ARGUMENTS(0, 0x189 /* FUTEX_WAIT_BITSET_PRIVATE, realtime */),
		 SECCOMP_RET_ALLOW},
		{filter, "futex", ARGUMENTS(0, 0x86 /* FUTEX_LOCK_PI_PRIVATE */), SECCOMP_RET_KILL_PROCESS},
		{filter, "rt_sigaction", ARGUMENTS(33), SECCOMP_RET_ALLOW},
	};

	check(list, ARRAY_SIZE(list));
	all(filter, SECCOMP_RET_ALLOW, WORDS("rt_sigprocmask", "set_robust_list", "rseq", "exit"));
}

static void test_search(void **state)
{
	const struct expectation list[] = {
		{FILTER_SEARCH, "mmap",
		 ARGUMENTS(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS),
		 SECCOMP_RET_ALLOW},
		{FILTER_SEARCH, "mmap", ARGUMENTS(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 5),
		 SECCOMP_RET_KILL_PROCESS},
		{FILTER_SEARCH, "rt_sigaction", ARGUMENTS(SIGSYS), SECCOMP_RET_KILL_PROCESS},
		{FILTER_SEARCH, "madvise", ARGUMENTS(0, 4096, MADV_DONTNEED), SECCOMP_RET_ALLOW},
		{FILTER_SEARCH, "eventfd2", ARGUMENTS(0, EFD_NONBLOCK | EFD_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_SEARCH, "eventfd2", ARGUMENTS(0, 0), SECCOMP_RET_KILL_PROCESS},
	};

	rings(FILTER_SEARCH);
	threads(FILTER_SEARCH);
	check(list, ARRAY_SIZE(list));
	all(FILTER_SEARCH, SECCOMP_RET_ALLOW,
	    WORDS("munmap", "mremap", "brk", "write", "writev", "exit_group", "clock_gettime", "openat2",
		  "newfstatat", "getdents64", "readlinkat", "lseek"));
	nothing_but(FILTER_SEARCH,
		    WORDS(COMMON, POLL, "fstat", "read", "close", "fcntl", "openat2", "newfstatat",
			  "getdents64", "readlinkat", "lseek", "eventfd2", "clone", "clone3", "mprotect",
			  "rt_sigprocmask", "rt_sigaction", "set_robust_list", "rseq", "futex", "exit"));
}

/* Of web and broker. */
static void sockets_at_hand(enum filter_name filter)
{
	const struct expectation list[] = {
		{filter, "sendto", ARGUMENTS(3, 0, 0, 0), SECCOMP_RET_ALLOW},
		{filter, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), SECCOMP_RET_ALLOW},
		{filter, "recvmsg", ARGUMENTS(3, 0, MSG_CMSG_CLOEXEC), SECCOMP_RET_KILL_PROCESS},
		{filter, "recvmsg", ARGUMENTS(3, 0, MSG_DONTWAIT), SECCOMP_RET_KILL_PROCESS},
		{filter, "fcntl", ARGUMENTS(3, F_GETFL), SECCOMP_RET_ALLOW},
		{filter, "fcntl", ARGUMENTS(3, F_SETFL, O_RDWR | O_NONBLOCK), SECCOMP_RET_ALLOW},
		{filter, "fcntl", ARGUMENTS(3, F_SETFL, O_RDWR), SECCOMP_RET_KILL_PROCESS},
		{filter, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_ERROR), SECCOMP_RET_ALLOW},
		{filter, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_PEERCRED), REFUSED(ENOPROTOOPT)},
		{filter, "setsockopt", ARGUMENTS(3, SOL_SOCKET, SO_KEEPALIVE), REFUSED(ENOPROTOOPT)},
	};

	shared(filter);
	refused_quietly(filter);
	check(list, ARRAY_SIZE(list));
	all(filter, SECCOMP_RET_ALLOW, WORDS("close", "recvfrom", "getsockname", "getrandom"));
}

static void test_web(void **state)
{
	const struct expectation list[] = {
		{FILTER_WEB, "rt_sigaction", ARGUMENTS(SIGPIPE), SECCOMP_RET_ALLOW},
		{FILTER_WEB, "rt_sigaction", ARGUMENTS(SIGSYS), SECCOMP_RET_KILL_PROCESS},
	};

	sockets_at_hand(FILTER_WEB);
	threads(FILTER_WEB);
	check(list, ARRAY_SIZE(list));
	all(FILTER_WEB, SECCOMP_RET_ALLOW, WORDS(POLL, "getpeername", "getpid", "gettimeofday", "read"));
	all(FILTER_WEB, REFUSED(0), WORDS("connect"));
	nothing_but(FILTER_WEB,
		    WORDS(COMMON, POLL, VAIN, "close", "recvmsg", "recvfrom", "sendto", "getsockname",
			  "getpeername", "getsockopt", "setsockopt", "fcntl", "connect", "getpid",
			  "getrandom", "futex", "rt_sigaction", "gettimeofday", "read", "clone", "clone3",
			  "mprotect", "rt_sigprocmask", "set_robust_list", "rseq", "exit"));
}

static void test_broker(void **state)
{
	static const uint64_t families[] = {AF_INET, AF_INET6}, types[][2] = {{SOCK_STREAM, 0},
									      {SOCK_STREAM, IPPROTO_TCP},
									      {SOCK_DGRAM, 0},
									      {SOCK_DGRAM, IPPROTO_UDP}};
	const struct expectation list[] = {
		{FILTER_BROKER, "sendmsg", ARGUMENTS(3, 0, 0), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "sendmsg", ARGUMENTS(3, 0, 0x20000000), SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "sendto", ARGUMENTS(3, 0, 0, 0x20000000), SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "accept4", ARGUMENTS(3, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC),
		 SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "accept4", ARGUMENTS(3, 0, 0, 0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "epoll_create1", ARGUMENTS(EPOLL_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "epoll_create1", ARGUMENTS(0), SECCOMP_RET_KILL_PROCESS},
		{FILTER_BROKER, "socket", ARGUMENTS(AF_INET6, SOCK_RAW), REFUSED(EAFNOSUPPORT)},
		{FILTER_BROKER, "setsockopt", ARGUMENTS(3, IPPROTO_TCP, 1), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "setsockopt", ARGUMENTS(3, SOL_SOCKET, SO_LINGER), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_TYPE), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "getsockopt", ARGUMENTS(3, SOL_SOCKET, SO_ACCEPTCONN), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "fcntl", ARGUMENTS(3, F_SETFD, FD_CLOEXEC), SECCOMP_RET_ALLOW},
		{FILTER_BROKER, "fcntl", ARGUMENTS(3, F_SETFD, 0), SECCOMP_RET_KILL_PROCESS},
	};

	sockets_at_hand(FILTER_BROKER);
	check(list, ARRAY_SIZE(list));
	all(FILTER_BROKER, SECCOMP_RET_ALLOW, WORDS(EPOLL, "connect", "shutdown"));
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (size_t j = 0; j < ARRAY_SIZE(types); j++)
			check(&(const struct expectation){FILTER_BROKER, "socket",
							  ARGUMENTS(families[i], types[j][0], types[j][1]),
							  SECCOMP_RET_ALLOW},
			      1);
	nothing_but(FILTER_BROKER,
		    WORDS(COMMON, EPOLL, VAIN, "close", "recvmsg", "recvfrom", "sendto", "sendmsg",
			  "getsockname", "getsockopt", "setsockopt", "fcntl", "socket", "connect", "shutdown",
			  "accept4", "epoll_create1", "getrandom"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_frontend), cmocka_unit_test(test_http),
					   cmocka_unit_test(test_opener),   cmocka_unit_test(test_files),
					   cmocka_unit_test(test_search),   cmocka_unit_test(test_web),
					   cmocka_unit_test(test_broker)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
