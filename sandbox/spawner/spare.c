/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that waits to become the next spawner (spare.h says why there is one). It runs as a copy of
 * whoever forked it, the frontend or a spawner, touches as little memory as it can, and does nothing until it
 * is told to go. It trusts its socket as far as one frame type.
 */
#include "sandbox/spawner/spare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "protocol/frame.h"
#include "protocol/limits.h"
#include "sandbox/filter/filter.h"
#include "sandbox/spawner/setup.h"

/* What a spare will need when it goes: one of the two. */
struct spare_source {
	const struct plan *plan;
	int (*complete)(struct plan *plan);
	int memfd;   /* -1: not made yet */
	int secrets; /* -1: none */
};

static int spare_socket(int sockets[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return err_set(err, -errno, "spare: socketpair: %s", err_name(errno));
	return 0;
}

/* Standard descriptors: the host's stdin and stdout are given up, its stderr stays for our own complaints. */
static int place_descriptors(int socket, struct spare_source *source)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -errno;
	const int from[] = {null,
			    null,
			    STDERR_FILENO,
			    socket,
			    source->memfd < 0 ? null : source->memfd,
			    source->secrets < 0 ? null : source->secrets};
	int result = descriptors_place(from, ARRAY_SIZE(from));

	if (result == 0 && source->memfd >= 0)
		source->memfd = SPAWNER_PLAN;
	source->secrets = SPAWNER_SECRETS;
	return result;
}

static int send_simple(uint16_t type, uint32_t value, const int *fd)
{
	struct frame_header header = {.type = type, .value = value};

	return frame_send(SPAWNER_SOCKET, &header, NULL, 0, fd, fd ? 1 : 0, 0);
}

/*
 * Forks a process whose parent is the frontend, whoever makes it (CLONE_PARENT), and which the kernel kills
 * with the frontend: end of file alone would not end one that was stopped.
 */
static pid_t fork_below(pid_t frontend)
{
	unsigned long flags = frontend == getpid() ? SIGCHLD : SIGCHLD | CLONE_PARENT;
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0L, 0L, 0L, 0L);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != frontend)
			_exit(1);
	}
	return pid;
}

/* Forks the next spare. 0 in the spare itself, which has SPAWNER_SOCKET then; 1 in the caller. */
static int leave_a_spare(struct spare_source *source)
{
	int sockets[2], result = spare_socket(sockets, NULL);

	if (result < 0)
		return result;
	pid_t pid = fork_below(getppid());
	if (pid < 0) {
		result = -errno;
		close(sockets[0]);
		close(sockets[1]);
		return result;
	}
	if (pid == 0) {
		if (place_descriptors(sockets[1], source) < 0)
			_exit(1);
		return 0;
	}
	close(sockets[1]);
	fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	result = send_simple(SPARE_NEXT, 0, &sockets[0]);
	close(sockets[0]);
	return result < 0 ? result : 1;
}

static int become_spawner(struct spare_source *source)
{
	char *const argv[] = {(char *)"sallyport-spawner", NULL};
	int program;

	/* they survive the exec; everything else is CLOEXEC */
	if (source->memfd != SPAWNER_PLAN || fcntl(SPAWNER_PLAN, F_SETFD, 0) < 0 ||
	    fcntl(SPAWNER_SOCKET, F_SETFD, 0) < 0 || fcntl(SPAWNER_SECRETS, F_SETFD, 0) < 0)
		return -EBADF;
	program = program_open("sallyport-spawner", NULL);
	if (program < 0)
		return program;
	fexecve(program, argv, (char *const *)executor_environment);
	return -errno;
}

static int go(struct spare_source *source)
{
	int result;

	if (source->memfd < 0) {
		struct plan plan = *source->plan; /* this process's copy, never freed: an exec ends it */
		_cleanup_fd_ int memfd = -1;

		result = source->complete ? source->complete(&plan) : 0;
		if (result < 0)
			return result;
		memfd = plan_open(&plan, NULL);
		if (memfd < 0)
			return memfd;
		if (dup3(memfd, SPAWNER_PLAN, O_CLOEXEC) < 0)
			return -errno;
		source->memfd = SPAWNER_PLAN;
	}
	result = leave_a_spare(source);
	return result == 1 ? become_spawner(source) : result;
}

/*
 * Gives up what no spawner needs, for good: all that this process becomes and starts inherits it. The kernel
 * that cannot filter is told of when an executor needs a filter of its own, and nothing runs there.
 */
