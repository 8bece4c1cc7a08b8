/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User namespaces for idmapped mounts. One takes half a millisecond to make and is the same for every
 * executor as long as the workspace has the same owner, so the last one is kept; it gives nobody anything
 * who is not root outside it.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* Lines of an id map under which `a` and `b` change places and all others stay. */
static void swap_map(char *text, size_t size, uint32_t a, uint32_t b)
{
	uint32_t low = a < b ? a : b, high = a < b ? b : a;
	size_t used = 0;

	if (low == high) {
		snprintf(text, size, "0 0 4294967295\n");
		return;
	}
	if (low > 0)
		used += (size_t)snprintf(text + used, size - used, "0 0 %u\n", low);
	used += (size_t)snprintf(text + used, size - used, "%u %u 1\n", low, high);
	if (high - low > 1)
		used += (size_t)snprintf(text + used, size - used, "%u %u %u\n", low + 1, low + 1,
					 high - low - 1);
	used += (size_t)snprintf(text + used, size - used, "%u %u 1\n", high, low);
	snprintf(text + used, size - used, "%u %u %u\n", high + 1, high + 1, UINT32_MAX - high - 1);
}

static int write_swap(pid_t holder, const char *name, uint32_t theirs, uint32_t ours)
{
	char text[256];
	int result;

	swap_map(text, sizeof text, theirs, ours);
	result = identity_write(holder, name, text);
	if (result ==
	    -EPERM) { /* in a container that has not all ids: then only the owner's files are shown as ours */
		snprintf(text, sizeof text, "%u %u 1\n", theirs, ours);
		result = identity_write(holder, name, text);
	}
	return result;
}

/* Makes the maps of a child that only exists to hold the namespace open, and opens it. */
static int map_and_open(const struct identity *identity, pid_t holder, uid_t uid, gid_t gid)
{
	char path[64];
	int result, namespace;

	result = write_swap(holder, "uid_map", uid, identity->uid);
	if (result == 0)
		result = write_swap(holder, "gid_map", gid, identity->gid);
	if (result < 0)
		return result;
	snprintf(path, sizeof path, "/proc/%d/ns/user", (int)holder);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	return namespace < 0 ? -errno : namespace;
}

static int make(const struct identity *identity, uid_t uid, gid_t gid)
{
	pid_t holder = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (holder < 0)
		return -errno;
	if (holder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	int result = map_and_open(identity, holder, uid, gid);

	kill(holder, SIGKILL);
	while (waitpid(holder, NULL, 0) < 0 && errno == EINTR)
		;
	return result;
}

int idmap_get(struct idmap *kept, const struct identity *identity, uid_t uid, gid_t gid)
{
	if (kept->namespace >= 0 && kept->uid == uid && kept->gid == gid && kept->as_uid == identity->uid &&
	    kept->as_gid == identity->gid)
		return kept->namespace;
	close_fd(&kept->namespace);
	int namespace = make(identity, uid, gid);

	if (namespace >= 0)
		*kept = (struct idmap){namespace, uid, gid, identity->uid, identity->gid};
	return namespace;
}

void idmap_foresee(struct idmap *kept, const struct identity *identity)
{
	if (identity->privileged &&
	    (identity->owner_uid != identity->uid || identity->owner_gid != identity->gid))
		(void)idmap_get(kept, identity, identity->owner_uid, identity->owner_gid);
}
