/* SPDX-License-Identifier: Apache-2.0 */
/* What the spawner tells the frontend, and what it advises when a layer is refused. */
#include "sandbox/spawner/spawner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "protocol/cleanup.h"
#include "sandbox/memory_events.h"

/* Sends are blocking: the frontend is the only one who gives orders, and if it is gone this is EPIPE. */
static void send_frame(struct spawner *spawner, struct frame_header *header, const struct buffer *payload,
		       const int *fds, size_t fd_count)
{
	frame_send(spawner->socket, header, payload->bytes ? buffer_data(payload) : NULL,
		   buffer_length(payload), fds, fd_count, 0);
}

/* Why there is no more confinement than there is: "" when there is no more to be had. */
static void write_why(const struct spawner *spawner, char *why, size_t size)
{
	const struct failure *failure = &spawner->choice.why;

	why[0] = '\0';
	if (failure->code)
		snprintf(why, size, "profile full is not possible here: %s: %s%s%s: %s. %s", failure->layer,
			 failure->step, failure->detail[0] ? " " : "", failure->detail,
			 err_name(failure->code), report_remedy(failure));
}

void report_started(struct spawner *spawner, struct instance *instance)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_STARTED, .call = instance->call, .value = instance->id};
	int pidfd = (int)syscall(SYS_pidfd_open, instance->pid, 0);
	char why[LIMIT_REMEDY_BYTES];
	int events = instance->events < 0 ? -1 : fcntl(instance->events, F_DUPFD_CLOEXEC, 0);

	if (events >= 0) /* shared with us, and only ever read by position */
		instance->fds[instance->fd_count++] = events;
	if (pidfd >= 0) /* without one the frontend refuses the frame, as it must */
		instance->fds[instance->fd_count++] = pidfd;
	write_why(spawner, why, sizeof why);
	frame_put_u32(&payload, (uint32_t)instance->pid);
	frame_put_u32(&payload, instance->confinement);
	frame_put_text(&payload, why);
	send_frame(spawner, &header, &payload, instance->fds, instance->fd_count);
	instance->told = true;
	for (size_t i = 0; i < instance->fd_count; i++)
		close_fd(&instance->fds[i]);
	instance->fd_count = 0;
}

void report_denials(struct spawner *spawner, struct instance *broker)
{
	const struct buffer none = {.bytes = NULL};

	send_frame(spawner, &(struct frame_header){.type = SPAWNER_DENIALS}, &none, broker->fds,
		   broker->fd_count);
	for (size_t i = 0; i < broker->fd_count; i++)
		close_fd(&broker->fds[i]);
	broker->fd_count = 0;
}

static void send_failed(struct spawner *spawner, uint32_t call, int code, const char *layer, const char *step,
			const char *remedy)
{
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_FAILED, .call = call, .value = (uint32_t)-code};

	frame_put_text(&payload, layer);
	frame_put_text(&payload, step);
	frame_put_text(&payload, remedy);
	frame_put_u32(&payload, spawner->confinement);
	send_frame(spawner, &header, &payload, NULL, 0);
}

void report_failed(struct spawner *spawner, uint32_t call, const struct failure *failure)
{
	char step[LIMIT_REMEDY_BYTES], why[LIMIT_REMEDY_BYTES], remedy[LIMIT_REMEDY_BYTES];
	const char *required = confinement_name(spawner->plan.require_profile);

	write_why(spawner, why, sizeof why);
	snprintf(step, sizeof step, "%s%s%s", failure->step, failure->detail[0] ? " " : "", failure->detail);
	/* a lower profile could have served: the policy would have it otherwise */
	if (spawner->confinement == spawner->plan.require_profile &&
	    choice_would_help(spawner->confinement, failure))
		snprintf(remedy, sizeof remedy, "%s%sthe policy requires profile %s (sandbox.requireProfile)",
			 report_remedy(failure), report_remedy(failure)[0] ? "; " : "", required);
	else
		snprintf(remedy, sizeof remedy, "%s%s%s", report_remedy(failure), why[0] ? "; " : "", why);
	send_failed(spawner, call, failure->code, failure->layer, step, remedy);
}

void report_required(struct spawner *spawner, uint32_t call, const char *layer)
{
	char step[LIMIT_REMEDY_BYTES], why[LIMIT_REMEDY_BYTES];

	write_why(spawner, why, sizeof why);
	if (!strcmp(layer, "cgroup")) {
		snprintf(step, sizeof step, "the policy requires it (sandbox.requireLayers); %s",
			 spawner->cgroups.why);
		send_failed(spawner, call, -EOPNOTSUPP, layer, step, report_group_remedy(&spawner->cgroups));
		return;
	}
	snprintf(step, sizeof step,
		 "the policy requires it (sandbox.requireLayers), and profile %s has it not",
		 confinement_name(spawner->confinement));
	send_failed(spawner, call, -EOPNOTSUPP, layer, step,
		    why[0] ? why : "take the layer out of the policy");
}

