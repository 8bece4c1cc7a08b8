/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that several of our programs share (table.h). None opens, connects, starts or maps code. */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

const struct table_rule rules_memory[] = {
	{.call = "mmap", .when = {LACKS(2, PROT_EXEC)}},
	{.call = "mprotect", .when = {LACKS(2, PROT_EXEC)}},
	ALLOW("munmap"),
	ALLOW("mremap"),
	ALLOW("madvise"),
	ALLOW("brk"),
	{NULL},
};

/* Ending, also by abort(), and what a C library does between. */
const struct table_rule rules_process[] = {
	ALLOW("exit"),
	ALLOW("exit_group"),
	ALLOW("getpid"),
	ALLOW("gettid"),
	{.call = "tgkill", .when = {IS(2, SIGABRT)}},
	ALLOW("rt_sigaction"),
	ALLOW("rt_sigprocmask"),
	ALLOW("rt_sigreturn"),
	ALLOW("restart_syscall"),
	ALLOW("sched_yield"),
	ALLOW("getrandom"),
	{NULL},
};

const struct table_rule rules_waiting[] = {
	ALLOW("clock_gettime"),  ALLOW("clock_nanosleep"),
	ALLOW("gettimeofday"),   ALLOW("futex"),
	ALLOW("epoll_create1"),  ALLOW("epoll_ctl"),
	ALLOW("epoll_pwait"),    ALLOW_LEGACY("epoll_wait"),
	ALLOW_LEGACY("poll"),    ALLOW("ppoll"),
	ALLOW("timerfd_create"), ALLOW("timerfd_settime"),
	ALLOW("eventfd2"),       {NULL},
};

/* On descriptors that are open already. newfstatat is how glibc spells fstat; it tells no content. */
const struct table_rule rules_descriptors[] = {
	ALLOW("read"),
	ALLOW("readv"),
	ALLOW("write"),
	ALLOW("writev"),
	ALLOW("close"),
	ALLOW("lseek"),
	ALLOW("fstat"),
	{.call = "newfstatat", .when = {HAS(3, AT_EMPTY_PATH)}},
	{.call = "fcntl", .when = {IS(1, F_GETFD)}},
	{.call = "fcntl", .when = {IS(1, F_SETFD)}},
	{.call = "fcntl", .when = {IS(1, F_GETFL)}},
	{.call = "fcntl", .when = {IS(1, F_SETFL)}},
	{.call = "fcntl", .when = {IS(1, F_DUPFD_CLOEXEC)}},
	{.call = "fcntl", .when = {IS(1, F_GET_SEALS)}},
	{NULL},
};

const struct table_rule rules_sanitizers[] = {
	ALLOW("sigaltstack"),
	ALLOW("getrlimit"),
	ALLOW("prlimit64"),
	ALLOW("sched_getaffinity"),
	ALLOW("getuid"),
	ALLOW("getppid"),
	/* reports look at /proc/self/maps and exe; without them they are still reports */
	REFUSE_LEGACY("open", EACCES),
	REFUSE("openat", EACCES),
	REFUSE_LEGACY("readlink", EACCES),
	REFUSE("readlinkat", EACCES),
	REFUSE("newfstatat", EACCES),
	REFUSE_LEGACY("stat", EACCES),
	REFUSE("ioctl", ENOTTY),
	REFUSE("prctl", EACCES),
	REFUSE("clone", EACCES),
	REFUSE("rt_sigtimedwait", EACCES),
	{NULL},
};
