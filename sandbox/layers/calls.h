/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SALLYPORT_SANDBOX_LAYERS_CALLS_H
#define SALLYPORT_SANDBOX_LAYERS_CALLS_H

/*
 * System calls of the new mount interface (Linux 5.12 at the latest), by name and without a C library's
 * wrappers, which musl and older glibc lack. <sys/mount.h> and <linux/mount.h> contradict each other in
 * glibc 2.36, so files that include this one use only the kernel's.
 */

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

static inline int call_open_tree(int directory, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int call_move_mount(int from, int to, const char *to_path, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, "", to, to_path, flags | MOVE_MOUNT_F_EMPTY_PATH);
}

static inline int call_mount_setattr(int mount, unsigned flags, struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH, attributes,
			    sizeof *attributes);
}

static inline int call_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

static inline int call_fsconfig(int context, unsigned command, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static inline int call_fsmount(int context, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, attributes);
}

static inline int call_openat2(int directory, const char *path, unsigned long long flags,
			       unsigned long long resolve)
{
	struct open_how how = {.flags = flags, .resolve = resolve};

	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

#endif
