/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person can do when a layer is refused, on this very system: what stands in /proc/sys, and which
 * container's mark there is, tells rows apart that the kernel answers alike. Only words depend on it: whether
 * a layer is there is never inferred.
 */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "protocol/cleanup.h"

/* What of a kind of namespace is 0, and what to do about it. */
#define NONE_OF(kind)                                                                                        \
	"/proc/sys/user/max_" kind "_namespaces=0",                                                          \
		kind " namespaces are switched off: sysctl user.max_" kind "_namespaces=15000"

#define USERNS_CLONE "/proc/sys/kernel/unprivileged_userns_clone=0"
#define APPARMOR     "/proc/sys/kernel/apparmor_restrict_unprivileged_userns=1"
#define APPARMOR_HELPS                                                                                       \
	"AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a "   \
	"profile for sallyport with \"userns,\""
#define AS_ROOT "; started as root also --cap-add SYS_ADMIN, or as an ordinary user (--user) instead"

/*
 * The first row that fits holds; a code, step or sign that is not given fits any. A sign is a file that is
 * there, or "FILE=VALUE" for one that begins with VALUE.
 */
static const struct {
	const char *layer;
	int code;
	const char *step, *sign, *remedy;
} remedies[] = {
	{"namespaces", -ENOSPC, NULL, NONE_OF("user")},
	{"namespaces", -ENOSPC, NULL, NONE_OF("mnt")},
	{"namespaces", -ENOSPC, NULL, NONE_OF("pid")},
	{"namespaces", -ENOSPC, NULL, NONE_OF("ipc")},
	{"namespaces", -ENOSPC, NULL, NONE_OF("uts")},
	{"namespaces", -ENOSPC, NULL, NONE_OF("net")},
	{"namespaces", -ENOSPC, NULL, NULL,
	 "no more namespaces are to be had: raise the sysctl user.max_*_namespaces, or start sallyport in "
	 "fewer containers inside each other"},
	{"namespaces", -EPERM, "uid_map", NULL, APPARMOR_HELPS},
	{"namespaces", -EPERM, "ambient capabilities", NULL, APPARMOR_HELPS},
	{"namespaces", -EPERM, NULL, USERNS_CLONE,
	 "user namespaces are for root alone: sysctl kernel.unprivileged_userns_clone=1"},
	{"namespaces", -EPERM, NULL, APPARMOR, APPARMOR_HELPS},
	{"namespaces", -EPERM, NULL, "/run/.containerenv",
	 "the container's filter refuses new namespaces: podman run --security-opt seccomp=FILE with one "
	 "that "
	 "permits clone, unshare and mount" AS_ROOT},
	{"namespaces", -EPERM, NULL, "/var/run/secrets/kubernetes.io",
	 "the pod's filter refuses new namespaces: securityContext.seccompProfile of type Localhost, with "
	 "one "
	 "that permits clone, unshare and mount, or of type Unconfined" AS_ROOT},
	{"namespaces", -EPERM, NULL, "/.dockerenv",
	 "the container's filter refuses new namespaces: docker run --security-opt seccomp=FILE with one "
	 "that "
	 "permits clone, unshare and mount, or seccomp=unconfined" AS_ROOT},
	{"namespaces", -EPERM, NULL, NULL,
	 "a filter around us refuses new namespaces: in a container --security-opt seccomp=FILE with one "
	 "that "
	 "permits clone, unshare and mount (kubernetes: seccompProfile of type Localhost); under systemd no "
	 "RestrictNamespaces= in the unit"},
	{"namespaces", -EACCES, NULL, NULL,
	 "a security module refuses user namespaces: with AppArmor a profile for sallyport with \"userns,\""},
	{"namespaces", -EINVAL, NULL, NULL, "this kernel has no user namespaces: CONFIG_USER_NS=y"},
	{"namespaces", -ENOSYS, NULL, NULL,
	 "namespaces are refused by a filter: in a container, a seccomp profile that permits clone with new "
	 "namespaces (--security-opt seccomp=FILE)"},
	{"network", 0, NULL, APPARMOR, APPARMOR_HELPS},
	{"network", 0, NULL, NULL, "network namespaces are refused by the container's security options"},
	{"mounts", 0, "idmapped mount", NULL,
	 "this file system cannot show root's files as another's: start sallyport as the workspace's owner, "
	 "or "
	 "give the workspace to an ordinary user"},
	{"mounts", -EINVAL, "chown", NULL,
	 "the user namespace around us has one id only, and commands need another: start sallyport outside "
	 "of it, "
	 "as an ordinary user, or give it more (unshare --map-auto, podman with /etc/subuid)"},
	{"mounts", -EPERM, "mount", NULL,
	 "the container masks /proc, so no new one may be mounted: --security-opt systempaths=unconfined, "
	 "podman: --security-opt unmask=ALL (kubernetes: procMount: Unmasked)"},
	{"mounts", 0, NULL, APPARMOR, APPARMOR_HELPS},
	{"mounts", 0, NULL, NULL,
	 "mounting is refused inside the new namespace by the container's security options (AppArmor, "
	 "SELinux)"},
	{"identity", -EPERM, "root could write", NULL,
	 "start the container as an ordinary user (--user 1000:1000, runAsUser) who owns the workspace, or "
	 "give "
	 "the workspace to one"},
	{"private", 0, NULL, "/var/run/secrets/kubernetes.io",
	 "sandboxes need a directory for temporary files: an emptyDir at /tmp, or TMPDIR set to another "
	 "directory that can be written"},
	{"private", 0, NULL, NULL,
	 "sandboxes need a directory for temporary files: set TMPDIR to one that can be written, or mount "
	 "one "
	 "at /tmp (--tmpfs /tmp)"},
	{"landlock", -ENOSYS, NULL, NULL,
	 "the kernel has no Landlock or the container's filter refuses it: Linux 5.13 or newer with "
	 "CONFIG_SECURITY_LANDLOCK, and a seccomp profile that permits landlock_*"},
	{"landlock", -EPERM, NULL, NULL,
	 "the container's filter refuses Landlock: a seccomp profile that permits landlock_*"},
	{"landlock", -EOPNOTSUPP, "landlock_create_ruleset", NULL,
	 "Landlock is off: \"landlock\" must stand in the lsm= list of the kernel's command line"},
	{"landlock", -EOPNOTSUPP, NULL, NULL,
	 "without mounts this cannot be enforced: keep what is hidden or must stay as it is out of writable "
	 "workspaces, or let profile full work"},
	{"supervisor", -EBUSY, NULL, NULL,
	 "whoever confines us supervises system calls already, and the kernel permits only one to listen: in "
	 "LXD "
	 "or Incus security.syscalls.intercept.*=false; else a seccomp profile without SCMP_ACT_NOTIFY"},
	{"supervisor", 0, "process_vm_readv", NULL,
	 "the keeper may not read the memory of its own children: sysctl kernel.yama.ptrace_scope=1 (2 and 3 "
	 "refuse it), or a seccomp profile that permits process_vm_readv"},
	{"supervisor", 0, NULL, NULL,
	 "no filter around us may refuse seccomp with a listener (Linux 5.9 or newer)"},
	{"seccomp", 0, NULL, NULL,
	 "the kernel must be built with CONFIG_SECCOMP_FILTER, and no filter around us may refuse seccomp"},
	{"start", -ENOENT, NULL, NULL, "the installation is incomplete: install sallyport again"},
};

