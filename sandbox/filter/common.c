/* SPDX-License-Identifier: Apache-2.0 */
/* Rules that several of our programs share (table.h). None opens, connects, starts or maps code. */
#include "sandbox/filter/table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>

/* malloc's, which sees no thread in any of our programs: so mprotect is not among them. */
const struct table_rule rules_memory[] = {
	{.call = "mmap", .when = {LACKS(2, PROT_EXEC), HAS(3, MAP_ANONYMOUS)}},
	ALLOW("munmap"),
	ALLOW("mremap"),
	ALLOW("brk"),
	{.call = "madvise", .when = {IS(2, MADV_DONTNEED)}},
	{.call = "madvise", .when = {IS(2, MADV_HUGEPAGE)}}, /* GLIBC_TUNABLES=glibc.malloc.hugetlb=1 */
	{NULL},
};

/*
 * Not abort(): it is tgkill, which reaches every process of the same uid. Whoever calls it has said why on
 * stderr (an assertion, the C library's own checks), and ends here by SIGSYS instead.
 */
const struct table_rule rules_end[] = {
	ALLOW("write"),
	ALLOW("writev"),
	ALLOW("exit_group"),
	{NULL},
};

/* Asked without the kernel where that can be; not on every machine (clock sources of some virtual ones). */
const struct table_rule rules_clock[] = {
	ALLOW("clock_gettime"),
	{NULL},
};

/* Stopped and continued while it waited, poll goes on by restart_syscall. ppoll is arm64's poll. */
const struct table_rule rules_polling[] = {
	ALLOW_LEGACY("poll"),
	ALLOW("ppoll"),
	ALLOW("restart_syscall"),
	{NULL},
};

/* epoll_pwait is arm64's epoll_wait. */
const struct table_rule rules_epoll[] = {
	ALLOW("epoll_ctl"),
	ALLOW_LEGACY("epoll_wait"),
	ALLOW("epoll_pwait"),
	{NULL},
};

/* fstat, as the C library spells it before and since 2.39. With AT_EMPTY_PATH a path may be given all the
 * same: what exists can be asked, no content. */
const struct table_rule rules_facts[] = {
	ALLOW("fstat"),
	{.call = "newfstatat", .when = {HAS(3, AT_EMPTY_PATH)}},
	{NULL},
};

/* Frontend and files talk over memory that both have mapped (protocol/ring.h), sealed against shrinking. */
const struct table_rule rules_rings[] = {
	{.call = "mmap", .when = {LACKS(2, PROT_EXEC)}},
	{.call = "fcntl", .when = {IS(1, F_GET_SEALS)}},
	{NULL},
};

/* Libraries look for optional files long after start: time zones, message catalogues. They go on without, and
 * a server that ended over one would be no safer. */
const struct table_rule rules_in_vain[] = {
	REFUSE("openat", ENOENT),
	REFUSE("newfstatat", ENOENT),
	REFUSE_LEGACY("access", ENOENT),
	REFUSE("faccessat", ENOENT), /* arm64's access */
	{NULL},
};

const struct table_rule rules_sanitizers[] = {
	ALLOW("getpid"),
	ALLOW("gettid"),
	{.call = "tgkill", .when = {IS(2, SIGABRT)}},
	ALLOW("rt_sigaction"),
	ALLOW("rt_sigprocmask"),
	ALLOW("rt_sigreturn"),
	ALLOW("sched_yield"),
	ALLOW("futex"),
	ALLOW("getrandom"),
	ALLOW("clock_nanosleep"),
	ALLOW("madvise"),
	{.call = "mmap", .when = {LACKS(2, PROT_EXEC)}},
	{.call = "mprotect", .when = {LACKS(2, PROT_EXEC)}},
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
