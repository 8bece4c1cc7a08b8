/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are. Not kernel uid 0 where that can be helped: such a process writes /proc/sys and ignores
 * RLIMIT_NPROC however few capabilities it has. Only in a container, where its files are root's and cannot be
 * shown as another's, it may stay, if the container has made everything read-only that root could abuse.
 *
 * As an ordinary user the spawner made the user namespace with the others, and all that is left here is to
 * drop the capabilities that it gave. As root, mounts and network were made with real privilege, outside any
 * user namespace; now we enter one that maps nothing but the uid and gid we are to be, so the namespaces made
 * before belong to somebody we can never be again.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/spawner/setup.h"

/*
 * While it may still be done. Who has no capability to begin with may not, without namespaces, and needs not:
 * no_new_privs keeps execve from giving any.
 */
static int drop_bounding_set(struct layer_context *context)
{
	int capability = 0;

	while (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0)
		capability++;
	/* it ends where the kernel says there is no such capability */
	if ((errno == EINVAL && capability > 0) || (errno == EPERM && !context->profile->namespaces))
		return 0;
	return layer_failed(&context->failure, "PR_CAPBSET_DROP", NULL);
}

static int drop_capabilities(struct layer_context *context)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return layer_failed(&context->failure, "PR_CAP_AMBIENT_CLEAR_ALL", NULL);
	if (syscall(SYS_capset, &header, none) < 0)
		return layer_failed(&context->failure, "capset", NULL);
	return 0;
}

int layer_namespaces(struct layer_context *context)
{
	const struct executor *executor = context->executor;
	int result;

	if (!executor->privileged)
		return 0;
	if (unshare(CLONE_NEWUSER) < 0)
		return layer_failed(&context->failure, "unshare", "user namespace");
	result = setup_ask(SETUP_UNSHARED, executor->uid, executor->gid, SETUP_MAPPED, NULL);
	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, "uid_map", NULL);
	}
	return 0;
}

static int change_ids(struct layer_context *context)
{
	const struct executor *executor = context->executor;

	if (setgroups(0, NULL) < 0)
		return layer_failed(&context->failure, "setgroups", NULL);
	if (setresgid(executor->gid, executor->gid, executor->gid) < 0)
		return layer_failed(&context->failure, "setresgid", NULL);
	if (setresuid(executor->uid, executor->uid, executor->uid) < 0)
		return layer_failed(&context->failure, "setresuid", NULL);
	return 0;
}

/*
 * Root without a capability is harmless only where what belongs to root and acts on the whole machine cannot
 * be written. Tried, not inferred: opening for writing changes none of these.
 */
static int check_root_is_harmless(struct layer_context *context)
{
	static const char *const paths[] = {"/proc/sys/kernel/core_pattern",
					    "/proc/sys/kernel/modprobe",
					    "/proc/sys/kernel/hostname",
					    "/proc/sys/vm/drop_caches",
					    "/proc/sysrq-trigger",
					    "/proc/irq/default_smp_affinity",
					    "/sys/kernel/uevent_helper",
					    "/sys/kernel/mm/transparent_hugepage/enabled",
					    "/sys/power/state",
					    "/sys/fs/cgroup/cgroup.procs",
					    "/sys/fs/cgroup/cgroup.subtree_control",
					    "/sys/fs/cgroup/memory/release_agent",
					    "/sys/fs/cgroup/devices/release_agent"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_fd_ int file = open(paths[i], O_WRONLY | O_CLOEXEC);

		if (file >= 0) {
			errno = EPERM;
			return layer_failed(&context->failure, "root could write", paths[i]);
		}
	}
	return 0;
}

int layer_identity(struct layer_context *context)
{
	uid_t real, effective, saved;
	int result = drop_bounding_set(context);

	if (result == 0 && context->executor->privileged)
		result = change_ids(context);
	if (result == 0)
		result = drop_capabilities(context);
	if (result < 0)
		return result;
	/* what was asked for and what is are two things: look */
	if (getresuid(&real, &effective, &saved) < 0 || real != effective || real != saved ||
	    real != context->executor->uid || (real == 0 && context->profile->namespaces)) {
		errno = EPERM;
		return layer_failed(&context->failure, "getresuid",
				    "the uid is not the one that was asked for");
	}
	return real == 0 ? check_root_is_harmless(context) : 0;
}