static bool shows(const char *sign)
{
	const char *value = strchr(sign, '=');
	char path[128], found[16];
	ssize_t length;

	if (!value)
		return access(sign, F_OK) == 0;
	memcpy(path, sign, (size_t)(value - sign));
	path[value - sign] = '\0';
	_cleanup_fd_ int file = open(path, O_RDONLY | O_CLOEXEC);

	length = file < 0 ? -1 : read(file, found, sizeof found);
	return length > 0 && !strncmp(found, value + 1, strlen(value + 1));
}

const char *report_remedy(const struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (!strcmp(remedies[i].layer, failure->layer) &&
		    (!remedies[i].code || remedies[i].code == failure->code) &&
		    (!remedies[i].step || !strcmp(remedies[i].step, failure->step)) &&
		    (!remedies[i].sign || shows(remedies[i].sign)))
			return remedies[i].remedy;
	return "";
}

const char *report_group_remedy(const struct cgroups *cgroups)
{
	if (cgroups->base >= 0 && cgroups->top)
		return "the machine's controllers are cgroup v1's: boot with "
		       "systemd.unified_cgroup_hierarchy=1";
	if (cgroups->base >= 0)
		return "delegate all of them: in systemd's user@.service, Delegate=cpu memory pids";
	return "start it alone in a group of its own: systemd-run --user --scope -p Delegate=yes sallyport "
	       "...; in a "
	       "container, as its only program, with a cgroupfs that it may write";
}
