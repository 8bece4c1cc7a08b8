/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs of a given size, where nobody else sees it. */
#include "tests/files/small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "tests/files/harness.h"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* The same user inside as outside, root there. */
static bool map_user(uid_t user, gid_t group)
{
	char users[64], groups[64];

	snprintf(users, sizeof users, "0 %u 1", (unsigned)user);
	snprintf(groups, sizeof groups, "0 %u 1", (unsigned)group);
	return put("/proc/self/uid_map", users) && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/gid_map", groups);
}

bool small_disk_begin(void)
{
	uid_t user = geteuid();
	gid_t group = getegid();

	if (unshare(user ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS) == 0 &&
	    (user == 0 || map_user(user, group)) && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	fprintf(stderr, "no mount namespace for small disks (%s)\n", strerror(errno));
	return false;
}

void small_disk_mount(const char *path, size_t bytes, unsigned names)
{
	char options[64];

	snprintf(options, sizeof options, "mode=0755,size=%zu,nr_inodes=%u", bytes, names);
	if (mount("small", path, "tmpfs", 0, options) < 0)
		fail_msg("no tmpfs on %s: %s", path, strerror(errno));
}

void small_disk_unmount(const char *path)
{
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}
