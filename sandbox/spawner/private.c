/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that stand for what a mount namespace would give: a /tmp and a home of the sandbox's own, as
 * SCRATCH/sallyport-UID-XXXXXX/{tmp,home}. Whoever made one holds a lock on it for as long as its sandbox may
 * live. So one without a lock was left behind by a spawner that was killed, and the next removes it.
 *
 * What is in them was made by hostile commands, who are dead by then: nothing is followed, nothing recursed
 * into. Directories are moved up to the top until none has another inside, however deep they were.
 */
#include "sandbox/spawner/spawner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/cleanup.h"

#define PREFIX "sallyport-%u-"

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* To be moved or opened a directory must be writable. Root needs that not, and must not follow a link here.
 */
static void make_writable(int parent, const char *name)
{
	if (geteuid() != 0 && fchmodat(parent, name, 0700, 0) < 0)
		return; /* what cannot be opened then stays, and is tried again at the next start */
}

/* Empties the directory `name` of `top`: directories move to `top` under new names. How many moved. */
static size_t flatten(int top, const char *name, unsigned long *serial)
{
	int fd = open_directory(top, name);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	size_t moved = 0;
	char fresh[32];

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || (errno != EISDIR && errno != EPERM))
			continue;
		make_writable(fd, entry->d_name);
		snprintf(fresh, sizeof fresh, "moved-%lu", (*serial)++);
		if (renameat(fd, entry->d_name, top, fresh) == 0)
			moved++;
	}
	closedir(directory);
	return moved;
}

/* One pass over what stands directly in `top`. True when another is needed. */
static bool flatten_all(int top, unsigned long *serial)
{
	int again = open_directory(top, ".");
	DIR *directory = again < 0 ? NULL : fdopendir(again);
	size_t moved = 0;

	if (!directory) {
		if (again >= 0)
			close(again);
		return false;
	}
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(top, entry->d_name, 0) == 0)
			continue;
		make_writable(top, entry->d_name);
		moved += flatten(top, entry->d_name, serial);
		unlinkat(top, entry->d_name, AT_REMOVEDIR);
	}
	closedir(directory);
	return moved > 0;
}

void private_remove(const char *path)
{
	_cleanup_fd_ int top = open_directory(AT_FDCWD, path);
	unsigned long serial = 0;

	while (top >= 0 && flatten_all(top, &serial))
		;
	rmdir(path);
}

/* Locks a directory of ours that nobody else holds; the descriptor, or -errno. */
static int lock_directory(const char *path)
{
	_cleanup_fd_ int lock = open_directory(AT_FDCWD, path);
	struct stat status;

	if (lock < 0 || fstat(lock, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		return -EPERM;
	return flock(lock, LOCK_EX | LOCK_NB) < 0 ? -errno : steal_fd(&lock);
}

void private_remove_stale(const char *scratch)
{
	DIR *directory = opendir(scratch);
	char prefix[32], path[LIMIT_PATH_BYTES + NAME_MAX + 2];

	snprintf(prefix, sizeof prefix, PREFIX, (unsigned)geteuid());
	if (!directory)
		return;
	for (const struct dirent *entry; (entry = readdir(directory));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof path, "%s/%s", scratch, entry->d_name);
		_cleanup_fd_ int lock = lock_directory(path);

		if (lock >= 0)
			private_remove(path);
	}
	closedir(directory);
}

static int fill(int lock, uid_t uid, gid_t gid)
{
	static const char *const names[] = {"tmp", "home"};

	/* whoever the commands act as must get through, and nobody else into what is inside */
	if (fchmod(lock, uid == geteuid() ? 0700 : 0711) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (mkdirat(lock, names[i], 0700) < 0 ||
		    (uid != geteuid() && fchownat(lock, names[i], uid, gid, AT_SYMLINK_NOFOLLOW) < 0))
			return -errno;
	return 0;
}

int private_make(const char *scratch, uid_t uid, gid_t gid, char **path)
{
	char made[LIMIT_PATH_BYTES + 64];
	int result = -EBUSY;

	/* somebody who looks for stale ones may come between making and locking: then another */
	for (int tries = 0; tries < LIMIT_PRIVATE_TRIES; tries++) {
		snprintf(made, sizeof made, "%s/" PREFIX "XXXXXX", scratch, (unsigned)geteuid());
		if (!mkdtemp(made))
			return -errno;
		_cleanup_fd_ int lock = lock_directory(made);

		result = lock < 0 ? lock : fill(lock, uid, gid);
		if (result == 0) {
			*path = strdup(made);
			return *path ? steal_fd(&lock) : -ENOMEM;
		}
		if (result != -ENOENT && result != -EWOULDBLOCK) {
			private_remove(made);
			return result;
		}
	}
	return result;
}
