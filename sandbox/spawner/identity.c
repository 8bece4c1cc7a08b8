/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose files commands and the files executor act on: the owner of the first workspace, so that what they
 * make belongs to the person. Not root: a workspace of root's is shown, by an idmapped mount, as belonging to
 * an id that owns nothing else. Where nothing can be mounted and the workspace is root's there is only root
 * to write it, or nobody; layers/identity.c says under which condition that is accepted.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Whether the user namespace that we are in has more ids than one. In doubt it has: then trying tells. */
static bool has_other_ids(const char *map)
{
	_cleanup_fd_ int file = open(map, O_RDONLY | O_CLOEXEC);
	unsigned long long count;
	char text[64]; /* a first line, which is all there is where there is one id */
	ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);

	if (length <= 0)
		return true;
	text[length] = '\0';
	return sscanf(text, "%*u %*u %llu", &count) != 1 || count > 1 ||
	       strchr(text, '\n') != text + length - 1;
}

/* Whether this process may become another uid, and still kill what it started then. */
static bool may_change_ids(void)
{
	const uint32_t needed = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2];

	return syscall(SYS_capget, &header, sets) == 0 && (sets[0].effective & needed) == needed &&
	       has_other_ids("/proc/self/uid_map") && has_other_ids("/proc/self/gid_map");
}

/* Whether the first workspace is root's, and to be written, and only root may. */
static bool needs_root(const struct plan *plan, const struct stat *owner)
{
	return plan->workspaces[0].write && owner->st_uid == 0 && !(owner->st_mode & S_IWOTH);
}

int identity_decide(struct identity *identity, const struct plan *plan, enum confinement confinement)
{
	struct stat owner;

	*identity = (struct identity){.privileged = geteuid() == 0, .uid = geteuid(), .gid = getegid()};
	if (!identity->privileged)
		return 0;
	if (confinement != CONFINEMENT_FULL && !may_change_ids()) {
		identity->privileged = false; /* root by name: it stays what it is */
		return 0;
	}
	identity->uid = identity->gid = IDENTITY_NOBODY;
	identity->owner_uid = identity->owner_gid = IDENTITY_NOBODY;
	if (!plan->workspace_count || stat(plan->workspaces[0].path, &owner) < 0)
		return 0;
	identity->owner_uid = owner.st_uid;
	identity->owner_gid = owner.st_gid;
	if (confinement != CONFINEMENT_FULL && needs_root(plan, &owner)) {
		identity->uid = identity->gid = 0;
		return 0;
	}
	if (owner.st_uid != 0)
		identity->uid = owner.st_uid;
	if (owner.st_gid != 0)
		identity->gid = owner.st_gid;
	return 0;
}

int identity_write(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	_cleanup_fd_ int file = open(path, O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	return write(file, text, strlen(text)) < 0 ? -errno : 0;
}

int identity_map(const struct identity *identity, pid_t pid, uid_t uid, gid_t gid)
{
	char line[64];
	int result = 0;

	if (!identity->privileged) /* the kernel's condition for an ordinary user to write a gid_map */
		result = identity_write(pid, "setgroups", "deny");
	snprintf(line, sizeof line, "%u %u 1\n", uid, uid);
	if (result == 0)
		result = identity_write(pid, "uid_map", line);
	snprintf(line, sizeof line, "%u %u 1\n", gid, gid);
	if (result == 0)
		result = identity_write(pid, "gid_map", line);
	return result;
}
