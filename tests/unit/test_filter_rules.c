/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule of every filter by what it does, beside what test_filter.c asks of filters as such: a rule that
 * is lost is noticed here (tests/mutation). Calls that only some architectures have are asked where they are.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "tests/support/filters.h"

static void test_refused_to_all_that_is_started(void **state)
{
	static const enum filter_name filters[] = {FILTER_COMMAND, FILTER_CONTAINER, FILTER_CONTAINER_NETWORK,
						   FILTER_SPAWNER};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		all(filters[i], REFUSED(EPERM),
		    WORDS("ptrace", "process_vm_writev", "kcmp", "pidfd_getfd", "perf_event_open",
			  "process_madvise"));
		all(filters[i], REFUSED(EPERM),
		    WORDS("bpf", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
			  "keyctl", "add_key", "request_key", "fanotify_init", "fanotify_mark",
			  "open_by_handle_at", "name_to_handle_at", "lookup_dcookie", "uselib", "modify_ldt",
			  "iopl", "ioperm", "vhangup"));
		all(filters[i], REFUSED(EPERM),
		    WORDS("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
			  "syslog", "acct", "quotactl", "quotactl_fd", "swapon", "swapoff", "reboot",
			  "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime",
			  "adjtimex", "mbind", "set_mempolicy", "set_mempolicy_home_node", "migrate_pages",
			  "move_pages"));
	}
}

static void test_refused_to_commands(void **state)
{
	static const enum filter_name filters[] = {FILTER_COMMAND, FILTER_CONTAINER,
						   FILTER_CONTAINER_NETWORK};

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		all(filters[i], REFUSED(EPERM),
		    WORDS("mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount", "fsopen",
			  "fspick", "fsconfig", "fsmount", "mount_setattr", "unshare", "setns"));
}

/* Calls of older architectures with the arguments that count. */
static void legacy(enum filter_name filter, const char *call, const uint64_t *arguments, uint32_t answer)
{
	uint32_t heard = ask(&targets[0], filter, call, arguments);

	if (heard != answer)
		fail_msg("filter %d, %s: %#x, expected %#x", filter, call, heard, answer);
}

static void test_older_calls(void **state)
{
	legacy(FILTER_COMMAND, "mknod", ARGUMENTS(0, S_IFCHR | 0600), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "mknod", ARGUMENTS(0, S_IFBLK | 0600), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "mknod", ARGUMENTS(0, S_IFREG | 04755), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "mknod", ARGUMENTS(0, S_IFIFO | 0600), SECCOMP_RET_ALLOW);
	legacy(FILTER_COMMAND, "chmod", ARGUMENTS(0, 04755), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "chmod", ARGUMENTS(0, 0755), SECCOMP_RET_ALLOW);
	legacy(FILTER_COMMAND, "creat", ARGUMENTS(0, 02755), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "open", ARGUMENTS(0, O_CREAT | O_WRONLY, 04755), REFUSED(EPERM));
	legacy(FILTER_COMMAND, "open", ARGUMENTS(0, O_RDONLY, 04755), SECCOMP_RET_ALLOW);
	legacy(FILTER_SPAWNER, "mknod", ARGUMENTS(0, S_IFCHR), REFUSED(EPERM));
	legacy(FILTER_SPAWNER, "mknod", ARGUMENTS(0, S_IFBLK), REFUSED(EPERM));
	legacy(FILTER_GAP_TRUNCATE, "open", ARGUMENTS(0, O_RDONLY | O_TRUNC), REFUSED(EACCES));
	legacy(FILTER_GAP_TRUNCATE, "open", ARGUMENTS(0, 3 | O_TRUNC), REFUSED(EACCES));
	legacy(FILTER_GAP_TRUNCATE, "open", ARGUMENTS(0, O_WRONLY | O_TRUNC), SECCOMP_RET_ALLOW);
	for (int filter = FILTER_NOTIFY; filter <= FILTER_NOTIFY_ALL; filter++) {
		static const char *const names[] = {"creat",  "mkdir",  "mknod",  "symlink",  "link",
						    "rename", "unlink", "rmdir",  "chmod",    "chown",
						    "lchown", "utime",  "utimes", "futimesat"};

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			legacy((enum filter_name)filter, names[i], NULL, SECCOMP_RET_USER_NOTIF);
		legacy((enum filter_name)filter, "open", ARGUMENTS(0, O_PATH | O_RDWR), SECCOMP_RET_ALLOW);
		legacy((enum filter_name)filter, "open", ARGUMENTS(0, O_WRONLY), SECCOMP_RET_USER_NOTIF);
		legacy((enum filter_name)filter, "open", ARGUMENTS(0, O_RDONLY),
		       filter == FILTER_NOTIFY ? SECCOMP_RET_ALLOW : SECCOMP_RET_USER_NOTIF);
	}
}

