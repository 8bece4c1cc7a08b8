/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting an executor: a child in its namespaces, with nothing but the descriptors it is to have, becomes
 * the program. The rest it does to itself (sandbox/executor.h); only the id maps must be written from out
 * here.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/setup.h"
#include "sandbox/spawner/spare.h"

/*
 * As an ordinary user the new user namespace gives the child every capability, and execve would take them
 * away again, since its uid there is not 0. Ambient ones stay; the identity layer drops them at the end.
 */
static int keep_capabilities(void)
{
	static const int needed[] = {CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SETPCAP};
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	if (syscall(SYS_capget, &header, sets) < 0)
		return -errno;
	sets[0].inheritable = sets[0].permitted;
	sets[1].inheritable = sets[1].permitted;
	if (syscall(SYS_capset, &header, sets) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, needed[i], 0, 0) < 0)
			return -errno;
	return 0;
}

static _Noreturn void child_fail(const char *layer, const char *step, int code)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SETUP_FAILED, .value = (uint32_t)-code};

	if (frame_put_text(&payload, layer) == 0 && frame_put_text(&payload, step) == 0 &&
	    frame_put_text(&payload, "") == 0)
		frame_send(SETUP_SOCKET, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0, 0);
	_exit(1);
}

/*
 * Should the machine run out of memory, the kernel is to take commands, not the person's programs or us.
 * Here, since later neither /proc nor the right to write in it is left; without it the other layers stand as
 * they are, so a failure is none.
 */
static void be_taken_first(void)
{
	_cleanup_fd_ int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (score >= 0 && write(score, LIMIT_COMMAND_OOM_SCORE, strlen(LIMIT_COMMAND_OOM_SCORE)) < 0)
		return;
}

/*
 * Standard descriptors of its own. Flags like O_NONBLOCK belong to an open file, which all that inherited it
 * share: through the host's stderr, often the same as its stdout, an executor could make the frontend wait,
 * and through /dev/null callers could see each other. What cannot be opened anew (a socket) becomes
 * /dev/null. Opened before there is a child, whose copies of the mounts are taken away.
 */
static int own_standard(bool keep_stderr, int *null, int *errors)
{
	*null = open("/dev/null", O_RDWR | O_CLOEXEC);
	*errors = keep_stderr ? open("/proc/self/fd/2", O_WRONLY | O_APPEND | O_NOCTTY | O_CLOEXEC) : -1;
	return *null < 0 ? -errno : 0;
}

static _Noreturn void child(const struct identity *identity, const struct profile *profile, int setup,
			    int plan, const int *channels, int program, int null, int errors)
{
	int from[EXECUTOR_CHANNEL + LIMIT_CHANNELS + 1] = {null, null, errors < 0 ? null : errors, setup,
							   plan};
	char *const argv[] = {(char *)profile->program, NULL};
	size_t count = EXECUTOR_CHANNEL;
	int result;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (profile->command_limits)
		be_taken_first();
	for (size_t i = 0; i < profile->channels; i++)
		from[count++] = channels[i];
	from[count++] = program; /* last, and the only one that execve closes */
	result = descriptors_place(from, count);
	if (result < 0)
		_exit(1);
	for (int fd = SETUP_SOCKET; fd < (int)count - 1; fd++)
		fcntl(fd, F_SETFD, 0);
	if (profile->namespaces && !identity->privileged && (result = keep_capabilities()) < 0)
		child_fail("namespaces", "ambient capabilities", result);
	fexecve((int)count - 1, argv, (char *const *)executor_environment);
	child_fail("start", "execve", -errno);
}

/* From here it builds its walls. */
static int send_identity(const struct instance *instance, const struct cgroup *group, int setup)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	const struct profile *profile = instance_profile(instance);
	const struct identity *identity = &instance->identity;
	struct frame_header header = {.type = SETUP_IDENTITY};
	bool stranger = identity->privileged && !profile->workspace_owner;
	int result;

	result = frame_put_u32(&payload, profile->confinement);
	if (result == 0)
		result = frame_put_u32(&payload, identity->privileged);
	if (result == 0)
		result = frame_put_u32(&payload, stranger ? IDENTITY_NOBODY : identity->uid);
	if (result == 0)
		result = frame_put_u32(&payload, stranger ? IDENTITY_NOBODY : identity->gid);
	if (result == 0)
		result = frame_put_u64(&payload, group->memory);
	if (result == 0)
		result = frame_put_u32(&payload, group->directory >= 0);
	if (result == 0)
		result = frame_put_text(&payload, instance->private);
	if (result == 0)
		result = frame_send(setup, &header, buffer_data(&payload), buffer_length(&payload), NULL, 0,
				    0);
	return result;
}

/*
 * A fork in new namespaces, born in its group: moving it there later costs the kernel a grace period, 10 ms.
 * Only where that is refused (a container's filter hides clone3) it is moved, before it is told who it is,
 * and it does nothing until then. *entered is for the parent: 0, or why it is not where it should be.
 */
static pid_t clone_into(unsigned long flags, int cgroup, int *entered)
{
	struct clone_args arguments = {.flags = (flags & ~0xfful) | CLONE_INTO_CGROUP,
				       .exit_signal = SIGCHLD,
				       .cgroup = (__u64)cgroup};
	pid_t pid = cgroup < 0 ? -1 : (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);

	*entered = 0;
	if (pid >= 0)
		return pid;
	pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);
	if (pid > 0 && cgroup >= 0)
		*entered = cgroup_enter(cgroup, pid);
	return pid;
}

pid_t start_child(const struct instance *instance, int plan, const int *channels, const struct cgroup *group,
		  int *setup, struct start_failure *failure)
{
	const struct profile *profile = instance_profile(instance);
	const struct identity *identity = &instance->identity;
	bool mapped = profile->namespaces && !identity->privileged;
	unsigned long flags = profile->namespaces | (mapped ? CLONE_NEWUSER : 0) | SIGCHLD;
	_cleanup_fd_ int program = program_open(profile->program, NULL);
	_cleanup_fd_ int null = -1, errors = -1;
	int sockets[2], result, entered;
	pid_t pid;

	*failure = (struct start_failure){"start", profile->program};
	if (program < 0)
		return program;
	failure->step = "/dev/null";
	result = own_standard(profile->keep_stderr, &null, &errors);
	if (result < 0)
		return result;
	failure->step = "socketpair";
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return -errno;
	*failure = profile->namespaces ? (struct start_failure){"namespaces", "clone"}
				       : (struct start_failure){"start", "fork"};
	pid = clone_into(flags, group->directory, &entered);
	if (pid == 0)
		child(identity, profile, sockets[1], plan, channels, program, null, errors);
	result = pid < 0 ? -errno : 0;
	close(sockets[1]);
	if (result == 0 && entered < 0) {
		*failure = (struct start_failure){"cgroup", "cgroup.procs"};
		result = entered;
	}
	if (result == 0 && mapped) {
		failure->step = "uid_map";
		result = identity_map(identity, pid, identity->uid, identity->gid);
	}
	if (result == 0) {
		failure->step = "send";
		result = send_identity(instance, group, sockets[0]);
	}
	if (result < 0) {
		if (pid > 0)
			kill(pid, SIGKILL); /* reaped with the others; nobody knows its number */
		close(sockets[0]);
		return result;
	}
	*setup = sockets[0];
	return pid;
}
