/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are. Never kernel uid 0: such a process writes /proc/sys and ignores RLIMIT_NPROC however few
 * capabilities it has.
 *
 * As an ordinary user the spawner made the user namespace with the others, and all that is left here is to
 * drop the capabilities that it gave. As root, mounts and network were made with real privilege, outside any
 * user namespace; now we enter one that maps nothing but the uid and gid we are to be, so the namespaces made
 * before belong to somebody we can never be again.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/spawner/setup.h"

static int drop_capabilities(struct layer_context *context)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	/* the bounding set ends where the kernel says there is no such capability */
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return layer_failed(&context->failure, "PR_CAPBSET_DROP", NULL);
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

int layer_identity(struct layer_context *context)
{
	uid_t real, effective, saved;
	int result = context->executor->privileged ? change_ids(context) : 0;

	if (result == 0)
		result = drop_capabilities(context);
	if (result < 0)
		return result;
	/* what was asked for and what is are two things: look */
	if (getresuid(&real, &effective, &saved) < 0 || real == 0 || real != effective || real != saved ||
	    real != context->executor->uid) {
		errno = EPERM;
		return layer_failed(&context->failure, "getresuid",
				    "the uid is not the one that was asked for");
	}
	return 0;
}