void report_died(struct spawner *spawner, const struct instance *instance)
{
	static const uint32_t kinds[] = {[EXECUTOR_SANDBOX] = SPAWNER_SANDBOX,
					 [EXECUTOR_FILES] = SPAWNER_FILES,
					 [EXECUTOR_WEB] = SPAWNER_WEB};
	_cleanup_(buffer_deinit) struct buffer payload = {.max = LIMIT_MESSAGE_FRAME_BYTES};
	struct frame_header header = {.type = SPAWNER_DIED, .value = instance->id};
	uint64_t killed = 0;

	if (!instance->told)
		return;
	memory_events_killed(instance->events, &killed);
	frame_put_u32(&payload, kinds[instance->profile]);
	frame_put_u32(&payload, (uint32_t)instance->status);
	frame_put_u64(&payload, killed);
	send_frame(spawner, &header, &payload, NULL, 0);
}

/*
 * What helps against a failure of a layer. The first row that fits holds; a step or code that is not given
 * fits any.
 */
static const struct {
	const char *layer;
	int code;
	const char *step, *remedy;
} remedies[] = {
	{"namespaces", -ENOSPC, NULL,
	 "user namespaces are switched off: sysctl user.max_user_namespaces must be above 0"},
	{"namespaces", -EPERM, "uid_map",
	 "AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a "
	 "profile for sallyport with \"userns,\""},
	{"namespaces", -EPERM, "ambient capabilities",
	 "AppArmor restricts user namespaces: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a "
	 "profile for sallyport with \"userns,\""},
	{"namespaces", -EPERM, NULL,
	 "namespaces are refused: sysctl kernel.unprivileged_userns_clone=1; in a container, a seccomp "
	 "profile "
	 "that permits user namespaces (docker, podman: --security-opt seccomp=FILE; kubernetes: "
	 "seccompProfile type Localhost), or --cap-add SYS_ADMIN"},
	{"namespaces", -EINVAL, NULL, "this kernel has no user namespaces: CONFIG_USER_NS=y"},
	{"namespaces", -ENOSYS, NULL,
	 "namespaces are refused by a filter: in a container, a seccomp profile that permits clone with new "
	 "namespaces (--security-opt seccomp=FILE)"},
	{"network", 0, NULL,
	 "network namespaces are refused: AppArmor (kernel.apparmor_restrict_unprivileged_userns=0) or the "
	 "container's security options"},
	{"mounts", 0, "idmapped mount",
	 "this file system cannot show root's files as another's: start sallyport as the workspace's owner, "
	 "or "
	 "give the workspace to an ordinary user"},
	{"mounts", -EPERM, "mount",
	 "the container masks /proc, so no new one may be mounted: --security-opt systempaths=unconfined "
	 "(kubernetes: procMount: Unmasked)"},
	{"mounts", -EPERM, NULL,
	 "mounting is refused inside the new namespace: AppArmor "
	 "(kernel.apparmor_restrict_unprivileged_userns=0) or the container's security options"},
	{"mounts", -EACCES, NULL,
	 "mounting is refused inside the new namespace: AppArmor "
	 "(kernel.apparmor_restrict_unprivileged_userns=0) or the container's security options"},
	{"identity", -EPERM, "root could write",
	 "start the container as an ordinary user (--user 1000:1000, runAsUser) who owns the workspace, or "
	 "give "
	 "the workspace to one"},
	{"private", 0, NULL,
	 "sandboxes need a directory for temporary files: set TMPDIR to one that can be written, or mount "
	 "one at "
	 "/tmp (kubernetes: an emptyDir)"},
	{"landlock", -ENOSYS, NULL,
	 "the kernel has no Landlock or the container's filter refuses it: Linux 5.13 or newer with "
	 "CONFIG_SECURITY_LANDLOCK, and a seccomp profile that permits landlock_*"},
	{"landlock", -EPERM, NULL,
	 "the container's filter refuses Landlock: a seccomp profile that permits landlock_*"},
	{"landlock", -EOPNOTSUPP, "landlock_create_ruleset",
	 "Landlock is off: \"landlock\" must stand in the lsm= list of the kernel's command line"},
	{"landlock", -EOPNOTSUPP, NULL,
	 "without mounts this cannot be enforced: keep what is hidden or read-only out of writable "
	 "workspaces, "
	 "or let profile full work"},
	{"seccomp", -EBUSY, NULL,
	 "whoever confines us supervises system calls already, and the kernel permits only one to listen: in "
	 "LXD "
	 "or Incus security.syscalls.intercept.*=false; else a seccomp profile without SCMP_ACT_NOTIFY"},
	{"seccomp", 0, "process_vm_readv",
	 "the keeper may not read the memory of its own children: sysctl kernel.yama.ptrace_scope=1 (2 and 3 "
	 "refuse it), or a seccomp profile that permits process_vm_readv"},
	{"seccomp", 0, NULL,
	 "the kernel must be built with CONFIG_SECCOMP_FILTER, and no filter around us may refuse seccomp"},
	{"start", -ENOENT, NULL, "the installation is incomplete: install sallyport again"},
};

const char *report_remedy(const struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (!strcmp(remedies[i].layer, failure->layer) &&
		    (!remedies[i].code || remedies[i].code == failure->code) &&
		    (!remedies[i].step || !strcmp(remedies[i].step, failure->step)))
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