static void test_sockets(void **state)
{
	static const struct {
		uint64_t family, type, protocol;
	} allowed[] = {{AF_UNIX, SOCK_STREAM, 0},
		       {AF_UNIX, SOCK_SEQPACKET, 0},
		       {AF_INET, SOCK_STREAM, 0},
		       {AF_INET6, SOCK_STREAM, 0},
		       {AF_INET, SOCK_STREAM, IPPROTO_TCP},
		       {AF_INET6, SOCK_STREAM, IPPROTO_TCP},
		       {AF_INET, SOCK_DGRAM, 0},
		       {AF_INET6, SOCK_DGRAM, 0},
		       {AF_INET, SOCK_DGRAM, IPPROTO_UDP},
		       {AF_INET6, SOCK_DGRAM, IPPROTO_UDP},
		       {AF_INET, SOCK_DGRAM, IPPROTO_ICMP},
		       {AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6},
		       {AF_NETLINK, SOCK_RAW, 0}};
	static const enum filter_name filters[] = {FILTER_COMMAND, FILTER_SPAWNER};

	for (size_t f = 0; f < ARRAY_SIZE(filters); f++) {
		const struct expectation refused[] = {
			{filters[f], "socket", ARGUMENTS(AF_INET6, SOCK_RAW, 58), REFUSED(EPERM)},
			{filters[f], "socket", ARGUMENTS(17, SOCK_PACKET, 3), REFUSED(EPERM)},
			{filters[f], "socket", ARGUMENTS(AF_INET6, SOCK_STREAM, 132),
			 REFUSED(EPROTONOSUPPORT)},
			{filters[f], "socket", ARGUMENTS(AF_INET, SOCK_STREAM, 132),
			 REFUSED(EPROTONOSUPPORT)},
			{filters[f], "socket", ARGUMENTS(AF_NETLINK, SOCK_DGRAM, 6), REFUSED(EAFNOSUPPORT)},
			{filters[f], "setsockopt", ARGUMENTS(3, IPPROTO_TCP, 31), REFUSED(ENOENT)},
			{filters[f], "socketpair", ARGUMENTS(AF_UNIX), SECCOMP_RET_ALLOW},
			{filters[f], "socketpair", ARGUMENTS(30), REFUSED(EAFNOSUPPORT)},
			{filters[f], "sendto", ARGUMENTS(3, 0, 0, 0x20000000), REFUSED(EOPNOTSUPP)},
			{filters[f], "sendmsg", ARGUMENTS(3, 0, 0x20000000), REFUSED(EOPNOTSUPP)},
			{filters[f], "sendmmsg", ARGUMENTS(3, 0, 1, 0x20000000), REFUSED(EOPNOTSUPP)},
		};

		check(refused, ARRAY_SIZE(refused));
		for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
			check(&(const struct expectation){filters[f], "socket",
							  ARGUMENTS(allowed[i].family, allowed[i].type,
								    allowed[i].protocol),
							  SECCOMP_RET_ALLOW},
			      1);
	}
}

static void test_personalities(void **state)
{
	static const uint64_t allowed[] = {0, 0x8, 0x20000, 0x20008, 0xffffffff};

	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		check(&(const struct expectation){FILTER_COMMAND, "personality", ARGUMENTS(allowed[i]),
						  SECCOMP_RET_ALLOW},
		      1);
}

