/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a command with a network finds names: three files of ours lie over the machine's, which would send it
 * to name servers and services that it cannot reach, or give it addresses that mean nothing inside.
 */
#include "sandbox/layers/mounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "protocol/cleanup.h"
#include "protocol/path.h"
#include "sandbox/layers/calls.h"

#define STAGING ".names" /* a file of the new root while it is made; its name is gone when it is shown */

static int write_file(struct layer_context *context, int root, const char *text)
{
	_cleanup_fd_ int file =
		openat(root, STAGING, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	size_t length = strlen(text);

	if (file < 0)
		return layer_failed(&context->failure, "create", STAGING);
	if (fchmod(file, 0444) < 0 || write(file, text, length) != (ssize_t)length)
		return layer_failed(&context->failure, "write", STAGING);
	return 0;
}

/* Then it is covered anyway, and nothing can lie over a file without a name, as these are. */
static bool is_hidden(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->hide_count; i++)
		if (path_within(path, plan->hide[i]))
			return true;
	return false;
}

int view_cover(struct layer_context *context, int root, const char *path, const char *text)
{
	_cleanup_fd_ int target =
		call_openat2(root, path, O_PATH | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat status;
	int result;

	if (is_hidden(&context->executor->plan, path))
		return 0;
	if (target < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			       ? 0
			       : layer_failed(&context->failure, "open", path);
	if (fstat(target, &status) < 0 || !S_ISREG(status.st_mode))
		return layer_failed(&context->failure, "not a file", path);
	result = write_file(context, root, text);
	if (result < 0)
		return result;
	_cleanup_fd_ int tree =
		mount_clone(context, root, STAGING,
			    MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return tree;
	if (call_move_mount(tree, target, "", MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return layer_failed(&context->failure, "move_mount", path);
	if (unlinkat(root, STAGING, 0) < 0)
		return layer_failed(&context->failure, "unlink", STAGING);
	return 0;
}

/* Programs look their own machine up; it must not hide a host that the policy names. */
static bool names_machine(const struct plan *plan, const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

	for (size_t i = 0; i < plan->allowed_count; i++)
		if (strcasecmp(plan->allowed[i].host, name) == 0)
			return false;
	return name[0] && strspn(name, letters) == strlen(name);
}

int view_names(struct layer_context *context, int root)
{
	static const char services[] = "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
				       "networks: files\nprotocols: files\nservices: files\nethers: files\n"
				       "rpc: files\n";
	char hosts[sizeof(struct utsname) + 128] = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n";
	struct utsname machine;
	size_t used = strlen(hosts);
	int result;

	if (uname(&machine) == 0 && names_machine(&context->executor->plan, machine.nodename))
		snprintf(hosts + used, sizeof hosts - used, "127.0.1.1 %s\n", machine.nodename);
	result = view_cover(context, root, "/etc/hosts", hosts);
	if (result == 0)
		result = view_cover(context, root, "/etc/nsswitch.conf", services);
	if (result == 0)
		result = view_cover(context, root, "/etc/resolv.conf", "nameserver 127.0.0.1\n");
	return result;
}
