/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape-attempts: run as a command inside a sandbox, tries what it must not be able to do and prints what
 * the kernel said, one "NAME ANSWER" a line. tests/escape/run.py holds the answers against what they must be,
 * and runs the same program outside to see that it is the sandbox that answers.
 *
 * System calls are made with arguments that can do no harm where they are permitted: EFAULT or EBADF means
 * that the call was reached. "paths" tries files and is only run inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Later than some headers. */
#define CALL_NEWER_THAN_TABLES 900
#define PROTOCOL_MPTCP         262
#define BAD                    ((void *)1)

static void say(const char *name, long result)
{
	printf("%s %s\n", name, result < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

/* In a child, for what may end the process. */
__attribute__((unused)) /* on arm64 there is no other entry to try */
static void
say_child(const char *name, void (*attempt)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		attempt();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s signal-%d\n", name, WTERMSIG(status));
	else
		printf("%s returned\n", name);
	fflush(stdout);
}

static void clone_namespaces(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} flags[] = {{"clone-newuser", CLONE_NEWUSER}, {"clone-newns", CLONE_NEWNS},
		     {"clone-newpid", CLONE_NEWPID},   {"clone-newnet", CLONE_NEWNET},
		     {"clone-newipc", CLONE_NEWIPC},   {"clone-newuts", CLONE_NEWUTS}};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		/* with CLONE_VM but without CLONE_SIGHAND's like a thread: the kernel answers EINVAL if it
		 * looks */
		long result = syscall(SYS_clone, flags[i].flag | CLONE_THREAD, 0, 0, 0, 0);

		say(flags[i].name, result);
	}
}

static void calls(void)
{
	say("mount", syscall(SYS_mount, BAD, BAD, BAD, 0, BAD));
	say("umount2", syscall(SYS_umount2, BAD, 0));
	say("pivot_root", syscall(SYS_pivot_root, BAD, BAD));
	say("chroot", syscall(SYS_chroot, BAD));
	say("open_tree", syscall(SYS_open_tree, -1, BAD, 0));
	say("move_mount", syscall(SYS_move_mount, -1, BAD, -1, BAD, 0));
	say("fsopen", syscall(SYS_fsopen, BAD, 0));
	say("mount_setattr", syscall(SYS_mount_setattr, -1, BAD, 0, BAD, 0));
	say("unshare-newuser", syscall(SYS_unshare, 0x40u)); /* not a flag: EINVAL if it looks */
	say("setns", syscall(SYS_setns, -1, 0));
	say("clone3", syscall(SYS_clone3, BAD, 0));
	clone_namespaces();
	say("ptrace", syscall(SYS_ptrace, 0xffff, 0, 0, 0));
	say("process_vm_readv", syscall(SYS_process_vm_readv, getpid(), BAD, 1, BAD, 1, 0));
	say("kcmp", syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0));
	say("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
	say("perf_event_open", syscall(SYS_perf_event_open, BAD, 0, 0, -1, 0));
	say("bpf", syscall(SYS_bpf, 9999, BAD, 0));
	say("userfaultfd", syscall(SYS_userfaultfd, 0xffff));
	say("io_uring_setup", syscall(SYS_io_uring_setup, 1, BAD));
	say("keyctl", syscall(SYS_keyctl, 9999, 0, 0, 0, 0));
	say("add_key", syscall(SYS_add_key, BAD, BAD, BAD, 0, 0));
	say("fanotify_init", syscall(SYS_fanotify_init, 0xffff, 0));
	say("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, BAD, 0));
	say("name_to_handle_at", syscall(SYS_name_to_handle_at, -1, BAD, BAD, BAD, 0));
	say("init_module", syscall(SYS_init_module, BAD, 0, BAD));
	say("kexec_load", syscall(SYS_kexec_load, 0, 0xffff, BAD, 0xffff));
	say("clock_settime", syscall(SYS_clock_settime, 0, BAD));
	say("mbind", syscall(SYS_mbind, 0, 0, 99, 0, 0, 0));
	say("move_pages", syscall(SYS_move_pages, getpid(), 1, BAD, BAD, BAD, 0));
	say("syslog", syscall(SYS_syslog, 99, 0, 0));
	say("personality", syscall(SYS_personality, 0x0400000));
	say("personality-query", syscall(SYS_personality, 0xffffffff));
	say("call-900", syscall(CALL_NEWER_THAN_TABLES));
	say("tiocsti", ioctl(-1, TIOCSTI, BAD));
	say("tiocsti-high", syscall(SYS_ioctl, -1, 0xdead00000000ull | TIOCSTI, BAD));
	say("mknod-device", syscall(SYS_mknodat, -1, BAD, S_IFCHR | 0600, 0));
	say("sendto-fastopen", sendto(-1, "", 0, 0x20000000, NULL, 0));
}

static void sockets(void)
{
	static const struct {
		const char *name;
		int family, type, protocol;
	} kinds[] = {
		{"socket-inet", AF_INET, SOCK_STREAM, 0},
		{"socket-mptcp", AF_INET, SOCK_STREAM, PROTOCOL_MPTCP},
		{"socket-raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
		{"socket-packet", AF_PACKET, SOCK_RAW, 0},
		{"socket-vsock", 40, SOCK_STREAM, 0},
		{"socket-alg", 38, SOCK_SEQPACKET, 0},
		{"socket-netlink-audit", AF_NETLINK, SOCK_RAW, 9},
		{"socket-bluetooth", 31, SOCK_RAW, 0},
	};
	struct sockaddr_in outside = {
		.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(0x01010101)}};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		int fd = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);

		say(kinds[i].name, fd);
		if (fd >= 0)
			close(fd);
	}
	say("connect-outside",
	    connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (void *)&outside, sizeof outside));
	say("send-outside",
	    sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (void *)&outside, sizeof outside));
}

