/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is read of a caller (notify.h). It waits in its call, but others of its process run on and may change
 * its memory: so everything is read once. It may also be killed, and its number be another's at once: so what
 * was read counts only if target_valid() says afterwards that the call still waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/notify/notify.h"

#define STEP 4096 /* no page is smaller: a read up to such a bound needs one page */

int target_text(const struct notify_call *call, uint64_t address, char *text)
{
	for (size_t length = 0; length < PATH_MAX;) {
		size_t step = STEP - (size_t)((address + length) % STEP);
		struct iovec here = {text + length, step}, there = {(void *)(uintptr_t)(address + length), 0};

		if (step > PATH_MAX - length)
			here.iov_len = step = PATH_MAX - length;
		there.iov_len = step;
		ssize_t got = process_vm_readv(call->thread, &here, 1, &there, 1, 0);

		if (got < 0)
			return errno == EPERM ? -EACCES : -EFAULT;
		if (memchr(text + length, '\0', (size_t)got))
			return 0;
		length += (size_t)got;
		if ((size_t)got < step)
			return -EFAULT;
	}
	return -ENAMETOOLONG;
}

int target_bytes(const struct notify_call *call, uint64_t address, void *bytes, size_t size)
{
	struct iovec here = {bytes, size}, there = {(void *)(uintptr_t)address, size};
	ssize_t got = process_vm_readv(call->thread, &here, 1, &there, 1, 0);

	if (got < 0 && errno == EPERM)
		return -EACCES;
	return got < 0 || (size_t)got < size ? -EFAULT : 0;
}

int target_path(const struct notify_call *call, uint64_t address, char *text)
{
	int result = target_text(call, address, text);

	return result == 0 && !text[0] ? -ENOENT : result;
}

int target_socket(const struct notify_call *call, int fd, char *protocol, size_t size, ino_t *inode)
{
	char path[64];
	struct stat status;
	ssize_t length;

	/* by its whole path: there is no getxattrat() before Linux 6.13 */
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)call->thread, fd);
	if (fd < 0 || stat(path, &status) < 0)
		return fd < 0 || errno == ENOENT ? -EBADF : -errno;
	if (!S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	length = getxattr(path, "system.sockprotoname", protocol, size - 1);
	if (length < 0) /* a name in the file system, opened with O_PATH; or closed since */
		return errno == ENODATA || errno == EOPNOTSUPP || errno == ENOENT ? -EBADF : -errno;
	protocol[length] = '\0';
	*inode = status.st_ino;
	return 0;
}

static int open_descriptor(const struct notify_call *call, int descriptor, int flags)
{
	char path[64];
	int fd;

	if (descriptor == AT_FDCWD)
		snprintf(path, sizeof path, "%d/cwd", (int)call->thread);
	else if (descriptor < 0)
		return -EBADF;
	else
		snprintf(path, sizeof path, "%d/fd/%d", (int)call->thread, descriptor);
	fd = openat(call->notify->proc, path, O_PATH | O_CLOEXEC | flags);
	if (fd >= 0)
		return fd;
	return errno == ENOENT && descriptor != AT_FDCWD ? -EBADF : -errno;
}

int target_directory(const struct notify_call *call, int directory)
{
	return open_descriptor(call, directory, O_DIRECTORY);
}

int target_object(const struct notify_call *call, int descriptor)
{
	return open_descriptor(call, descriptor, 0);
}

int target_flags(const struct notify_call *call, int descriptor)
{
	char path[64], text[1024];
	unsigned flags;
	ssize_t length;

	snprintf(path, sizeof path, "%d/fdinfo/%d", (int)call->thread, descriptor);
	_cleanup_fd_ int fd = openat(call->notify->proc, path, O_RDONLY | O_CLOEXEC);

	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length < 0)
		return errno == ENOENT ? -EBADF : -errno;
	text[length] = '\0';
	return sscanf(text, "pos: %*d flags: %o", &flags) == 1 ? (int)flags : -EBADF;
}

long target_number(const struct notify *notify, const char *path, const char *name, int base)
{
	char text[2048];
	_cleanup_fd_ int fd = -1;
	const char *at;
	ssize_t length;

	fd = openat(notify->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof text - 1);
	if (length < 0)
		return -errno;
	text[length] = '\0';
	at = strstr(text, name); /* names begin with a newline; the process's own begins the text */
	return at ? strtol(at + strlen(name), NULL, base) : -ENODATA;
}

long target_status(const struct notify *notify, pid_t process, const char *name, int base)
{
	char path[64];

	snprintf(path, sizeof path, "%d/status", (int)process);
	return target_number(notify, path, name, base);
}

int target_process(const struct notify_call *call)
{
	return (int)target_status(call->notify, call->thread, "\nTgid:", 10);
}

int target_umask(const struct notify_call *call)
{
	struct notify *notify = call->notify;
	mode_t wanted = LIMIT_COMMAND_UMASK;

	if (call->client->umask_changed) {
		long mask = target_status(call->notify, call->thread, "\nUmask:", 8);

		if (mask < 0)
			return (int)mask;
		wanted = (mode_t)mask;
	}
	if (wanted != notify->umask)
		umask(wanted);
	notify->umask = wanted;
	return 0;
}

/* As /proc/PID/stat has it. */
dev_t target_terminal_number(const struct notify_call *call)
{
	char path[64], text[1024];
	_cleanup_fd_ int fd = -1;
	unsigned number = 0;
	const char *at;
	ssize_t length;

	snprintf(path, sizeof path, "%d/stat", (int)call->thread);
	fd = openat(call->notify->proc, path, O_RDONLY | O_CLOEXEC);
	length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	at = strrchr(text, ')'); /* the name before it may hold anything */
	if (!at || sscanf(at, ") %*c %*d %*d %*d %u", &number) != 1)
		return 0;
	return makedev((number >> 8) & 0xfff, (number & 0xff) | ((number >> 12) & 0xfff00));
}

/*
 * /dev/tty is another terminal for everybody. It comes from outside the sandbox, so it has no name here; but
 * whoever has a controlling terminal mostly has it open.
 */
int target_terminal(const struct notify_call *call, int flags)
{
	dev_t terminal = target_terminal_number(call);
	char path[64];

	if (!terminal)
		return -ENXIO;
	for (int i = 0; i < LIMIT_NOTIFY_TERMINAL_FILES; i++) {
		struct stat status;

		snprintf(path, sizeof path, "%d/fd/%d", (int)call->thread, i);
		if (fstatat(call->notify->proc, path, &status, 0) < 0 || !S_ISCHR(status.st_mode) ||
		    status.st_rdev != terminal)
			continue;
		int fd = openat(call->notify->proc, path, flags | O_NOCTTY | O_CLOEXEC);

		return fd < 0 ? -errno : fd;
	}
	return -ENXIO;
}

long target_valid(const struct notify_call *call)
{
	uint64_t id = call->id;

	return ioctl(call->client->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0 ? NOTIFY_ANSWERED : 0;
}
