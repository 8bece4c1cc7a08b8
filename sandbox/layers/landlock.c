/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: what may be written, said a second time and by a mechanism that shares nothing with the mounts.
 * What the present kernel's ABI does not know is left out; the mounts cover it in the profile `full`, filters
 * in the others (gaps.c).
 *
 * Where there are no mounts it decides about reading too (landlock_reading.c), and there are two rulesets.
 * The keeper and its nannies live in the wider one, which lets them look at processes in /proc and open
 * terminals, which here are the machine's. Each command enters the other besides: a domain of its own inside,
 * from which nobody outside it can be signalled.
 */
#include "sandbox/layers/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/layers/calls.h"

#define FS_ALL_ABI_1 ((1u << 13) - 1)
/* what belongs to a file that is no directory; rules on files may say no more */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };            /* ABI 4 */
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* ABI 6 */

#define RULE_PATH_BENEATH 1

struct ruleset_attributes {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

static struct ruleset_attributes attributes_of(int abi, const struct profile *profile)
{
	struct ruleset_attributes attributes = {.fs = FS_ALL_ABI_1};

	attributes.fs |= abi >= 2 ? FS_REFER : 0;
	attributes.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	attributes.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	if (abi >= 4 && (profile->view == VIEW_NOTHING || !profile->namespaces))
		/* the broker connects; nobody of ours listens. Commands do both, in a network of their own or
		 * not at all */
		attributes.net = NET_BIND_TCP | (profile->executor == EXECUTOR_BROKER ? 0 : NET_CONNECT_TCP);
	if (abi >= 6)
		attributes.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
	return attributes;
}

static int allow_beneath(struct landlock *landlock, int parent, uint64_t rights, const char *path)
{
	struct path_beneath rule = {.parent = parent, .allowed = rights & landlock->known};
	struct stat status;

	if (fstat(parent, &status) < 0)
		return layer_failed(&landlock->context->failure, "fstat", path);
	if (!S_ISDIR(status.st_mode))
		rule.allowed &= FS_OF_FILES;
	if (syscall(SYS_landlock_add_rule, landlock->ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
		return layer_failed(&landlock->context->failure, "landlock_add_rule", path);
	return 0;
}

int landlock_allow(struct landlock *landlock, const char *path, uint64_t rights)
{
	/* the plan's paths have no links in them; if one has now, somebody has put it there */
	_cleanup_fd_ int parent =
		call_openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	if (parent < 0) /* what is not in the view needs no rule */
		return errno == ENOENT ? 0 : layer_failed(&landlock->context->failure, "open", path);
	return allow_beneath(landlock, parent, rights, path);
}

static int allow_workspaces(struct landlock *landlock)
{
	const struct executor *executor = landlock->context->executor;
	int result = 0;

	for (size_t i = 0; i < executor->plan.workspace_count && result == 0; i++) {
		bool write = executor->plan.workspaces[i].write && !landlock->context->profile->read_only;

		if (executor->workspaces[i] >= 0)
			result = allow_beneath(landlock, executor->workspaces[i],
					       FS_READ | (write ? FS_CHANGE : 0),
					       executor->plan.workspaces[i].path);
	}
	return result;
}

/* A command reads and executes all that it sees, and writes in its own places. */
static int allow_system(struct landlock *landlock)
{
	const struct plan *plan = &landlock->context->executor->plan;
	int result = landlock_allow(landlock, "/", FS_READ | FS_EXECUTE);

	if (result == 0)
		result = landlock_allow(landlock, "/dev", FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV);
	if (result == 0)
		result = landlock_allow(landlock, "/dev/shm", FS_OWN);
	if (result == 0)
		result = landlock_allow(landlock, "/tmp", FS_OWN);
	if (result == 0 && plan->home)
		result = landlock_allow(landlock, plan->home, FS_OWN);
	for (size_t i = 0; i < plan->workspace_count && result == 0; i++)
		if (plan->workspaces[i].write)
			result = landlock_allow(landlock, plan->workspaces[i].path, FS_OWN);
	for (size_t i = 0; i < plan->extra_count && result == 0; i++)
		if (plan->extra[i].write)
			result = landlock_allow(landlock, plan->extra[i].path, FS_OWN);
	return result;
}

static int add_rules(struct landlock *landlock)
{
	const struct profile *profile = landlock->context->profile;

	if (profile->view == VIEW_WORKSPACES)
		return allow_workspaces(landlock);
	if (profile->view == VIEW_SYSTEM)
		return profile->layers & LAYER_MOUNTS ? allow_system(landlock)
						      : landlock_allow_commands(landlock);
	return 0;
}

/* A descriptor, or -errno. */
static int make_ruleset(struct layer_context *context, int abi, struct landlock *landlock)
{
	struct ruleset_attributes attributes = attributes_of(abi, context->profile);
	/* the struct may be longer than the kernel's as long as what it does not know is zero */
	_cleanup_fd_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	int result;

	if (ruleset < 0)
		return layer_failed(&context->failure, "landlock_create_ruleset", NULL);
	*landlock = (struct landlock){.context = context, .ruleset = ruleset, .known = attributes.fs};
	result = add_rules(landlock);
	return result < 0 ? result : steal_fd(&ruleset);
}

int layer_landlock(struct layer_context *context)
{
	bool reading = context->profile->view == VIEW_SYSTEM && !(context->profile->layers & LAYER_MOUNTS);
	int abi = landlock_abi(), result;
	struct landlock landlock;

	if (abi < 1) {
		errno = abi < 0 ? -abi : ENOSYS;
		return layer_failed(&context->failure, "landlock_create_ruleset", NULL);
	}
	_cleanup_fd_ int ruleset = make_ruleset(context, abi, &landlock);
	if (ruleset < 0)
		return ruleset;
	if (reading) {
		context->executor->command_ruleset = make_ruleset(context, abi, &landlock);
		if (context->executor->command_ruleset < 0)
			return context->executor->command_ruleset;
		landlock.ruleset = ruleset;
		result = landlock_allow(&landlock, "/proc", FS_READ);
		if (result == 0)
			result = landlock_allow_terminals(&landlock);
		if (result < 0)
			return result;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return layer_failed(&context->failure, "landlock_restrict_self", NULL);
	return 0;
}
