/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's own file systems as a command sees them: /dev with the few devices that are harmless, /proc of
 * its own PID namespace with what reaches beyond it covered. There is no /sys. */
#include "sandbox/layers/ask.h"
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/cleanup.h"
#include "protocol/limits.h"
#include "sandbox/layers/calls.h"

static int make_links(struct layer_context *context, int directory, const char *const links[][2],
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (symlinkat(links[i][1], directory, links[i][0]) < 0 && errno != EEXIST)
			return layer_failed(&context->failure, "symlink", links[i][0]);
	return 0;
}

static int bind_device(struct layer_context *context, int devices, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "/dev/%s", name);
	/* without NODEV, or it would be a device that cannot be opened */
	_cleanup_fd_ int tree = mount_clone(context, AT_FDCWD, path, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return tree;
	_cleanup_fd_ int file = openat(devices, name, O_CREAT | O_RDONLY | O_CLOEXEC, 0444);
	if (file < 0 || call_move_mount(tree, devices, name, 0) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	return 0;
}

static int mount_at(struct layer_context *context, int tree, int directory, const char *name)
{
	if (mkdirat(directory, name, 0755) < 0 && errno != EEXIST)
		return layer_failed(&context->failure, "mkdir", name);
	if (call_move_mount(tree, directory, name, 0) < 0)
		return layer_failed(&context->failure, "move_mount", name);
	return 0;
}

int view_devices(struct layer_context *context, int root)
{
	static const char *const devices[] = {"null", "zero", "full", "random", "urandom", "tty"};
	static const char *const links[][2] = {{"fd", "/proc/self/fd"},
					       {"stdin", "/proc/self/fd/0"},
					       {"stdout", "/proc/self/fd/1"},
					       {"stderr", "/proc/self/fd/2"},
					       {"ptmx", "pts/ptmx"}};
	static const char *const terminals[][2] = {
		{"ptmxmode", "0666"}, {"mode", "0620"}, {"newinstance", NULL}};
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
	_cleanup_fd_ int tree = mount_tmpfs(context, "0755", 1u << 16, 64, 0);
	int result;

	if (tree < 0)
		return tree;
	result = mount_at(context, tree, root, "dev");
	for (size_t i = 0; i < ARRAY_SIZE(devices) && result == 0; i++)
		result = bind_device(context, tree, devices[i]);
	if (result == 0)
		result = make_links(context, tree, links, ARRAY_SIZE(links));
	if (result < 0)
		return result;
	_cleanup_fd_ int pts = mount_new(context, "devpts", terminals, ARRAY_SIZE(terminals),
					 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (pts < 0 || (result = mount_at(context, pts, tree, "pts")) < 0)
		return pts < 0 ? pts : result;
	/* Python's multiprocessing and many databases want it */
	_cleanup_fd_ int shm = mount_tmpfs(context, "1777", context->executor->plan.temporary_bytes,
					   context->executor->plan.temporary_files, 0);
	if (shm < 0 || (result = mount_at(context, shm, tree, "shm")) < 0)
		return shm < 0 ? shm : result;
	if (call_mount_setattr(tree, 0, &readonly) < 0)
		return layer_failed(&context->failure, "mount_setattr", "/dev");
	return 0;
}

/* Lies over itself and cannot be written. */
static int make_readonly(struct layer_context *context, int directory, const char *path)
{
	_cleanup_fd_ int target = openat(directory, path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	if (target < 0)
		return errno == ENOENT ? 0 : layer_failed(&context->failure, "open", path);
	_cleanup_fd_ int tree =
		mount_clone(context, target, "",
			    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return tree;
	if (call_move_mount(tree, target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	return 0;
}

int view_processes(struct layer_context *context, int root)
{
	/* the whole machine's settings: to be read, since programs do, and never to be written */
	static const char *const readonly[] = {"proc/sys", "proc/bus", "proc/fs", "proc/irq",
					       "proc/sysrq-trigger"};
	/* the whole machine's memory, keys, addresses, devices: not even to be read */
	static const char *const hidden[] = {
		"proc/acpi",       "proc/asound",     "proc/kallsyms",      "proc/kcore",
		"proc/key-users",  "proc/keys",       "proc/kmsg",          "proc/kpagecgroup",
		"proc/kpagecount", "proc/kpageflags", "proc/latency_stats", "proc/sched_debug",
		"proc/scsi",       "proc/timer_list", "proc/timer_stats",   "proc/vmallocinfo"};
	_cleanup_fd_ int tree =
		mount_new(context, "proc", NULL, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int result;

	if (tree < 0)
		return tree;
	result = mount_at(context, tree, root, "proc");
	for (size_t i = 0; i < ARRAY_SIZE(readonly) && result == 0; i++)
		result = make_readonly(context, root, readonly[i]);
	for (size_t i = 0; i < ARRAY_SIZE(hidden) && result == 0; i++)
		result = view_hide(context, root, hidden[i]);
	return result;
}

int view_furnish(struct layer_context *context, int root)
{
	static const char *const links[][2] = {{"run", "/run"}, {"tmp", "/tmp"}};
	const char *step;
	int result = ask_make(root, &step);

	if (result < 0) {
		errno = -result;
		return layer_failed(&context->failure, step, "/" ASK_DIRECTORY);
	}

	if ((mkdirat(root, "run", 0755) < 0 || mkdirat(root, "var", 0755) < 0) && errno != EEXIST)
		return layer_failed(&context->failure, "mkdir", "/run");
	_cleanup_fd_ int var = openat(root, "var", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* if a workspace stands in /var, that is as it is */
	return var < 0 ? 0 : make_links(context, var, links, ARRAY_SIZE(links));
}