#if defined(__x86_64__)
static void call_x32(void)
{
	syscall(0x40000000 | SYS_getpid);
}

static void call_i386(void)
{
	int number = 20; /* getpid there, writev here */

	__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
}
#endif

static void create(const char *name, const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_EXCL, 0666);

	say(name, fd);
	if (fd >= 0) {
		unlink(path);
		close(fd);
	}
}

static void writable(const char *name, const char *path)
{
	int fd = open(path, O_WRONLY);

	say(name, fd);
	if (fd >= 0)
		close(fd);
}

static void paths(void)
{
	create("create-root", "/escape");
	create("create-usr", "/usr/escape");
	create("create-etc", "/etc/escape");
	create("create-dev", "/dev/escape");
	create("create-run", "/run/escape");
	create("create-proc", "/proc/escape");
	create("create-tmp", "/tmp/escape");
	writable("core_pattern", "/proc/sys/kernel/core_pattern");
	writable("sysrq", "/proc/sysrq-trigger");
	writable("uid_map", "/proc/self/uid_map");
	writable("keeper-mem", "/proc/1/mem");
	say("keeper-fd", open("/proc/1/fd", O_RDONLY | O_DIRECTORY));
	say("keeper-root", open("/proc/1/root/etc", O_RDONLY | O_DIRECTORY));
	say("keeper-environ", open("/proc/1/environ", O_RDONLY));
	say("kcore",
	    (long)(getxattr("/proc/kcore", "user.x", NULL, 0) < 0 ? open("/proc/kcore", O_RDWR) : 0));
	say("chmod-usr", chmod("/usr", 0777));
	say("utimes-usr", utimensat(AT_FDCWD, "/usr", NULL, 0));
	say("setxattr-usr", setxattr("/usr", "user.x", "", 0, 0));
	say("setuid-0", setuid(0));
	say("setgroups", syscall(SYS_setgroups, 0, NULL));
	say("kill-keeper", kill(1, SIGKILL)); /* "ok" and without effect: pid 1 takes no signal from inside */
	say("sys", open("/sys/kernel", O_RDONLY));
}

static void descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("descriptor-%d open\n", fd);
}

int main(int argc, char **argv)
{
	descriptors();
	calls();
	sockets();
#if defined(__x86_64__)
	say_child("x32", call_x32);
	say_child("i386", call_i386);
#endif
	if (argc > 1 && !strcmp(argv[1], "paths"))
		paths();
	return 0;
}