static void give_up(void)
{
	/* root's power over mounts, networks, ids and files; none over modules, devices, clocks, raw sockets
	 */
	static const int kept[] = {
		CAP_CHOWN,       CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,     CAP_FSETID,
		CAP_KILL,        CAP_SETGID,       CAP_SETUID,          CAP_SETPCAP,    CAP_NET_BIND_SERVICE,
		CAP_NET_ADMIN,   CAP_SYS_CHROOT,   CAP_SETFCAP,         CAP_SYS_PTRACE, CAP_SYS_ADMIN,
		CAP_SYS_RESOURCE};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
	uint64_t mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		mask |= UINT64_C(1) << kept[i];
	/* what exec would give back; an ordinary user may not and need not, since a new user namespace has
	 * all */
	for (int capability = 0; geteuid() == 0 && prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
	     capability++)
		if (!(mask >> capability & 1))
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
	if (syscall(SYS_capget, &header, sets) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
			sets[i].permitted &= (uint32_t)(mask >> 32 * i);
			sets[i].effective &= (uint32_t)(mask >> 32 * i);
			sets[i].inheritable = 0;
		}
		syscall(SYS_capset, &header, sets);
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	filter_apply(FILTER_SPAWNER);
}

/* Waits for its turn, and is a spare again after each fork. Descriptors stand where the spawner wants them.
 */
static _Noreturn void spare_wait(struct spare_source *source)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};

	/* a terminal's ^C is for the frontend, which ends us by end of file after it has answered */
	setsid();
	for (;;) {
		struct pollfd go_ahead = {.fd = SPAWNER_SOCKET, .events = POLLIN};
		struct frame_header header;
		int result;

		while (poll(&go_ahead, 1, -1) < 0 && errno == EINTR)
			; /* memory for a message is taken when there is one: a spare that only waits needs
			     none */
		result = frame_receive(SPAWNER_SOCKET, &header, &payload, NULL, 0);

		if (result < 0 || header.type != SPARE_GO)
			_exit(result == -ENOTCONN ? 0 : 1);
		result = go(source);
		if (result == 0) {
			setsid();
			continue; /* this is the new spare */
		}
		send_simple(SPARE_FAILED, (uint32_t)-result, NULL);
		_exit(1);
	}
}

/*
 * What a spare does for itself takes a processor 150 us, and the faults on pages that it shares with the
 * frontend as long again: the host's first answer comes before that, unless the spare is told to go. Nothing
 * is read meanwhile.
 */
static void let_frontend_answer(int socket)
{
	struct pollfd go_ahead = {.fd = socket, .events = POLLIN};

	poll(&go_ahead, 1, LIMIT_SPARE_YIELD_MS);
}

static int spare_make(struct spare_source source, pid_t frontend, struct err *err)
{
	int sockets[2], result = spare_socket(sockets, err);

	if (result < 0)
		return result;
	pid_t pid = fork_below(frontend);
	if (pid < 0) {
		result = err_set(err, -errno, "spare: fork: %s", err_name(errno));
		close(sockets[0]);
		close(sockets[1]);
		return result;
	}
	if (pid == 0) {
		/*
		 * Forked by the frontend, it and the spawner that it becomes go with it even if somebody has
		 * stopped them. Forked by a spawner it must outlive that, and has only the end of file.
		 */
		if (source.plan)
			prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "sallyport-spare");
		if (source.plan)
			let_frontend_answer(sockets[1]);
		if (place_descriptors(sockets[1], &source) < 0)
			_exit(1);
		if (source.plan) /* a spawner's spare has it already */
			give_up();
		spare_wait(&source);
	}
	close(sockets[1]);
	fcntl(sockets[0], F_SETFL, O_NONBLOCK);
	return sockets[0];
}

/*
 * Descriptors on their way through sockets count for all processes of a uid together, and whoever is above
 * its own limit then cannot send one. Commands may have the same uid as we (started by an ordinary user), and
 * their limit is lower than the hard one: so with that one none of theirs can keep us from sending.
 */
static void raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return;
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int spare_start(const struct plan *plan, int secrets, int (*complete)(struct plan *plan), struct err *err)
{
	raise_files();
	return spare_make(
		(struct spare_source){.plan = plan, .secrets = secrets, .complete = complete, .memfd = -1},
		getpid(), err);
}

int spare_fork(int plan_memfd, int secrets, struct err *err)
{
	return spare_make((struct spare_source){.memfd = plan_memfd, .secrets = secrets}, getppid(), err);
}