static void contained(enum filter_name filter)
{
	const struct expectation list[] = {
		{filter, "sched_setaffinity", ARGUMENTS(1), REFUSED(EPERM)},
		{filter, "sched_setparam", ARGUMENTS(1), REFUSED(EPERM)},
		{filter, "sched_setscheduler", ARGUMENTS(1), REFUSED(EPERM)},
		{filter, "sched_setattr", ARGUMENTS(1), REFUSED(EPERM)},
		{filter, "sched_setaffinity", ARGUMENTS(0), SECCOMP_RET_ALLOW},
		{filter, "setpriority", ARGUMENTS(PRIO_PROCESS, 0), SECCOMP_RET_ALLOW},
		{filter, "setpriority", ARGUMENTS(PRIO_PGRP, 0), SECCOMP_RET_ALLOW},
		{filter, "setpriority", ARGUMENTS(PRIO_PROCESS, 1), REFUSED(EPERM)},
		{filter, "setpriority", ARGUMENTS(PRIO_USER, 0), REFUSED(EPERM)},
		{filter, "ioprio_set", ARGUMENTS(1, 0), SECCOMP_RET_ALLOW},
		{filter, "ioprio_set", ARGUMENTS(2, 0), SECCOMP_RET_ALLOW},
		{filter, "ioprio_set", ARGUMENTS(1, 1), REFUSED(EPERM)},
		{filter, "ioprio_set", ARGUMENTS(3, 0), REFUSED(EPERM)},
		/* flags of a file are asked for, not set; nor versions, encryption and verity */
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_GETFLAGS), SECCOMP_RET_ALLOW},
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_FIEMAP), SECCOMP_RET_ALLOW},
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_FSGETXATTR), SECCOMP_RET_ALLOW},
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_SETFLAGS), REFUSED(ENOTTY)},
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_FSSETXATTR), REFUSED(ENOTTY)},
		{filter, "ioctl", ARGUMENTS(0, FS_IOC_SETVERSION), REFUSED(ENOTTY)},
		/* and all that is refused with namespaces too */
		{filter, "clone", ARGUMENTS(CLONE_NEWUSER | 17), REFUSED(EPERM)},
		{filter, "ioctl", ARGUMENTS(0, TIOCSTI), REFUSED(EPERM)},
		{filter, "socketpair", ARGUMENTS(AF_UNIX, SOCK_STREAM), SECCOMP_RET_ALLOW},
	};

	check(list, ARRAY_SIZE(list));
	all(filter, REFUSED(EACCES), WORDS("listen"));
	all(filter, REFUSED(EPERM), WORDS("process_mrelease"));
	all(filter, REFUSED(ENOSYS),
	    WORDS("shmget", "shmat", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd",
		  "msgrcv", "msgctl", "mq_open", "mq_unlink", "inotify_init1"));
	legacy(filter, "inotify_init", NULL, REFUSED(ENOSYS));
	all(filter, REFUSED(EOPNOTSUPP), WORDS("lgetxattr", "listxattr", "llistxattr"));
	all(filter, SECCOMP_RET_ALLOW, WORDS("fgetxattr", "flistxattr"));
}

static void test_container(void **state)
{
	contained(FILTER_CONTAINER);
	contained(FILTER_CONTAINER_NETWORK);
	all(FILTER_CONTAINER, REFUSED(EOPNOTSUPP), WORDS("getxattr"));
	all(FILTER_CONTAINER_NETWORK, SECCOMP_RET_ALLOW, WORDS("getxattr")); /* the keeper's */
	all(FILTER_NOTIFY_CONNECT, REFUSED(EOPNOTSUPP), WORDS("getxattr"));
	all(FILTER_CONTAINER, REFUSED(EACCES), WORDS("socket", "bind", "connect"));
}

/* What would keep the keeper from acting for its callers. */
static void test_keepers_callers(void **state)
{
	for (int filter = FILTER_NOTIFY; filter <= FILTER_NOTIFY_ALL; filter++) {
		const struct expectation list[] = {
			{(enum filter_name)filter, "prctl", ARGUMENTS(PR_SET_DUMPABLE, 0), REFUSED(0)},
			{(enum filter_name)filter, "landlock_create_ruleset", NULL, REFUSED(EOPNOTSUPP)},
			{(enum filter_name)filter, "umask", ARGUMENTS(077), SECCOMP_RET_USER_NOTIF},
			{(enum filter_name)filter, "truncate", NULL, SECCOMP_RET_USER_NOTIF},
			{(enum filter_name)filter, "openat", ARGUMENTS(3, 0, O_PATH), SECCOMP_RET_ALLOW},
		};

		check(list, ARRAY_SIZE(list));
		all((enum filter_name)filter, SECCOMP_RET_USER_NOTIF,
		    WORDS("fchmod", "fchmodat", "fchown", "fchownat", "utimensat", "setxattr", "lsetxattr",
			  "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused_to_all_that_is_started),
					   cmocka_unit_test(test_refused_to_commands),
					   cmocka_unit_test(test_older_calls),
					   cmocka_unit_test(test_sockets),
					   cmocka_unit_test(test_personalities),
					   cmocka_unit_test(test_container),
					   cmocka_unit_test(test_keepers_callers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
