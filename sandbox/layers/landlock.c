/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: what may be written, said a second time and by a mechanism that shares nothing with the mounts.
 * What the present kernel's ABI does not know is left out; the mounts cover it in the profile `full`.
 *
 * The numbers are written out: they are the kernel's interface, and the headers of Debian 12 end at ABI 2.
 */
#include "sandbox/layers/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

enum {
	FS_EXECUTE = 1 << 0,
	FS_WRITE_FILE = 1 << 1,
	FS_READ_FILE = 1 << 2,
	FS_READ_DIR = 1 << 3,
	FS_REMOVE_DIR = 1 << 4,
	FS_REMOVE_FILE = 1 << 5,
	FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_MAKE_SOCK = 1 << 9,
	FS_MAKE_FIFO = 1 << 10,
	FS_MAKE_SYM = 1 << 12,
	FS_REFER = 1 << 13,     /* ABI 2 */
	FS_TRUNCATE = 1 << 14,  /* ABI 3 */
	FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
};

#define FS_ALL_ABI_1 ((1u << 13) - 1)
#define FS_READ      (FS_READ_FILE | FS_READ_DIR)
#define FS_CHANGE                                                                                            \
	(FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM |          \
	 FS_REFER | FS_TRUNCATE)
/* what belongs to a file that is no directory; rules on files may say no more */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };            /* ABI 4 */
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* ABI 6 */

#define CREATE_RULESET_VERSION 1
#define RULE_PATH_BENEATH      1

struct ruleset_attributes {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

struct landlock {
	struct layer_context *context;
	int ruleset;
	uint64_t known; /* file system rights of this kernel's ABI */
};

static struct ruleset_attributes attributes_of(int abi, const struct profile *profile)
{
	struct ruleset_attributes attributes = {.fs = FS_ALL_ABI_1};

	attributes.fs |= abi >= 2 ? FS_REFER : 0;
	attributes.fs |= abi >= 3 ? FS_TRUNCATE : 0;
	attributes.fs |= abi >= 5 ? FS_IOCTL_DEV : 0;
	if (abi >= 4 && profile->view == VIEW_NOTHING)
		/* the broker connects; nobody of ours listens. Commands do both, in a network of their own */
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

static int allow_path(struct landlock *landlock, const char *path, uint64_t rights)
{
	_cleanup_fd_ int parent = open(path, O_PATH | O_CLOEXEC);

	if (parent < 0) /* what is not in the view needs no rule */
		return errno == ENOENT ? 0 : layer_failed(&landlock->context->failure, "open", path);
	return allow_beneath(landlock, parent, rights, path);
}

static int allow_workspaces(struct landlock *landlock)
{
	const struct executor *executor = landlock->context->executor;
	int result = 0;

	for (size_t i = 0; i < executor->plan.workspace_count && result == 0; i++)
		if (executor->workspaces[i] >= 0)
			result = allow_beneath(landlock, executor->workspaces[i],
					       FS_READ | (executor->plan.workspaces[i].write ? FS_CHANGE : 0),
					       executor->plan.workspaces[i].path);
	return result;
}

/* A command reads and executes all that it sees, and writes in its own places. */
static int allow_system(struct landlock *landlock)
{
	const struct plan *plan = &landlock->context->executor->plan;
	const uint64_t own = FS_CHANGE | FS_MAKE_SOCK | FS_MAKE_FIFO;
	int result = allow_path(landlock, "/", FS_READ | FS_EXECUTE);

	if (result == 0)
		result = allow_path(landlock, "/dev", FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV);
	if (result == 0)
		result = allow_path(landlock, "/dev/shm", own);
	if (result == 0)
		result = allow_path(landlock, "/tmp", own);
	if (result == 0 && plan->home)
		result = allow_path(landlock, plan->home, own);
	for (size_t i = 0; i < plan->workspace_count && result == 0; i++)
		if (plan->workspaces[i].write)
			result = allow_path(landlock, plan->workspaces[i].path, own);
	for (size_t i = 0; i < plan->extra_count && result == 0; i++)
		if (plan->extra[i].write)
			result = allow_path(landlock, plan->extra[i].path, own);
	return result;
}

int layer_landlock(struct layer_context *context)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION), result = 0;

	if (abi < 1)
		return layer_failed(&context->failure, "landlock_create_ruleset", NULL);
	struct ruleset_attributes attributes = attributes_of(abi, context->profile);
	/* the struct may be longer than the kernel's as long as what it does not know is zero */
	_cleanup_fd_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
	if (ruleset < 0)
		return layer_failed(&context->failure, "landlock_create_ruleset", NULL);
	struct landlock landlock = {.context = context, .ruleset = ruleset, .known = attributes.fs};

	if (context->profile->view == VIEW_WORKSPACES)
		result = allow_workspaces(&landlock);
	else if (context->profile->view == VIEW_SYSTEM)
		result = allow_system(&landlock);
	if (result < 0)
		return result;
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return layer_failed(&context->failure, "landlock_restrict_self", NULL);
	return 0;
}
